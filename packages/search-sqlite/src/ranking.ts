import type { EntryRow, EntryRows } from './entry-rows.ts'

/** An entry by its number, and how well it matches: above 0, the higher the better. */
export interface RankedEntry {
  readonly number: number
  readonly score: number
}

/** The entries in which one term stands, each with its score for that term. */
export interface TermMatches {
  readonly scores: ReadonlyMap<number, number>
}

/** What ranking asks of the entries. */
export type RankedRows = Pick<EntryRows, 'load' | 'sessionOf' | 'entry' | 'before' | 'behind'>

/** How much an entry takes of what those before and behind it say of a term that it lacks, the nearest first. */
interface NeighbourWeights {
  readonly before: readonly number[]
  readonly behind: readonly number[]
}

/** A call follows the words that say what it is for, and its result follows it. */
const ofCall: NeighbourWeights = { before: [0.9, 0.5, 0.25], behind: [0.5, 0.25] }
const ofOther: NeighbourWeights = { before: [0.4, 0.25, 0.1], behind: [0.3, 0.15] }
/** Calls are what is most often looked for; a summary repeats what stands elsewhere. */
const callFactor = 1.15
const summaryFactor = 0.6
/** How much of an entry's score is that of its session. */
const sessionWeight = 0.25
/** How much other matches of its session lift an entry that holds all of the words. */
const companyWeight = 0.1
/** So many of the best entries are compared with their neighbours, and what stands behind so many of them is taken in. */
const compared = 400
const followed = 150

/** Entries that hold everything that was asked for: by their own score, lifted where others of their session do too. */
export function rankedTogether<Entry extends RankedEntry>(
  matches: readonly Entry[],
  rows: Pick<RankedRows, 'sessionOf'>,
): readonly Entry[] {
  const bySession = new Map<number, number>()
  for (const { number, score } of matches) {
    const session = rows.sessionOf(number).number
    bySession.set(session, (bySession.get(session) ?? 0) + score)
  }
  const most = Math.max(...bySession.values(), 1e-9)
  return matches
    .map((match) => {
      const { number, score } = match
      const others = (bySession.get(rows.sessionOf(number).number) ?? score) - score
      return { ...match, score: score * (1 + (companyWeight * others) / most) }
    })
    .sort((left, right) => right.score - left.score)
}

/**
 * Entries that hold any of the terms. An entry counts for what it says itself, for what its neighbours say of the terms that it lacks, and for its
 * session: how well that holds all of the terms, wherever. `takesCalls`: calls that stand behind the best are taken in, whether they hold a term
 * themselves or not.
 */
export function rankedByTerms(
  terms: readonly TermMatches[],
  rows: RankedRows,
  options: { readonly filter: ((number: number) => boolean) | undefined; readonly takesCalls: boolean; readonly limit: number },
): readonly RankedEntry[] {
  const { filter, takesCalls, limit } = options
  const own = new Map<number, number>()
  for (const { scores } of terms) for (const [number, score] of scores) own.set(number, (own.get(number) ?? 0) + score)
  const best = [...own].sort((left, right) => right[1] - left[1]).map(([number]) => number)
  const wanted = firstThatPass(best, filter, Math.max(compared, limit))
  const candidates = new Set(wanted)
  rows.load([...new Set(wanted.flatMap(withNeighbours))])
  // A call may be asked for where what stands before it is not.
  for (const number of takesCalls ? new Set([...best.slice(0, followed), ...wanted.slice(0, followed)]) : []) {
    for (const next of rows.behind(number, 2)) if (isCall(rows.entry(next))) candidates.add(next)
  }
  const sessions = sessionScores(terms, rows)
  const most = Math.max(...sessions.values(), 1e-9)
  const ranked: { number: number; score: number }[] = []
  for (const number of candidates) {
    if (filter?.(number) === false) continue
    const session = (sessions.get(rows.sessionOf(number).number) ?? 0) / most
    const score = entryScore(terms, number, rows) * (1 - sessionWeight + sessionWeight * session)
    if (score > 0) ranked.push({ number, score })
  }
  return ranked.sort((left, right) => right.score - left.score).slice(0, limit)
}

function firstThatPass(numbers: readonly number[], filter: ((number: number) => boolean) | undefined, count: number): readonly number[] {
  if (filter === undefined) return numbers.slice(0, count)
  const passing: number[] = []
  for (const number of numbers) {
    if (passing.length >= count) break
    if (filter(number)) passing.push(number)
  }
  return passing
}

/** Numbers of an entry and of those next to it, or of their pieces. */
function withNeighbours(number: number): readonly number[] {
  return Array.from({ length: ofCall.before.length + 1 + ofCall.behind.length }, (_, at) => number - ofCall.before.length + at)
}

function entryScore(terms: readonly TermMatches[], number: number, rows: RankedRows): number {
  const entry = rows.entry(number)
  const weights = isCall(entry) ? ofCall : ofOther
  const before = rows.before(number, weights.before.length)
  const behind = rows.behind(number, weights.behind.length)
  let sum = 0
  for (const { scores } of terms) {
    let score = scores.get(number) ?? 0
    before.forEach((neighbour, at) => {
      score = Math.max(score, (scores.get(neighbour) ?? 0) * (weights.before[at] ?? 0))
    })
    behind.forEach((neighbour, at) => {
      score = Math.max(score, (scores.get(neighbour) ?? 0) * (weights.behind[at] ?? 0))
    })
    sum += score
  }
  return sum * (isCall(entry) ? callFactor : entry.kind === 'summary' ? summaryFactor : 1)
}

function isCall({ role, tool }: EntryRow): boolean {
  return role === 'assistant' && tool !== undefined
}

/** How well each session holds all of the terms: of each its best entry, and a little for every other. */
function sessionScores(terms: readonly TermMatches[], rows: Pick<RankedRows, 'sessionOf'>): ReadonlyMap<number, number> {
  const total = new Map<number, number>()
  for (const { scores } of terms) {
    const ofTerm = new Map<number, { best: number; count: number }>()
    for (const [number, score] of scores) {
      const session = rows.sessionOf(number).number
      const known = ofTerm.get(session)
      if (known === undefined) ofTerm.set(session, { best: score, count: 1 })
      else {
        known.best = Math.max(known.best, score)
        known.count += 1
      }
    }
    for (const [session, { best, count }] of ofTerm) {
      total.set(session, (total.get(session) ?? 0) + best * (1 + 0.3 * Math.log(count)))
    }
  }
  return total
}
