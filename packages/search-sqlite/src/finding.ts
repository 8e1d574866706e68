import type { DatabaseSync } from 'node:sqlite'
import { type IndexHit, parseKey, type SearchRequest, type SearchTerm } from '@palimpsest/core'
import { integerOf, optionalIntegerOf } from './columns.ts'
import { statement } from './derived-file.ts'
import { type EntryFilter, entryFilter, numberRange, rowFilter } from './entry-filter.ts'
import { copiesOf, droppersOf, type EntryRow, type EntryRows, entryRows } from './entry-rows.ts'
import { joinedExpression, type MatchExpression, nearExpression, verbatimExpression, withoutExpression } from './match-expression.ts'
import {
  lastStanding,
  type MatchedText,
  type MatchScope,
  matchingBriefTexts,
  matchingTexts,
  rankedMatches,
  type Standing,
} from './matching.ts'
import { rankedByTerms, rankedTogether, type TermMatches } from './ranking.ts'
import { isStopWord } from './stop-words.ts'

/** So many matches of a session lift one another: always as many, since a page must not depend on how many hits are asked for. */
const lifted = 60
/** A word that stands in very many entries says little, and costs much: the rarest count, until they stand in so many together. */
const mostOfTerms = 6_000
/** Of a term that stands in more entries than this only the best ones count. */
const mostOfTerm = 3_000
/** Where more than so many hold all of the words, how rare each is tells little, and costs FTS5 a look at every place where one stands. */
const mostRanked = 400
/** Words that stand so near to one another are about one thing. */
const nearTokens = 16
const mostTermsByThemselves = 24
/** Where so many hold all of the words, long ones count among them: always as many, for the same reason. */
const enoughOfAll = 20
const fewestOfQuestion = 3
const longBytes = 4_000

/** How well a hit holds what was asked for; those of a higher tier come first. */
const tiers = { phrase: 3, all: 2, some: 1 }

/** Answers a request: what holds the words as they were written, then what holds all of them, then any. One hit for each text. */
export function findEntries(database: DatabaseSync, request: SearchRequest): readonly IndexHit[] {
  const rows = entryRows(database)
  const filter = entryFilter(rows, request)
  if (request.terms.length === 0 && request.filters.paths.length === 0) {
    return newest(database, rows, filter, request.limit).map((text) => hitOf(database, rows, text))
  }
  const scope = { database, filter, range: numberRange(database, request), rowFilter: rowFilter(database, request), load: rows.load }
  const narrowed = narrowing(request)
  const terms = withoutStopWords(request.terms)
  const found = new Map<string, MatchedText>()
  const excluded = new Set<string>()
  const enough = () => found.size >= request.limit
  const wanted = Math.max(request.limit, lifted)
  const take = (tier: number, texts: readonly MatchedText[]) => {
    const best = texts[0]?.score ?? 1
    for (const text of texts) {
      const score = tier + (0.499 * text.score) / Math.max(best, 1e-9)
      if (!found.has(text.fingerprint)) found.set(text.fingerprint, { ...text, score })
    }
  }
  const phrased = (expression: MatchExpression) => liftedTogether(matchingBriefTexts(scope, expression, { limit: wanted }), rows)
  const verbatim = hasSeveralWords(request) ? verbatimExpression(request.verbatim) : undefined
  if (verbatim !== undefined) {
    take(tiers.phrase, phrased(narrowed(verbatim)))
    if (request.without.length > 0) {
      const all = phrased(narrowedByPaths(request)(verbatim)).filter(({ fingerprint }) => !found.has(fingerprint))
      for (const { fingerprint } of all) excluded.add(fingerprint)
      take(tiers.phrase, all)
    }
  }
  // Who writes so many words as they stand somewhere was looking for that.
  const isFound = request.terms.length > fewestOfQuestion && found.size > excluded.size
  const asks = isQuestion(request, terms)
  const words = joinedExpression(terms, 'AND') ?? pathsExpression(request)
  const tier = request.terms.length === 1 ? tiers.phrase : tiers.all
  // What holds one word stands beside what holds it and what was to be left out.
  if ((!enough() || tier === tiers.phrase) && words !== verbatim) {
    const expression = optionally(narrowed, words)
    const isCommon = terms.length > 1 && expression !== undefined && matchCount(database, expression, mostRanked + 1) > mostRanked
    const near = isCommon ? optionally(narrowed, nearExpression(terms, nearTokens)) : undefined
    const all = isCommon
      ? liftedTogether(matchingBriefTexts(scope, expression, { limit: wanted, near }), rows)
      : expression === undefined
        ? []
        : liftedTogether(matchingTexts(scope, expression, wanted), rows)
    const [short, long] = partition(all, ({ number }) => !asks || rows.entry(number).end - rows.entry(number).start <= longBytes)
    take(tier, short)
    if (found.size + long.length >= enoughOfAll) take(tier - 0.5, long)
  }
  if (!enough() && !isFound && terms.length > 1) {
    const standing = remembered((number: number) => lastStanding(database, number, rows.entry(number).role === undefined, filter))
    const isWanted = filter === undefined ? undefined : (number: number) => standing(number) !== undefined
    const matches = rarest(database, terms, found.size).map((term) => termMatches({ ...scope, filter: isWanted }, term, narrowed))
    take(tiers.some, distinct(matches, rows, { standing, filter: isWanted, takesCalls: asks, limit: wanted }))
  }
  const best = [...found.values()].sort((left, right) => right.score - left.score || right.number - left.number).slice(0, request.limit)
  rows.load(best.map(({ number }) => number))
  return best.map((text) => ({ ...hitOf(database, rows, text), ...(excluded.has(text.fingerprint) ? { isExcluded: true as const } : {}) }))
}

/** The entries that say one of these texts and are among those that were asked for, the last first; of each text at most so many. */
export function sameEntries(database: DatabaseSync, fingerprints: readonly string[], request: SearchRequest): readonly IndexHit[] {
  const rows = entryRows(database)
  const filter = entryFilter(rows, request)
  const wanted = JSON.stringify(fingerprints.map((fingerprint) => Buffer.from(fingerprint, 'base64url').toString('hex')))
  const same = statement(
    database,
    'SELECT number FROM entry WHERE lower(hex(fingerprint)) IN (SELECT value FROM json_each(?)) ORDER BY number DESC',
  )
  const counts = new Map<string, number>()
  const isTaken = (number: number): boolean => {
    if (filter?.(number) === false) return false
    const { fingerprint } = rows.entry(number)
    const count = (counts.get(fingerprint) ?? 0) + 1
    counts.set(fingerprint, count)
    return count <= request.limit
  }
  return same
    .all(wanted)
    .map((row) => integerOf(row, 'number'))
    .filter(isTaken)
    .map((number) => hitOf(database, rows, { number, score: 1, others: 0, fingerprint: rows.entry(number).fingerprint }))
}

/** Entries that hold any of the terms; so many candidates that as many say different things as are asked for. */
function distinct(
  matches: readonly TermMatches[],
  rows: EntryRows,
  options: {
    readonly standing: (number: number) => Standing | undefined
    readonly filter: EntryFilter | undefined
    readonly takesCalls: boolean
    readonly limit: number
  },
): readonly MatchedText[] {
  for (let limit = options.limit; ; limit *= 4) {
    const ranked = rankedByTerms(matches, rows, { ...options, limit })
    const texts = new Map<string, MatchedText>()
    const counted = new Set<number>()
    for (const { number: matched, score } of ranked) {
      const standing = options.standing(matched)
      if (standing === undefined || counted.has(standing.original)) continue
      const { original, number, count } = standing
      counted.add(original)
      const { fingerprint } = rows.entry(original)
      const known = texts.get(fingerprint)
      if (known === undefined && texts.size >= options.limit) continue
      texts.set(
        fingerprint,
        known === undefined ? { number, score, fingerprint, others: count - 1 } : { ...known, others: known.others + count },
      )
    }
    if (texts.size >= options.limit || ranked.length < limit) return [...texts.values()]
  }
}

function liftedTogether(matched: readonly MatchedText[], rows: EntryRows): readonly MatchedText[] {
  if (matched.length < 2) return matched
  rows.load(matched.slice(0, lifted).map(({ number }) => number))
  const best = rankedTogether(matched.slice(0, lifted), rows)
  const least = best.at(-1)?.score ?? 0
  // Behind those that lift one another come the others, in their own order.
  return [...best, ...matched.slice(lifted).map((match) => ({ ...match, score: Math.min(match.score, least) }))]
}

/** The terms that stand in the fewest entries; none where even the rarest stands nearly everywhere and something holds all of them. */
function rarest(database: DatabaseSync, terms: readonly SearchTerm[], foundCount: number): readonly SearchTerm[] {
  const countedTo = foundCount === 0 ? undefined : mostOfTerms + 1
  const counted = terms
    .slice(0, mostTermsByThemselves)
    .map((term) => ({ term, entries: matchCount(database, joinedExpression([term], 'OR') ?? '""', countedTo) }))
    .filter(({ entries }) => entries > 0)
    .sort((left, right) => left.entries - right.entries)
  let sum = 0
  return counted
    .filter(({ entries }, at) => {
      sum += entries
      return sum <= mostOfTerms || (at < 2 && foundCount === 0)
    })
    .map(({ term }) => term)
}

/** In how many entries an expression matches, or their pieces; of more than `most` it gives that. */
function matchCount(database: DatabaseSync, expression: MatchExpression, most = -1): number {
  const count = statement(database, 'SELECT count(*) AS count FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)')
  return integerOf(count.get(expression, most), 'count')
}

function hasSeveralWords({ terms, without }: SearchRequest): boolean {
  return terms.length + without.length > 1 || terms.some(({ text, isPhrase }) => isPhrase && /\S\s+\S/.test(text))
}

function partition<Item>(items: readonly Item[], holds: (item: Item) => boolean): readonly [readonly Item[], readonly Item[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))]
}

/**
 * Whether plain words ask for something. They are answered by what was done, too, whether it holds a word itself or not; and that a long document holds all
 * of them says little. Who narrows, excludes or quotes means what the entry itself says.
 */
function isQuestion({ without, filters }: SearchRequest, terms: readonly SearchTerm[]): boolean {
  return terms.length >= fewestOfQuestion && without.length + filters.paths.length === 0 && terms.every(({ isPhrase }) => !isPhrase)
}

/** Words that stand nearly everywhere are left out, unless there are no others. */
function withoutStopWords(terms: readonly SearchTerm[]): readonly SearchTerm[] {
  const seen = new Set<string>()
  const unique = terms.filter(({ text, isPhrase }) => {
    const key = `${isPhrase} ${text.toLowerCase()}`
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
  const telling = unique.filter((term) => term.isPhrase || !isStopWord(term.text.replace(/[^\p{L}\p{N}]+$/u, '')))
  return telling.length === 0 ? unique : telling
}

type Narrowing = (expression: MatchExpression) => MatchExpression

/** What every match must hold, and what none may. */
function narrowing(request: SearchRequest): Narrowing {
  const byPaths = narrowedByPaths(request)
  const without = joinedExpression(request.without, 'OR')
  return (expression) => withoutExpression(byPaths(expression), without)
}

function narrowedByPaths(request: SearchRequest): Narrowing {
  const paths = pathsExpression(request)
  return (expression) => (paths === undefined || paths === expression ? expression : `(${expression}) AND (${paths})`)
}

function optionally(narrowed: Narrowing, expression: MatchExpression | undefined): MatchExpression | undefined {
  return expression === undefined ? undefined : narrowed(expression)
}

function pathsExpression({ filters }: SearchRequest): MatchExpression | undefined {
  return joinedExpression(
    filters.paths.map((text) => ({ text, isPhrase: true })),
    'OR',
  )
}

function termMatches(scope: MatchScope, term: SearchTerm, narrowed: Narrowing): TermMatches {
  const expression = joinedExpression([term], 'OR')
  return { scores: expression === undefined ? new Map() : rankedMatches(scope, narrowed(expression), mostOfTerm) }
}

function remembered<Value>(find: (number: number) => Value): (number: number) => Value {
  const values = new Map<number, { readonly value: Value }>()
  return (number) => {
    const known = values.get(number) ?? { value: find(number) }
    values.set(number, known)
    return known.value
  }
}

/** The last entries that pass; of those that say the same the last. */
function newest(database: DatabaseSync, rows: EntryRows, filter: EntryFilter | undefined, limit: number): readonly MatchedText[] {
  const texts = new Map<string, MatchedText>()
  for (const row of statement(database, 'SELECT number FROM entry ORDER BY createdAt DESC, number DESC').iterate()) {
    if (texts.size >= limit) break
    const number = integerOf(row, 'number')
    if (filter?.(number) === false) continue
    const { fingerprint } = rows.entry(number)
    const known = texts.get(fingerprint)
    const score = tiers.all + 1 / (1 + texts.size)
    texts.set(fingerprint, known === undefined ? { number, score, fingerprint, others: 0 } : { ...known, others: known.others + 1 })
  }
  return [...texts.values()]
}

function hitOf(database: DatabaseSync, rows: EntryRows, { number, score, others }: MatchedText): IndexHit {
  const entry: EntryRow = rows.entry(number)
  const { session, part, stream, line, start, end, id, kind, role, tool, createdAt, fingerprint, note } = entry
  return {
    session: parseKey(session.name),
    places: [{ part, stream, line, start, end }, ...copiesOf(database, number)],
    entryId: id,
    kind,
    ...(role === undefined ? {} : { role }),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(note === undefined ? {} : { note }),
    fingerprint,
    others,
    droppedBy: droppersOf(database, entry),
    holds: score >= tiers.phrase ? 'phrase' : score >= tiers.all ? 'all' : 'some',
    score,
  }
}

/** How many entries there are. */
export function entryCount(database: DatabaseSync): number {
  return optionalIntegerOf(statement(database, 'SELECT count(*) AS count FROM entry').get(), 'count') ?? 0
}
