import type { DatabaseSync } from 'node:sqlite'
import { type IndexHit, parseKey, type SearchRequest, type SearchTerm } from '@palimpsest/core'
import { integerOf, optionalIntegerOf } from './columns.ts'
import { statement } from './derived-file.ts'
import { type EntryFilter, entryFilter } from './entry-filter.ts'
import { copiesOf, droppersOf, type EntryRow, type EntryRows, entryRows } from './entry-rows.ts'
import { joinedExpression, type MatchExpression, verbatimExpression, withoutExpression } from './match-expression.ts'
import { type RankedEntry, rankedByTerms, rankedTogether, type TermMatches } from './ranking.ts'
import { isStopWord } from './stop-words.ts'

/** So many matches of a session lift one another: always as many, since a page must not depend on how many hits are asked for. */
const lifted = 60
/** A word that stands in very many entries says little, and costs much: the rarest count, until they stand in so many together. */
const mostOfTerms = 6_000
/** Of a term that stands in more entries than this only the best ones count. */
const mostOfTerm = 3_000
const mostTermsByThemselves = 24
const fewestOfQuestion = 3
const longBytes = 4_000
const mostEquals = 8

/** How well a hit holds what was asked for; those of a higher tier come first. */
const tiers = { phrase: 3, all: 2, some: 1 }

/**
 * The entries whose pieces match, best piece first. FTS5 sorts by rank by itself; whose piece it is, is looked up only of those that are taken.
 */
const ranked = `
  SELECT (SELECT number FROM entry WHERE number <= best.piece ORDER BY number DESC LIMIT 1) AS number, best.rank AS rank
  FROM (SELECT rowid AS piece, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS best`

/** Answers a request: what holds the words as they were written, then what holds all of them, then any. */
export function findEntries(database: DatabaseSync, request: SearchRequest): readonly IndexHit[] {
  const rows = entryRows(database)
  const filter = entryFilter(rows, request)
  const narrowed = narrowing(request)
  const terms = withoutStopWords(request.terms)
  if (request.terms.length === 0 && request.filters.paths.length === 0) {
    return newest(database, filter, request.limit).map((number, at) => hitOf(database, rows.entry(number), 2 + 1 / (1 + at)))
  }
  const found = new Map<number, number>()
  const excluded = new Set<number>()
  const wantedHits = request.enough ?? request.limit
  const enough = () => found.size >= wantedHits
  const wanted = Math.max(request.limit, lifted)
  const take = (tier: number, entries: readonly RankedEntry[]) => {
    const best = entries[0]?.score ?? 1
    for (const { number, score } of entries) if (!found.has(number)) found.set(number, tier + (0.499 * score) / Math.max(best, 1e-9))
  }
  const together = (expression: MatchExpression | undefined) =>
    expression === undefined ? [] : liftedTogether(matches(database, filter, expression, wanted), rows)
  const verbatim = request.terms.length + request.without.length > 1 ? verbatimExpression(request.verbatim) : undefined
  if (verbatim !== undefined) {
    take(tiers.phrase, together(narrowed(verbatim)))
    if (request.without.length > 0) {
      const known = new Set(found.keys())
      const all = together(narrowedByPaths(request)(verbatim)).filter(({ number }) => !known.has(number))
      for (const { number } of all) excluded.add(number)
      take(tiers.phrase, all)
    }
  }
  // Who writes so many words as they stand somewhere was looking for that.
  const isFound = request.terms.length > fewestOfQuestion && found.size > 0
  const asks = isQuestion(request, terms)
  if (!enough()) {
    const all = together(optionally(narrowed, joinedExpression(terms, 'AND') ?? pathsExpression(request)))
    const [short, long] = partition(all, ({ number }) => !asks || rows.entry(number).end - rows.entry(number).start <= longBytes)
    const tier = request.terms.length === 1 ? tiers.phrase : tiers.all
    take(tier, short)
    // Where enough hold all of the words, nothing else is asked.
    if (found.size + long.length >= wantedHits) take(tier - 0.5, long)
  }
  if (!enough() && !isFound && terms.length > 1) {
    const rare = rarest(database, terms, found.size)
    take(
      tiers.some,
      rankedByTerms(
        rare.map((term) => termMatches(database, term, narrowed)),
        rows,
        { filter, takesCalls: asks, limit: wanted },
      ),
    )
  }
  return [...found]
    .sort(([left, leftScore], [right, rightScore]) => rightScore - leftScore || right - left)
    .slice(0, request.limit)
    .map(([number, score]) => ({ entry: rows.entry(number), score }))
    .map(({ entry, score }) => ({ ...hitOf(database, entry, score), ...(excluded.has(entry.number) ? { isExcluded: true as const } : {}) }))
}

function liftedTogether(matched: readonly RankedEntry[], rows: EntryRows): readonly RankedEntry[] {
  const best = rankedTogether(matched.slice(0, lifted), rows)
  const least = best.at(-1)?.score ?? 0
  // Behind those that lift one another come the others, in their own order.
  return [...best, ...matched.slice(lifted).map(({ number, score }) => ({ number, score: Math.min(score, least) }))]
}

/** The terms that stand in the fewest entries; none where even the rarest stands nearly everywhere and something holds all of them. */
function rarest(database: DatabaseSync, terms: readonly SearchTerm[], foundCount: number): readonly SearchTerm[] {
  const count = statement(database, 'SELECT count(*) AS count FROM words WHERE words MATCH ?')
  const counted = terms
    .slice(0, mostTermsByThemselves)
    .map((term) => ({ term, entries: integerOf(count.get(joinedExpression([term], 'OR') ?? '""'), 'count') }))
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

/** The entries that match, best first, each with the best score of its pieces; of equals the one that was added last. */
function matches(database: DatabaseSync, filter: EntryFilter, expression: MatchExpression, limit: number): readonly RankedEntry[] {
  const found = new Map<number, number>()
  let least = Number.POSITIVE_INFINITY
  for (const row of statement(database, ranked).iterate(expression, -1)) {
    const score = -Number(row['rank'])
    // Of many equals the last ones count, so all of them are looked at, within bounds.
    if (found.size >= limit && (score < least || found.size >= mostEquals * limit)) break
    const number = integerOf(row, 'number')
    if (found.has(number) || !filter(number)) continue
    found.set(number, score)
    least = score
  }
  return [...found]
    .map(([number, score]) => ({ number, score }))
    .sort((left, right) => right.score - left.score || right.number - left.number)
    .slice(0, limit)
}

function termMatches(database: DatabaseSync, term: SearchTerm, narrowed: Narrowing): TermMatches {
  const expression = joinedExpression([term], 'OR')
  const scores = new Map<number, number>()
  if (expression === undefined) return { scores }
  for (const row of statement(database, ranked).iterate(narrowed(expression), mostOfTerm)) {
    const number = integerOf(row, 'number')
    if (!scores.has(number)) scores.set(number, -Number(row['rank']))
  }
  return { scores }
}

function newest(database: DatabaseSync, filter: EntryFilter, limit: number): readonly number[] {
  const found: number[] = []
  for (const row of statement(database, 'SELECT number FROM entry ORDER BY createdAt DESC, number DESC').iterate()) {
    const number = integerOf(row, 'number')
    if (filter(number)) found.push(number)
    if (found.length >= limit) break
  }
  return found
}

function hitOf(database: DatabaseSync, entry: EntryRow, score: number): IndexHit {
  const { session, part, stream, line, start, end, id, kind, role, tool, createdAt, fingerprint, note } = entry
  return {
    session: parseKey(session.name),
    places: [{ part, stream, line, start, end }, ...copiesOf(database, entry.number)],
    entryId: id,
    kind,
    ...(role === undefined ? {} : { role }),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(note === undefined ? {} : { note }),
    fingerprint,
    droppedBy: droppersOf(database, entry),
    holds: score >= tiers.phrase ? 'phrase' : score >= tiers.all ? 'all' : 'some',
    score,
  }
}

/** How many entries there are. */
export function entryCount(database: DatabaseSync): number {
  return optionalIntegerOf(statement(database, 'SELECT count(*) AS count FROM entry').get(), 'count') ?? 0
}
