import { characterKinds, kind } from './character-kinds.ts'
import { hashed, mayHaveStem, noHash, stemFinder } from './stems.ts'

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
  const stems = new Set<string>()
  const identifiers = new Map<string, string>()
  const finder = stemFinder()
  let hasGrams = false
  let start = -1
  let hash = noHash
  let isStemmed = isProse
  let hasCapitals = false
  let hasHump = false
  let before: number = kind.none
  let beforeLast = 0
  let last = 0
  for (let at = 0; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : 0
    const now = characterKinds[code] ?? kind.none
    if (now === kind.none || now === kind.grams) {
      if (now === kind.grams) hasGrams = true
      if (start !== -1 && at - start <= longestWord) {
        if (hasHump) {
          const word = text.slice(start, at)
          if (!identifiers.has(word)) identifiers.set(word, identifierParts(word).join(' '))
        } else if (isStemmed && at - start >= shortestStemmed && mayHaveStem(beforeLast, last)) {
          const stem = finder.stemAt(text, start, at, hash, hasCapitals)
          if (stem !== undefined) stems.add(stem)
        }
      }
      start = -1
      before = now
      continue
    }
    if (start === -1) {
      start = at
      hash = noHash
      isStemmed = isProse
      hasCapitals = false
      hasHump = false
    } else if (now === kind.capital ? before !== kind.capital : now === kind.small && before === kind.capital && at - start > 1) {
      hasHump = true
    }
    if (now === kind.capital) hasCapitals = true
    else if (now === kind.digit) isStemmed = false
    beforeLast = last
    last = now === kind.capital ? code + toSmall : code
    hash = hashed(hash, last)
    before = now
  }
  return { stems: [...stems].join(' '), parts: [...identifiers.values()].filter((parts) => parts !== '').join(' '), hasGrams }
}
