import { quantile } from '../statistics.ts'
import type { EngineName } from './engine.ts'
import type { Answered } from './measure.ts'
import { type HitRate, hitRate, meanReciprocalRank } from './scoring.ts'
import type { Split } from './split.ts'

export type TaskName = 'exact evidence' | 'purpose to command' | 'LoCoMo'

/** What one engine reached on one half of a task, or on one kind of its queries. */
export interface TaskResult {
  readonly task: TaskName
  /** Absent for all kinds together. */
  readonly kind?: string | undefined
  readonly engine: EngineName
  readonly split: Split
  readonly queries: number
  /** By entry: at 1, 5 and 20. */
  readonly entry: readonly HitRate[]
  readonly entryMrr: number
  /** By session: at 1, 5 and 20. */
  readonly session: readonly HitRate[]
  readonly sessionMrr: number
  readonly p50Ms: number
  readonly p95Ms: number
}

const cutoffs = [1, 5, 20] as const

/** The results of an engine on the halves that are reported: of all its queries, and of each kind where there are several. */
export function taskResults(
  task: TaskName,
  engine: EngineName,
  answered: readonly Answered[],
  { splits, splitOf }: { readonly splits: readonly Split[]; splitOf(answer: Answered): Split },
): readonly TaskResult[] {
  return splits.flatMap((split) => {
    const half = answered.filter((answer) => splitOf(answer) === split)
    const kinds = [...new Set(half.map(({ query }) => query.kind))].sort()
    const named = kinds.length < 2 ? [] : kinds
    return [undefined, ...named].flatMap((kind) => {
      const these = kind === undefined ? half : half.filter(({ query }) => query.kind === kind)
      return these.length === 0 ? [] : [resultOf({ task, kind, engine, split }, these)]
    })
  })
}

function resultOf(of: Pick<TaskResult, 'task' | 'kind' | 'engine' | 'split'>, answered: readonly Answered[]): TaskResult {
  const entryRanks = answered.map(({ entryRank }) => entryRank)
  const sessionRanks = answered.map(({ sessionRank }) => sessionRank)
  const times = answered.map(({ ms }) => ms)
  return {
    ...of,
    queries: answered.length,
    entry: cutoffs.map((at) => hitRate(entryRanks, at)),
    entryMrr: meanReciprocalRank(entryRanks),
    session: cutoffs.map((at) => hitRate(sessionRanks, at)),
    sessionMrr: meanReciprocalRank(sessionRanks),
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
  }
}
