import { stemmer } from 'stemmer'

const mostRemembered = 100_000
const remembered = new Map<string, string>()

/** The stem of an English word in lower case, by Porter's algorithm. Remembers the last 100,000: texts say the same words again and again. */
export function stemOf(word: string): string {
  const known = remembered.get(word)
  if (known !== undefined) return known
  if (remembered.size >= mostRemembered) remembered.clear()
  const stem = stemmer(word)
  remembered.set(word, stem)
  return stem
}
