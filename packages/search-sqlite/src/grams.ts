/** Scripts that put no space between words. */
const unspacedGate =
  /[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc]|[\ud840-\ud888]/
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc]+/gu
const pictogramGate = /[\u203c-\u3299]|[\ud83c-\ud83e]/
const pictogram = /\p{Extended_Pictographic}/gu

/** Whether a UTF-16 code unit may begin a run without spaces or a pictogram. Never `false` for one that does. */
export function hasGrams(code: number): boolean {
  const character = String.fromCharCode(code)
  if (code >= 0xd800 && code <= 0xdbff) return unspacedGate.test(character) || pictogramGate.test(character)
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
