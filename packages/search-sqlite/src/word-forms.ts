import { hasGramsAt } from './grams.ts'
import { knownWords } from './known-words.ts'
import { mayHaveStem, stemOf } from './stems.ts'

/** What is found in a text beside its words as they stand. */
export interface WordForms {
  /** Stems of its words that differ from the words, each once. */
  readonly stems: string
  /** The parts of its identifiers in camel case, those of one identifier one behind the other. */
  readonly parts: string
  /** Whether anything in it is written without spaces between words, or is a pictogram: then it has grams. */
  readonly hasGrams: boolean
}

const longestWord = 80
const shortestStemmed = 3
const toSmall = 32

const none = 0
const small = 1
const digit = 2
const capital = 3
/** Begins a character from U+0800 on, in UTF-8: those before it are of scripts with spaces. */
const high = 4
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 97 && byte <= 122) return small
  if (byte >= 65 && byte <= 90) return capital
  if (byte >= 48 && byte <= 57) return digit
  return byte >= 0xe0 ? high : none
})

const encoder = new TextEncoder()
const mostBytesOfUnit = 3
let scratch = new Uint8Array(32 * 1024)

const identifiers = knownWords((word) => identifierParts(word).join(' ') || undefined, { isAnyCase: false })
const stemmed = knownWords(
  (word) => {
    const lower = word.toLowerCase()
    const stem = stemOf(lower)
    return stem === lower ? undefined : stem
  },
  { isAnyCase: true },
)

/** The parts of an identifier in camel case, in lower case: `parseHTTPHeader2` → `parse`, `http`, `header2`. None where it has one part. */
export function identifierParts(word: string): readonly string[] {
  const parts = word.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
  return parts.length < 2 ? [] : parts.map((part) => part.toLowerCase())
}

/**
 * Walks over the words of a text, runs of ASCII letters and digits, once: parts of those in camel case always, stems of the others, in lower case, where
 * `isProse`. Linear; words over 80 characters, such as encoded data, are passed over. Pure.
 */
export function wordForms(text: string, isProse: boolean): WordForms {
  // As bytes: looking at each character of a string, which may be part of a longer one, takes several times as long.
  if (text.length * mostBytesOfUnit + 1 > scratch.length) scratch = new Uint8Array(text.length * mostBytesOfUnit + 1)
  const bytes = scratch
  const { written } = encoder.encodeInto(text, bytes)
  // Ends the last word.
  bytes[written] = 0
  identifiers.begin()
  stemmed.begin()
  const stems = new Set<string>()
  const parts: string[] = []
  let hasGrams = false
  for (let at = 0; at < written; at += 1) {
    const first = kinds[bytes[at] ?? 0] ?? none
    if (first === none || first === high) {
      if (first === high) hasGrams ||= hasGramsAt(bytes, at)
      continue
    }
    const start = at
    let hasHump = false
    let isStemmed = isProse && first !== digit
    let before = first
    for (at += 1; ; at += 1) {
      const now = kinds[bytes[at] ?? 0] ?? none
      if (now === none || now === high) {
        if (now === high) hasGrams ||= hasGramsAt(bytes, at)
        break
      }
      if (now !== before) {
        if (now === digit) isStemmed = false
        else if (now === capital || (before === capital && at - start > 1)) hasHump = true
        before = now
      }
    }
    if (at - start > longestWord) continue
    if (hasHump) {
      const ofIdentifier = identifiers.formAt(bytes, start, at)
      if (ofIdentifier !== undefined) parts.push(ofIdentifier)
    } else if (isStemmed && at - start >= shortestStemmed && mayHaveStem(smallAt(bytes, at - 2), smallAt(bytes, at - 1))) {
      const stem = stemmed.formAt(bytes, start, at)
      if (stem !== undefined) stems.add(stem)
    }
  }
  return { stems: [...stems].join(' '), parts: parts.join(' '), hasGrams }
}

/** A letter in lower case. */
function smallAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | toSmall
}
