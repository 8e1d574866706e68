import type { EntryRows } from './entry-rows.ts'

/** An entry by its number, and how well it matches: above 0, the higher the better. */
export interface RankedEntry {
  readonly number: number
  readonly score: number
}

/** The entries in which one term stands, each with its score for that term. */
export interface TermMatches {
  readonly scores: ReadonlyMap<number, number>
}

/** How much an entry takes of what its neighbours say of a term that it lacks itself, by their distance. */
const neighbourWeights = [0.45, 0.3, 0.15]
/** How much of an entry's score is that of its session. */
const sessionWeight = 0.25
/** How much other matches of its session lift an entry that holds all of the words. */
const companyWeight = 0.1

/** Entries that hold everything that was asked for: by their own score, lifted where others of their session do too. */
export function rankedTogether(matches: readonly RankedEntry[], rows: Pick<EntryRows, 'sessionOf'>): readonly RankedEntry[] {
  const bySession = new Map<number, number>()
  for (const { number, score } of matches) {
    const session = rows.sessionOf(number).number
    bySession.set(session, (bySession.get(session) ?? 0) + score)
  }
  const most = Math.max(...bySession.values(), 1e-9)
  return matches
    .map(({ number, score }) => {
      const others = (bySession.get(rows.sessionOf(number).number) ?? score) - score
      return { number, score: score * (1 + (companyWeight * others) / most) }
    })
    .sort((left, right) => right.score - left.score)
}

/**
 * Entries that hold any of the terms. An entry counts for what it says itself, for what its neighbours say of the terms that it lacks (a command
 * stands behind the words that say what it is for), and for its session: how well that holds all of the terms, wherever.
 */
export function rankedByTerms(
  terms: readonly TermMatches[],
  rows: Pick<EntryRows, 'sessionOf' | 'streamOf'>,
  filter: (number: number) => boolean,
  limit: number,
): readonly RankedEntry[] {
  const own = new Map<number, number>()
  for (const { scores } of terms) for (const [number, score] of scores) own.set(number, (own.get(number) ?? 0) + score)
  const sessions = sessionScores(terms, rows)
  const most = Math.max(...sessions.values(), 1e-9)
  const likely = [...own].sort((left, right) => right[1] - left[1]).slice(0, limit * 20)
  const ranked: { number: number; score: number }[] = []
  for (const [number] of likely) {
    if (!filter(number)) continue
    const stream = rows.streamOf(number)
    let score = 0
    for (const { scores } of terms) score += Math.max(scores.get(number) ?? 0, neighbourScore(scores, number, stream, rows))
    const session = (sessions.get(rows.sessionOf(number).number) ?? 0) / most
    ranked.push({ number, score: score * (1 - sessionWeight + sessionWeight * session) })
  }
  return ranked.sort((left, right) => right.score - left.score).slice(0, limit)
}

function neighbourScore(scores: ReadonlyMap<number, number>, number: number, stream: number, rows: Pick<EntryRows, 'streamOf'>): number {
  let best = 0
  neighbourWeights.forEach((weight, at) => {
    for (const neighbour of [number - at - 1, number + at + 1]) {
      const score = scores.get(neighbour)
      if (score !== undefined && score * weight > best && rows.streamOf(neighbour) === stream) best = score * weight
    }
  })
  return best
}

/** How well each session holds all of the terms: of each its best entry, and a little for every other. */
function sessionScores(terms: readonly TermMatches[], rows: Pick<EntryRows, 'sessionOf'>): ReadonlyMap<number, number> {
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
