/** Part of a text, and where in it the matches are. */
export interface Snippet {
  readonly text: string
  /** First character of each match and the one after the last, in order, none over another. */
  readonly marks: readonly (readonly [number, number])[]
}

const mostMarks = 50
const mostWordsOfPhrase = 40
const ellipsis = '…'
const wordPattern = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu
const unspacedScript = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u
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

/** The words of a phrase with any signs between them; none where it has no word. */
function phrasePattern(phrase: string): RegExp | undefined {
  const words = phrase.match(wordPattern)?.slice(0, mostWordsOfPhrase)
  if (words === undefined || words.length === 0) return undefined
  const joined = words.map(escaped).join('[^\\p{L}\\p{N}]+')
  return new RegExp(
    unspacedScript.test(phrase) ? words.map(escaped).join('[^\\p{L}\\p{N}]*') : `(?<![\\p{L}\\p{N}])${joined}(?![\\p{L}\\p{N}])`,
    'giu',
  )
}

/** A term in any of its forms: what the word begins with, an ending aside. */
function termPattern(term: string): RegExp | undefined {
  if (!/^[a-z]{5,}$/i.test(term)) return phrasePattern(term)
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped(term.replace(endings, ''))}\\p{L}{0,6}(?![\\p{L}\\p{N}])`, 'giu')
}

function firstMatch(pattern: RegExp | undefined, text: string): Match | undefined {
  const found = pattern?.exec(text)
  return found === null || found === undefined ? undefined : { start: found.index, end: found.index + found[0].length, term: 0 }
}

function termMatches(text: string, terms: readonly string[]): readonly Match[] {
  const matches: Match[] = []
  terms.forEach((term, at) => {
    const before = matches.length
    for (const pattern of [termPattern(term), insidePattern(term)]) {
      if (pattern === undefined || matches.length > before) continue
      for (const found of text.matchAll(pattern)) {
        if (found[0] === '' || matches.length - before >= mostMarks * 4) break
        matches.push({ start: found.index, end: found.index + found[0].length, term: at })
      }
    }
  })
  return inOrder(matches)
}

/** A word inside of an identifier. */
function insidePattern(term: string): RegExp | undefined {
  return /^[\p{L}\p{N}]{4,}$/u.test(term) ? new RegExp(escaped(term), 'giu') : undefined
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
