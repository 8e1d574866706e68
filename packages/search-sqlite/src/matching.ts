import type { DatabaseSync } from 'node:sqlite'
import { integerOf, optionalIntegerOf, type SqlRow } from './columns.ts'
import { statement } from './derived-file.ts'
import type { EntryFilter } from './entry-filter.ts'
import { fingerprintOf } from './entry-rows.ts'
import { hasRole } from './entry-shape.ts'
import type { MatchExpression } from './match-expression.ts'
import type { RankedEntry } from './ranking.ts'

/** Entries that say the same: that which was added last among the best of them stands for all. */
export interface MatchedText extends RankedEntry {
  readonly fingerprint: string
  /** How many more were met. */
  readonly others: number
}

const mostEquals = 8
/** So many are looked at where nearly all say the same. */
const mostRows = 20_000
const mostUnranked = 2_000
/** An entry of so many bytes counts half as much for its brevity as an empty one. */
const briefBytes = 4_000

const entryOfPiece = 'entry AS e ON e.number = (SELECT number FROM entry WHERE number <= piece ORDER BY number DESC LIMIT 1)'
/** FTS5 sorts by rank by itself; the limit keeps the order. */
const ranked = `
  SELECT best.rank, e.number, e.fingerprint, e.shape
  FROM (SELECT rowid AS piece, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS best CROSS JOIN ${entryOfPiece}`
const unranked = `
  SELECT newest.piece, e.number, e.fingerprint, e.shape, e.sizeBytes
  FROM (SELECT rowid AS piece FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?) AS newest CROSS JOIN ${entryOfPiece}`

/** The texts that match, best first, each with the best score of its pieces. */
export function matchingTexts(
  database: DatabaseSync,
  filter: EntryFilter | undefined,
  expression: MatchExpression,
  limit: number,
): readonly MatchedText[] {
  const texts = textGroups(database, filter)
  let least = Number.POSITIVE_INFINITY
  let looked = 0
  for (const row of statement(database, ranked).iterate(expression, mostRows)) {
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
 * nearly everywhere: those in which `near` words stand together come first, then the shorter ones.
 */
export function matchingBriefTexts(
  database: DatabaseSync,
  filter: EntryFilter | undefined,
  expression: MatchExpression,
  { limit, near = [] }: { readonly limit: number; readonly near?: readonly MatchExpression[] },
): readonly MatchedText[] {
  const closeness = new Map<number, number>()
  for (const close of near) {
    for (const row of statement(database, 'SELECT rowid AS piece FROM words WHERE words MATCH ? LIMIT ?').all(close, mostUnranked)) {
      const piece = integerOf(row, 'piece')
      closeness.set(piece, (closeness.get(piece) ?? 0) + 1)
    }
  }
  const texts = textGroups(database, filter)
  for (const row of statement(database, unranked).all(expression, mostUnranked)) {
    const brevity = 1 / (1 + integerOf(row, 'sizeBytes') / briefBytes)
    texts.add(row, (closeness.get(integerOf(row, 'piece')) ?? 0) + brevity)
  }
  return texts.best(limit)
}

/** The entries that match best, by their numbers, each with the best score of its pieces. */
export function rankedMatches(database: DatabaseSync, expression: MatchExpression, limit: number): ReadonlyMap<number, number> {
  const scores = new Map<number, number>()
  for (const row of statement(database, ranked).iterate(expression, limit)) {
    const number = integerOf(row, 'number')
    if (!scores.has(number)) scores.set(number, -Number(row['rank']))
  }
  return scores
}

interface TextGroups {
  size(): number
  /** `true` where it says what none before it did. */
  add(row: SqlRow, score: number): boolean
  best(limit: number): readonly MatchedText[]
}

function textGroups(database: DatabaseSync, filter: EntryFilter | undefined): TextGroups {
  const texts = new Map<string, MatchedText>()
  const met = new Set<number>()
  return {
    size: () => texts.size,
    add(row, score) {
      const original = integerOf(row, 'number')
      if (met.has(original)) return false
      met.add(original)
      const standing = lastStanding(database, original, !hasRole(integerOf(row, 'shape')), filter)
      if (standing === undefined) return false
      const { number, count } = standing
      const fingerprint = fingerprintOf(row)
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
    best: (limit) => [...texts.values()].sort((left, right) => right.score - left.score || right.number - left.number).slice(0, limit),
  }
}

const mostRepeats = 2_000

/** The last of an entry and its repeats that passes, and how many do. */
function lastStanding(
  database: DatabaseSync,
  original: number,
  mayRepeat: boolean,
  filter: EntryFilter | undefined,
): { readonly number: number; readonly count: number } | undefined {
  const own = filter?.(original) ?? true
  if (mayRepeat && filter === undefined) {
    const row = statement(database, 'SELECT max(number) AS last, count(*) AS count FROM entry WHERE original = ?').get(original)
    return { number: optionalIntegerOf(row, 'last') ?? original, count: integerOf(row, 'count') + 1 }
  }
  let last = own ? original : undefined
  let count = own ? 1 : 0
  for (const number of mayRepeat ? repeatsOf(database, original) : []) {
    if (filter?.(number) !== true) continue
    last = Math.max(last ?? 0, number)
    count += 1
  }
  return last === undefined ? undefined : { number: last, count }
}

function repeatsOf(database: DatabaseSync, original: number): readonly number[] {
  const rows = statement(database, 'SELECT number FROM entry WHERE original = ? ORDER BY number DESC LIMIT ?').all(original, mostRepeats)
  return rows.map((row) => integerOf(row, 'number'))
}
