import type { DatabaseSync } from 'node:sqlite'
import { integerOf, optionalIntegerOf, type SqlRow, textOf } from './columns.ts'
import { statement } from './derived-file.ts'
import { type EntryFilter, type NumberRange, type RowFilter, rowCondition } from './entry-filter.ts'
import { hasRole } from './entry-shape.ts'
import type { MatchExpression } from './match-expression.ts'
import type { RankedEntry } from './ranking.ts'

/** Entries that say the same: that which was added last among the best of them stands for all. */
export interface MatchedText extends RankedEntry {
  readonly fingerprint: string
  /** How many more were met. */
  readonly others: number
}

/** Among which entries is looked for matches. */
export interface MatchScope {
  readonly database: DatabaseSync
  readonly filter: EntryFilter | undefined
  /** Where those that pass lie. */
  readonly range: NumberRange
  /** What SQLite can tell of it. */
  readonly rowFilter: RowFilter
  /** Reads entries at once that the filter is going to look at. */
  readonly load: (numbers: readonly number[]) => void
}

const mostEquals = 8
/** So many are looked at where nearly all say the same; where hits are narrowed, all, since those that were asked for may be the last. */
const mostRows = 20_000
/** So many of the newest are compared with one another, then so many of those before them. */
const mostUnranked = 2_000
/** An entry of so many bytes counts half as much for its brevity as an empty one. */
const briefBytes = 4_000

const everyRow = -1
const rowsAtOnce = 256

const entryOfPiece = 'entry AS e ON e.number = (SELECT number FROM entry WHERE number <= piece ORDER BY number DESC LIMIT 1)'
/** FTS5 sorts by rank by itself; the limit keeps the order. */
const ranked = `
  SELECT best.rank, e.number, hex(e.fingerprint) AS fingerprint, e.shape
  FROM (SELECT rowid AS piece, rank FROM words WHERE words MATCH :expression AND rowid BETWEEN :first AND :last ORDER BY rank LIMIT :limit) AS best
  CROSS JOIN ${entryOfPiece}`
const unranked = `
  SELECT newest.piece, e.number, hex(e.fingerprint) AS fingerprint, e.shape, e.sizeBytes
  FROM (SELECT rowid AS piece FROM words WHERE words MATCH :expression AND rowid BETWEEN :first AND :last ORDER BY rowid DESC LIMIT :limit) AS newest
  CROSS JOIN ${entryOfPiece}`

const newestPieces = 'SELECT rowid AS piece FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?'

/** The texts that match, best first, each with the best score of its pieces. */
export function matchingTexts(scope: MatchScope, expression: MatchExpression, limit: number): readonly MatchedText[] {
  const texts = textGroups(scope)
  let least = Number.POSITIVE_INFINITY
  let looked = 0
  for (const row of matchingRows(scope, ranked, expression, { limit: mostRows })) {
    const score = -Number(row['rank'])
    looked += 1
    // Of many equals the last ones count, so all of them are looked at, within bounds.
    if (texts.size() >= limit && (score < least || looked > mostEquals * limit)) break
    if (texts.add(row, score)) least = score
  }
  return texts.best(limit)
}

/**
 * The texts that match, without FTS5's rank, which costs a look at every place where a word stands and tells little where all of them are in a phrase or
 * nearly everywhere: those in which `near` words stand together come first, then the shorter ones. Among many the newest come before all others.
 */
export function matchingBriefTexts(
  scope: MatchScope,
  expression: MatchExpression,
  { limit, near }: { readonly limit: number; readonly near?: MatchExpression | undefined },
): readonly MatchedText[] {
  const { database, range } = scope
  const close =
    near === undefined
      ? []
      : statement(database, newestPieces)
          .all(near, range.first, range.last, mostUnranked)
          .map((row) => integerOf(row, 'piece'))
  const isClose = new Set(close)
  const texts = textGroups(scope)
  let looked = 0
  let below = 1
  const rows =
    scope.filter === undefined ? newestRows(scope, expression, mostRows) : matchingRows(scope, unranked, expression, { limit: mostRows })
  for (const row of rows) {
    if (looked > 0 && looked % mostUnranked === 0) {
      if (texts.size() >= limit) break
      below = Math.min(below, texts.least() / 2)
    }
    looked += 1
    const brevity = 1 / (1 + integerOf(row, 'sizeBytes') / briefBytes)
    texts.add(row, below * ((isClose.has(integerOf(row, 'piece')) ? 1 : 0) + brevity))
  }
  return texts.best(limit)
}

/**
 * The entries that match best, by their numbers, each with the best score of its pieces. So many that pass, and as many of
 * all of them, since an entry counts for what stands beside it, too.
 */
export function rankedMatches(scope: MatchScope, expression: MatchExpression, limit: number): ReadonlyMap<number, number> {
  const scores = new Map<number, number>()
  let passing = 0
  for (const row of matchingRows(scope, ranked, expression, { limit, isBare: true })) {
    if (passing >= limit) break
    const number = integerOf(row, 'number')
    if (scores.has(number)) continue
    const passes = scope.filter?.(number) !== false
    if (passes) passing += 1
    if (passes || scores.size < limit) scores.set(number, -Number(row['rank']))
  }
  return scores
}

/**
 * What matches. Where hits are narrowed, SQLite leaves out what it can tell by itself, unless `isBare`, and what the filter needs of each of the others is
 * read before it is given.
 */
function* matchingRows(
  { database, filter, range, rowFilter, load }: MatchScope,
  sql: string,
  expression: MatchExpression,
  { limit, isBare = false }: { readonly limit: number; readonly isBare?: boolean },
): Generator<SqlRow, void, undefined> {
  if (filter === undefined) return yield* statement(database, sql).iterate({ ...range, expression, limit })
  const asked = { ...range, expression, limit: everyRow }
  const rows = isBare
    ? statement(database, sql).iterate(asked)
    : statement(database, `${sql} WHERE ${rowCondition}`).iterate({ ...asked, ...rowFilter })
  let together: SqlRow[] = []
  for (const row of rows) {
    together.push(row)
    if (together.length < rowsAtOnce) continue
    load(together.map((each) => integerOf(each, 'number')))
    yield* together
    together = []
  }
  load(together.map((each) => integerOf(each, 'number')))
  yield* together
}

/** The same of all entries, the newest first: many at once, since one by one they take half as long again. */
function* newestRows({ database, range }: MatchScope, expression: MatchExpression, limit: number): Generator<SqlRow, void, undefined> {
  let { last } = range
  for (let looked = 0; looked < limit; looked += mostUnranked) {
    const rows = statement(database, unranked).all({ first: range.first, last, expression, limit: mostUnranked })
    yield* rows
    const oldest = rows.at(-1)
    if (oldest === undefined || rows.length < mostUnranked) return
    last = integerOf(oldest, 'piece') - 1
  }
}

interface TextGroups {
  size(): number
  /** The least score there is. */
  least(): number
  /** `true` where it says what none before it did. */
  add(row: SqlRow, score: number): boolean
  best(limit: number): readonly MatchedText[]
}

function textGroups({ database, filter }: Pick<MatchScope, 'database' | 'filter'>): TextGroups {
  // By their fingerprints in hexadecimal, which take a third of the time that bytes take.
  const texts = new Map<string, MatchedText>()
  const met = new Map<number, Standing | undefined>()
  const counted = new Set<number>()
  return {
    size: () => texts.size,
    least: () => [...texts.values()].reduce((least, { score }) => Math.min(least, score), Number.POSITIVE_INFINITY),
    add(row, score) {
      const original = integerOf(row, 'number')
      const standing = met.has(original) ? met.get(original) : lastStanding(database, original, !hasRole(integerOf(row, 'shape')), filter)
      met.set(original, standing)
      if (standing === undefined) return false
      const { number } = standing
      // Another piece of it may be the better one.
      const count = counted.has(standing.original) ? 0 : standing.count
      counted.add(standing.original)
      const fingerprint =
        standing.original === original
          ? textOf(row, 'fingerprint')
          : textOf(statement(database, oneFingerprint).get(standing.original), 'fingerprint')
      const known = texts.get(fingerprint)
      const isBetter = known === undefined || score > known.score || (score === known.score && number > known.number)
      const best = known === undefined || isBetter ? { number, score } : known
      texts.set(fingerprint, {
        number: best.number,
        score: best.score,
        fingerprint,
        others: known === undefined ? count - 1 : known.others + count,
      })
      return known === undefined
    },
    best(limit) {
      const best = [...texts.values()].sort((left, right) => right.score - left.score || right.number - left.number).slice(0, limit)
      return best.map((text) => ({ ...text, fingerprint: Buffer.from(text.fingerprint, 'hex').toString('base64url') }))
    },
  }
}

/** So many repeats are counted. */
const mostRepeats = 2_000

const oneFingerprint = 'SELECT hex(fingerprint) AS fingerprint FROM entry WHERE number = ?'

/** That of an entry and its repeats which stands for all of them. */
export interface Standing {
  /** The first that says it: the entry itself, or one that continued it. */
  readonly original: number
  readonly number: number
  /** How many of them there are. */
  readonly count: number
}

/**
 * The last of an entry and its repeats that passes, and how many do. Where none does, that is of the first entry of which one does among those that
 * continued it, and so hold what it holds; else `undefined`.
 */
export function lastStanding(
  database: DatabaseSync,
  original: number,
  mayRepeat: boolean,
  filter: EntryFilter | undefined,
): Standing | undefined {
  const own = lastOfRepeats(database, original, mayRepeat, filter)
  if (own !== undefined || !mayRepeat) return own
  for (const row of statement(database, continuing).all(original)) {
    const grown = lastOfRepeats(database, integerOf(row, 'number'), true, filter)
    if (grown !== undefined) return grown
  }
  return undefined
}

const continuing = `
  WITH RECURSIVE grown (number) AS (
    SELECT number FROM entry WHERE continued = ?1 UNION SELECT e.number FROM grown AS g CROSS JOIN entry AS e ON e.continued = g.number
  ) SELECT number FROM grown ORDER BY number`

function lastOfRepeats(
  database: DatabaseSync,
  original: number,
  mayRepeat: boolean,
  filter: EntryFilter | undefined,
): Standing | undefined {
  if (mayRepeat && filter === undefined) {
    const row = statement(database, 'SELECT max(number) AS last, count(*) AS count FROM entry WHERE original = ?').get(original)
    return { original, number: optionalIntegerOf(row, 'last') ?? original, count: integerOf(row, 'count') + 1 }
  }
  const isOwn = filter?.(original) ?? true
  let last: number | undefined
  let count = isOwn ? 1 : 0
  let looked = 0
  for (const number of mayRepeat ? repeatsOf(database, original) : []) {
    looked += 1
    if (filter?.(number) === true) {
      last ??= number
      count += 1
    }
    if (looked >= mostRepeats && last !== undefined) break
  }
  last ??= isOwn ? original : undefined
  return last === undefined ? undefined : { original, number: last, count }
}

/** The last first. */
function* repeatsOf(database: DatabaseSync, original: number): Generator<number, void, undefined> {
  for (const row of statement(database, 'SELECT number FROM entry WHERE original = ? ORDER BY number DESC').all(original)) {
    yield integerOf(row, 'number')
  }
}
