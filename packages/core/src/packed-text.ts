/** How a text is packed: ids of the two common forms as their bytes, others as they are, long ones not at all. */
export type TextForm = 'hex' | 'uuid' | 'latin1' | 'utf16' | 'long'

/** Longer texts are kept as strings. */
const maxPackedLength = 200

/** The words of one text at a time. `words` holds `count` of them until the next text is packed. */
export interface TextPacker {
  readonly words: Uint32Array
  readonly count: number
  readonly form: TextForm
  pack(text: string): void
  /** Packs the eight hex digits of 32 bits. */
  packWord(word: number): void
}

/**
 * Packs texts so that equal ones have equal words and form, and no others: eight hex digits as one word, a UUID in lower case as four, another
 * text as its length and its characters, a long one (in `words` of any number) as what a hash needs alone.
 */
export function textPacker(): TextPacker {
  const short = new Uint32Array(2 + maxPackedLength / 2)
  let words = short
  let count = 0
  let form: TextForm = 'hex'
  const packDigits = (text: string, from: number, to: number): boolean => {
    let word = 0
    let digits = 0
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at)
      if (text.length === 36 && (at === 8 || at === 13 || at === 18 || at === 23)) {
        if (code !== 0x2d) return false
        continue
      }
      const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
      if (digit < 0) return false
      word = (word << 4) | digit
      digits++
      if ((digits & 7) === 0) short[(digits >> 3) - 1] = word
    }
    return true
  }
  const packCharacters = (text: string) => {
    let wide = 0
    for (let at = 0; at < text.length; at++) wide |= text.charCodeAt(at)
    const isWide = wide > 0xff
    form = isWide ? 'utf16' : 'latin1'
    const perWord = isWide ? 2 : 4
    count = 1 + Math.ceil(text.length / perWord)
    if (text.length > maxPackedLength) {
      form = 'long'
      words = new Uint32Array(count)
    }
    words.fill(0, 0, count)
    words[0] = text.length
    Buffer.from(words.buffer).write(text, 4, isWide ? 'utf16le' : 'latin1')
  }
  return {
    get words() {
      return words
    },
    get count() {
      return count
    },
    get form() {
      return form
    },
    pack(text) {
      words = short
      if (text.length === 8 && packDigits(text, 0, 8)) {
        form = 'hex'
        count = 1
      } else if (text.length === 36 && packDigits(text, 0, 36)) {
        form = 'uuid'
        count = 4
      } else packCharacters(text)
    },
    packWord(word) {
      words = short
      form = 'hex'
      count = 1
      short[0] = word
    },
  }
}

/** The eight hex digits of 32 bits. */
export function hexDigits(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}

/** The text whose words begin at `at`; not for long ones. */
export function unpackedText(form: TextForm, words: Uint32Array, at: number): string {
  const word = (offset: number) => words[at + offset] ?? 0
  const hex = (offset: number) => hexDigits(word(offset))
  if (form === 'hex') return hex(0)
  if (form === 'uuid') {
    const digits = hex(0) + hex(1) + hex(2) + hex(3)
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`
  }
  const length = word(0)
  const characters = Buffer.from(words.buffer, words.byteOffset + (at + 1) * 4, form === 'utf16' ? length * 2 : length)
  return characters.toString(form === 'utf16' ? 'utf16le' : 'latin1')
}
