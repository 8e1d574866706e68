/** What is found in a text beside its words as they stand. */
export interface WordForms {
  /** Stems of its words that differ from the words, each once. */
  readonly stems: string
  /** The parts of its identifiers in camel case, those of one identifier one behind the other. */
  readonly parts: string
}

const longestWord = 80

/** The parts of an identifier in camel case, in lower case: `parseHTTPHeader2` → `parse`, `http`, `header2`. None where it has one part. */
export function identifierParts(word: string): readonly string[] {
  const parts = word.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
  return parts.length < 2 ? [] : parts.map((part) => part.toLowerCase())
}

/**
 * Walks over the words of a text, runs of ASCII letters and digits, once: parts of those in camel case always, stems of words in lower case where
 * `stemOf` is given. Linear; words over 80 characters, such as encoded data, are passed over. Pure.
 */
export function wordForms(text: string, stemOf: ((word: string) => string) | undefined): WordForms {
  const stems = new Set<string>()
  const identifiers = new Map<string, string>()
  let start = -1
  let hasHump = false
  let hasDigit = false
  let before = 0
  for (let at = 0; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : 0
    const kind = kindOf(code)
    if (kind === 0) {
      if (start !== -1 && at - start <= longestWord) {
        if (hasHump) {
          const word = text.slice(start, at)
          if (!identifiers.has(word)) identifiers.set(word, identifierParts(word).join(' '))
        } else if (stemOf !== undefined && !hasDigit && at - start > 2) {
          const word = text.slice(start, at).toLowerCase()
          const stem = stemOf(word)
          if (stem !== word) stems.add(stem)
        }
      }
      start = -1
      hasHump = false
      hasDigit = false
    } else {
      if (start === -1) start = at
      else if (kind === 3 && before !== 3) hasHump = true
      else if (kind === 1 && before === 3 && at - start > 1) hasHump = true
      if (kind === 2) hasDigit = true
    }
    before = kind
  }
  return { stems: [...stems].join(' '), parts: [...identifiers.values()].filter((parts) => parts !== '').join(' ') }
}

/** 0: of no word · 1: a small letter · 2: a digit · 3: a capital letter. */
function kindOf(code: number): 0 | 1 | 2 | 3 {
  if (code >= 97) return code <= 122 ? 1 : 0
  if (code >= 65) return code <= 90 ? 3 : 0
  return code >= 48 && code <= 57 ? 2 : 0
}
