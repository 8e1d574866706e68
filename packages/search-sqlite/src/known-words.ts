const mostRemembered = 131_072
const toSmall = 32

/** What was made of words before: texts say the same ones again and again, and neither a string of one nor what is made of it is made twice. */
export interface KnownWords {
  /** Begins a text. One must be done with before another begins. */
  begin(): void
  /** What is made of the ASCII word between two bytes; `undefined` where that is nothing, or the word was asked for before in this text. */
  formAt(bytes: Uint8Array, start: number, end: number): string | undefined
}

/** Remembers some 65,000 words, by a hash of 32 bits and the place that another gives it. `isAnyCase`: only of letters, and of words that differ in case alone the same is made. */
export function knownWords(formOf: (word: string) => string | undefined, { isAnyCase }: { readonly isAnyCase: boolean }): KnownWords {
  const slots = new Int32Array(mostRemembered * 2)
  const lastSlot = slots.length - 1
  /** Of each word its second hash, what is made of it, and in which text it was met last. */
  const hashes = new Int32Array(mostRemembered)
  const forms: (string | undefined)[] = []
  const metIn = new Float64Array(mostRemembered)
  const fold = isAnyCase ? toSmall : 0
  let texts = 0

  const add = (slot: number, hash: number, word: string): string | undefined => {
    const form = formOf(word)
    if (forms.length >= mostRemembered) return form
    metIn[forms.length] = texts
    hashes[forms.length] = hash
    forms.push(form)
    slots[slot] = forms.length
    return form
  }
  return {
    begin() {
      texts += 1
      if (forms.length < mostRemembered / 2) return
      slots.fill(0)
      forms.length = 0
    },
    formAt(bytes, start, end) {
      let place = 17
      let hash = 17
      for (let at = start; at < end; at += 1) {
        const letter = (bytes[at] ?? 0) | fold
        place = (Math.imul(place, 31) + letter) | 0
        hash = Math.imul(hash ^ letter, 16_777_619)
      }
      for (let slot = (place ^ (place >>> 15)) & lastSlot; ; slot = (slot + 1) & lastSlot) {
        const at = (slots[slot] ?? 0) - 1
        if (at === -1) return add(slot, hash, wordAt(bytes, start, end))
        if (hashes[at] !== hash) continue
        if (metIn[at] === texts) return undefined
        metIn[at] = texts
        return forms[at]
      }
    },
  }
}

function wordAt(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
