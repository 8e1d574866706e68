import { type Interval, wilson } from './wilson.ts'

/** How often the answer was among the first hits. */
export interface HitRate {
  readonly at: number
  readonly hits: number
  readonly share: number
  readonly interval: Interval
}

/** The place from 1 of the first item that is wanted, looked for among different items; `undefined` where none is. */
export function rankOf<Item>(found: Iterable<Item>, isWanted: (item: Item) => boolean): number | undefined {
  const before = new Set<Item>()
  for (const item of found) {
    if (isWanted(item)) return before.size + 1
    before.add(item)
  }
  return undefined
}

/** The share of queries whose answer's rank is at most `at`; one that was not found has none. */
export function hitRate(ranks: readonly (number | undefined)[], at: number): HitRate {
  const hits = ranks.filter((rank) => rank !== undefined && rank <= at).length
  return { at, hits, share: ranks.length === 0 ? Number.NaN : hits / ranks.length, interval: wilson(hits, ranks.length) }
}

/** The mean of one through the rank, nothing for what was not found. */
export function meanReciprocalRank(ranks: readonly (number | undefined)[]): number {
  if (ranks.length === 0) return Number.NaN
  return ranks.reduce<number>((sum, rank) => sum + (rank === undefined ? 0 : 1 / rank), 0) / ranks.length
}
