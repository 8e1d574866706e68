/** Part of a text, and where in it the matches are. */
export interface Snippet {
  readonly text: string
  /** First character of each match and the one after the last, in order, none over another. */
  readonly marks: readonly (readonly [number, number])[]
}

const mostMarks = 50
const longText = 400_000
const mostWordsOfPhrase = 40
const ellipsis = '…'
const wordPattern = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*|\p{Extended_Pictographic}/gu
const unspacedScript = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u
/** Letters, signs aside, that are the same as another small one. */
const severalSmall = /[^\p{ASCII}\p{Lo}]/u
const endings = /(?:ing|ings|edly|ed|es|ies|s|ly|er|ers|ion|ions|e|y)$/

/**
 * About `characters` of a text around the place that says most of what was looked for: first where it stands as it was written, else where most of
 * the terms stand together. White space is made one blank. Linear in the text but for its matches. Pure.
 */
export function snippetOf(
  text: string,
  wanted: { readonly verbatim: string; readonly terms: readonly string[] },
  characters: number,
): Snippet {
  const phrase = firstMatch(phrasePattern(wanted.verbatim), text)
  const found = phrase === undefined ? termMatches(text, telling(wanted.terms)) : [phrase]
  const [from, to] = window(found, characters, text.length)
  const marks: [number, number][] = []
  let shown = from > 0 ? ellipsis : ''
  let at = from
  for (const match of inOrder(found.filter(({ start, end }) => start >= from && end <= to)).slice(0, mostMarks)) {
    shown += flat(text.slice(at, match.start), shown)
    const start = shown.length
    shown += flat(text.slice(match.start, match.end), shown)
    if (shown.length > start) marks.push([start, shown.length])
    at = match.end
  }
  shown += flat(text.slice(at, to), shown)
  return { text: shown.trimEnd() + (to < text.length ? ellipsis : ''), marks: marks.filter(([, end]) => end <= shown.trimEnd().length) }
}

/**
 * The part of a very long text around the first place that holds what was looked for, else its longest word: all that is shown of it, and compared with what
 * was written. A shorter text as it is.
 */
export function nearby(text: string, wanted: { readonly verbatim: string; readonly terms: readonly string[] }): string {
  if (text.length <= longText) return text
  const longest = wanted.terms.toSorted((left, right) => right.length - left.length)[0] ?? ''
  const found = firstMatch(phrasePattern(wanted.verbatim), text) ?? firstMatch(termPattern(longest), text)
  const start = Math.max(0, (found?.start ?? 0) - longText / 4)
  return text.slice(start, start + longText)
}

/** How well a text holds another as it was written, white space aside: 2, in the same case; 1, in another; 0, not at all. */
export function verbatimness(text: string, verbatim: string): 0 | 1 | 2 {
  const wanted = flatText(verbatim)
  if (wanted === '') return 0
  const flat = flatText(text)
  if (flat.includes(wanted)) return 2
  return flat.toLowerCase().includes(wanted.toLowerCase()) ? 1 : 0
}

/** A text with one blank for any white space, in small letters. */
export function plain(text: string): string {
  return flatText(text).toLowerCase()
}

function flatText(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** Short words, `the` and the like, are marked only where there are no longer ones. */
function telling(terms: readonly string[]): readonly string[] {
  const long = terms.filter((term) => term.length > 3 || !/^[a-z]+$/i.test(term))
  return long.length === 0 ? terms : long
}

interface Match {
  readonly start: number
  readonly end: number
  readonly term: number
}

/**
 * What is looked for in a text: where `lead`, in lower case, stands, the pattern is tried. Patterns alone would look at every character in vain. They
 * do where small letters may differ too: `μ` and the sign for micro, `σ` at the end of a word.
 */
interface Pattern {
  readonly lead: string
  readonly source: string
}

/** The words of a phrase with any signs between them; none where it has no word. */
function phrasePattern(phrase: string): Pattern | undefined {
  const words = phrase.match(wordPattern)?.slice(0, mostWordsOfPhrase)
  const lead = words?.[0]?.toLowerCase()
  if (words === undefined || lead === undefined) return undefined
  const isUnspaced = unspacedScript.test(phrase)
  const joined = words.map((word, at) => (at === 0 ? '' : signsBetween(words[at - 1] ?? '', word, isUnspaced)) + escaped(word)).join('')
  return { lead, source: isUnspaced ? joined : `(?<![\\p{L}\\p{N}])${joined}(?![\\p{L}\\p{N}])` }
}

/** Signs between two words. No word begins with one: so there is one way alone to match a phrase, and none takes forever to fail. */
function signsBetween(before: string, word: string, isUnspaced: boolean): string {
  const mayTouch = isUnspaced || !isLetters(before) || !isLetters(word)
  return `[^\\p{L}\\p{N}\\p{Extended_Pictographic}]${mayTouch ? '*' : '+'}`
}

function isLetters(word: string): boolean {
  return /^[\p{L}\p{N}]/u.test(word)
}

/** A term in any of its forms: what the word begins with, an ending aside. */
function termPattern(term: string): Pattern | undefined {
  if (!/^[a-z]{5,}$/i.test(term)) return phrasePattern(term)
  const lead = term.replace(endings, '').toLowerCase()
  return { lead, source: `(?<![\\p{L}\\p{N}])${escaped(lead)}\\p{L}{0,6}(?![\\p{L}\\p{N}])` }
}

/** A word inside of an identifier. */
function insidePattern(term: string): Pattern | undefined {
  return /^[\p{L}\p{N}]{4,}$/u.test(term) ? { lead: term.toLowerCase(), source: escaped(term) } : undefined
}

function firstMatch(pattern: Pattern | undefined, text: string): Match | undefined {
  const found = pattern === undefined ? undefined : matchesOf(pattern, text, text.toLowerCase()).next()
  return found?.done === false ? { ...found.value, term: 0 } : undefined
}

/** In order, none over another. */
function* matchesOf({ lead, source }: Pattern, text: string, lower: string): Generator<Omit<Match, 'term'>, void, undefined> {
  // Lower case may be longer, rarely: then places in one are none in the other.
  const isAsLong = lower.length === text.length
  const isLed = isAsLong && !severalSmall.test(lead)
  const pattern = compiled(source, isLed ? 'iuy' : 'giu')
  for (let from = 0; ; ) {
    const at = isLed ? lower.indexOf(lead, from) : from
    if (at === -1) return
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null && !isLed) return
    if (found !== null && found[0] !== '') yield { start: found.index, end: found.index + found[0].length }
    from = found === null || found[0] === '' ? at + 1 : found.index + found[0].length
  }
}

const mostCompiled = 200
const compiledPatterns = new Map<string, RegExp>()

/** Each hit of a search asks for the same ones. */
function compiled(source: string, flags: string): RegExp {
  const key = `${flags} ${source}`
  const pattern = compiledPatterns.get(key) ?? new RegExp(source, flags)
  if (compiledPatterns.size >= mostCompiled) compiledPatterns.clear()
  compiledPatterns.set(key, pattern)
  return pattern
}

function termMatches(text: string, terms: readonly string[]): readonly Match[] {
  const lower = text.toLowerCase()
  const matches: Match[] = []
  terms.forEach((term, at) => {
    const before = matches.length
    for (const pattern of [termPattern(term), insidePattern(term)]) {
      if (pattern === undefined || matches.length > before) continue
      for (const { start, end } of matchesOf(pattern, text, lower)) {
        if (matches.length - before >= mostMarks * 4) break
        matches.push({ start, end, term: at })
      }
    }
  })
  return inOrder(matches)
}

/** In their order, without those that begin inside of another. */
function inOrder(matches: readonly Match[]): readonly Match[] {
  let end = 0
  return [...matches]
    .sort((left, right) => left.start - right.start || right.end - left.end)
    .filter((match) => {
      if (match.start < end) return false
      end = match.end
      return true
    })
}

/** Where to cut: around the matches that stand together and hold the most terms. */
function window(matches: readonly Match[], characters: number, length: number): readonly [number, number] {
  let best: { readonly start: number; readonly end: number; readonly terms: number } | undefined
  const counts = new Map<number, number>()
  let first = 0
  for (const match of matches) {
    counts.set(match.term, (counts.get(match.term) ?? 0) + 1)
    for (
      let early = matches[first];
      early !== undefined && match.end - early.start > characters && early !== match;
      early = matches[first]
    ) {
      const left = (counts.get(early.term) ?? 1) - 1
      if (left === 0) counts.delete(early.term)
      else counts.set(early.term, left)
      first += 1
    }
    if (counts.size > (best?.terms ?? 0)) best = { start: matches[first]?.start ?? match.start, end: match.end, terms: counts.size }
  }
  const { start, end } = best ?? { start: 0, end: 0 }
  const room = Math.max(0, characters - (end - start))
  const from = Math.max(0, Math.min(start - Math.floor(room / 3), length - Math.max(characters, end - start)))
  return [from, Math.min(length, Math.max(end, from + characters))]
}

function flat(piece: string, before: string): string {
  const blanks = piece.replace(/\s+/g, ' ')
  return before === '' || before === ellipsis || before.endsWith(' ') ? blanks.trimStart() : blanks
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
