/** Scripts that put no space between words. */
const unspacedGate =
  /[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc]|[\ud840-\ud888]/
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc]+/gu
const pictogramGate = /[\u203c-\u3299]|[\ud83c-\ud83e]/
const pictogram = /\p{Extended_Pictographic}/gu

let known: Uint8Array | undefined

/** Whether the character that begins at a byte of UTF-8 text, one from U+0800 on, is cut up. */
export function hasGramsAt(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at] ?? 0
  // Beyond the basic plane most are.
  if (first >= 0xf0) return true
  known ??= Uint8Array.from({ length: 65_536 }, (_, code) => Number(hasGrams(String.fromCharCode(code))))
  const code = ((first & 0x0f) << 12) | (((bytes[at + 1] ?? 0) & 0x3f) << 6) | ((bytes[at + 2] ?? 0) & 0x3f)
  return known[code] === 1
}

function hasGrams(character: string): boolean {
  return (
    (unspacedGate.test(character) && character.search(unspaced) === 0) ||
    (pictogramGate.test(character) && character.search(pictogram) === 0)
  )
}

/** A text with white space around its runs without spaces, so that a Latin word that touches one is a word. */
export function spaced(text: string): string {
  return unspacedGate.test(text) ? text.replace(unspaced, ' $& ') : text
}

/** The runs of a text in scripts that put no space between words. */
export function unspacedRuns(text: string): readonly string[] {
  return unspacedGate.test(text) ? [...text.matchAll(unspaced)].map(([run]) => run) : []
}

/** A run as overlapping pairs of characters, the last one alone at the end: so that each begins one, and what stands in it is found by its pairs. */
export function pairsOf(run: string): readonly string[] {
  const characters = [...run]
  return characters.map((character, at) => character + (characters[at + 1] ?? ''))
}

/** Pictograms as words, since to FTS5 they are none. */
export function pictogramWords(text: string): readonly string[] {
  if (!pictogramGate.test(text)) return []
  return [...text.matchAll(pictogram)].map(([found]) => `u${found.codePointAt(0)?.toString(16)}`)
}

/** What of a text has to be cut up before it can be looked up: pairs of each run, pictograms. */
export function gramsOf(text: string): string {
  const runs = unspacedRuns(text).map((run) => pairsOf(run).join(' '))
  return [...runs, pictogramWords(text).join(' ')].filter((words) => words !== '').join(' ')
}
