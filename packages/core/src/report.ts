import { type CategoryCount, type CheckpointDiff, diffCheckpoint, type EntryGroup, type Fact } from './diff.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { factCategories } from './fact.ts'
import { type ListQuery, listCheckpoints } from './list.ts'
import type { AgentId } from './transcript.ts'

const pageSize = 200
const mostShown = 20
const mostProblems = 100

/** Over which checkpoints. */
export interface ReportQuery extends Omit<ListQuery, 'limit' | 'cursor'> {
  /** Told after each checkpoint. */
  readonly onProgress?: ((progress: { readonly compared: number }) => void) | undefined
}

/** What compactions did, added up. */
export interface Losses {
  readonly compactions: number
  readonly kept: EntryGroup
  readonly dropped: EntryGroup
  readonly summarised: EntryGroup
  /** Characters of the summaries. */
  readonly summaryCharacters: number
  readonly categories: readonly CategoryCount[]
}

/** What the compactions of a store lost. */
export interface LossReport {
  readonly total: Losses
  /** By name. */
  readonly agents: readonly (Losses & { readonly agent: AgentId })[]
  /** Of all forgotten facts of which nothing survives, those that mattered most, each text once. */
  readonly forgottenMost: readonly (Fact & { readonly checkpointId: string; readonly agent: AgentId })[]
  /** Checkpoints that have no completed compaction. */
  readonly skipped: number
  /** What could not be read; the rest is in the numbers. At most 100; `problemCount` has all. */
  readonly problems: readonly { readonly checkpointId?: string | undefined; readonly message: string }[]
  readonly problemCount: number
}

/**
 * What compactions lose, over all checkpoints that the query names: each is compared as `diff` does, one after the other, in the memory of one. A checkpoint that
 * can't be read is a problem, not the end.
 */
export async function reportLosses(environment: Environment, query: ReportQuery): Promise<LossReport> {
  const { onProgress, ...wanted } = query
  const total = addedLosses()
  const byAgent = new Map<AgentId, ReturnType<typeof addedLosses>>()
  const problems: { readonly checkpointId?: string | undefined; readonly message: string }[] = []
  let forgottenMost: LossReport['forgottenMost'] = []
  let skipped = 0
  let compared = 0
  let cursor: string | undefined
  do {
    const page = await listCheckpoints(environment, { ...wanted, limit: pageSize, cursor })
    for (const { message } of cursor === undefined ? page.problems : []) problems.push({ message })
    for (const { id, agent, sessionKey, status, summary, problem } of page.checkpoints) {
      query.signal?.throwIfAborted()
      if (problem !== undefined) problems.push({ checkpointId: id, message: problem })
      else if (status !== 'complete') skipped += 1
      else {
        const diff = await compare(environment, { id, agent, sessionKey }, query)
        if (diff instanceof CheckpointError) problems.push({ checkpointId: id, message: diff.message })
        else {
          const losses = byAgent.get(agent) ?? addedLosses()
          byAgent.set(agent, losses)
          for (const sum of [total, losses]) sum.add(diff, summary?.length ?? 0)
          forgottenMost = most([...forgottenMost, ...goneIn(diff)])
          if (diff.gaps > 0) problems.push({ checkpointId: id, message: gapsIn(diff) })
          compared += 1
          onProgress?.({ compared })
        }
      }
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return {
    total: total.sum(),
    agents: [...byAgent].sort(([one], [other]) => (one < other ? -1 : 1)).map(([agent, losses]) => ({ agent, ...losses.sum() })),
    forgottenMost,
    skipped,
    problems: problems.slice(0, mostProblems),
    problemCount: problems.length,
  }
}

async function compare(
  environment: Environment,
  checkpoint: { readonly id: string; readonly agent: string; readonly sessionKey: string },
  { signal }: ReportQuery,
): Promise<CheckpointDiff | CheckpointError> {
  const { id, agent, sessionKey } = checkpoint
  try {
    return await diffCheckpoint(environment, id, { agent, sessionKey, signal })
  } catch (error) {
    if (isCheckpointError(error) && error.code !== 'STORAGE_UNAVAILABLE') return error
    throw error
  }
}

function gapsIn({ gaps }: CheckpointDiff): string {
  return `Of its transcript ${gaps === 1 ? '1 range is' : `${gaps} ranges are`} damaged in storage: what stood there is in no number. What can be mended is mended by: palimpsest verify --repair`
}

function goneIn(diff: CheckpointDiff): LossReport['forgottenMost'] {
  const gone = diff.forgotten.filter(({ survives }) => survives === 'none').slice(0, mostShown)
  return gone.map((fact) => ({ ...fact, checkpointId: diff.checkpointId, agent: diff.agent }))
}

/** What several compactions forgot in the same words is there once. */
function most(facts: LossReport['forgottenMost']): LossReport['forgottenMost'] {
  const inOrder = facts.toSorted((one, other) => other.importance - one.importance)
  const texts = new Set<string>()
  const distinct = inOrder.filter(({ category, text }) => {
    const isNew = !texts.has(`${category} ${text}`)
    texts.add(`${category} ${text}`)
    return isNew
  })
  return distinct.slice(0, mostShown)
}

function addedLosses(): { add(diff: CheckpointDiff, summaryCharacters: number): void; sum(): Losses } {
  const none: EntryGroup = { entries: 0, textCharacters: 0, tokensEstimated: 0 }
  let sum: Losses = { compactions: 0, kept: none, dropped: none, summarised: none, summaryCharacters: 0, categories: [] }
  return {
    add(diff, summaryCharacters) {
      sum = {
        compactions: sum.compactions + 1,
        kept: groupSum(sum.kept, diff.kept),
        dropped: groupSum(sum.dropped, diff.dropped),
        summarised: groupSum(sum.summarised, diff.summarised),
        summaryCharacters: sum.summaryCharacters + summaryCharacters,
        categories: countSum(sum.categories, diff.categories),
      }
    },
    sum: () => sum,
  }
}

function groupSum(one: EntryGroup, other: EntryGroup): EntryGroup {
  return {
    entries: one.entries + other.entries,
    textCharacters: one.textCharacters + other.textCharacters,
    tokensEstimated: one.tokensEstimated + other.tokensEstimated,
  }
}

function countSum(some: readonly CategoryCount[], more: readonly CategoryCount[]): readonly CategoryCount[] {
  return factCategories.flatMap((category) => {
    const counts = [...some, ...more].filter((count) => count.category === category)
    const added = (of: (count: CategoryCount) => number) => counts.reduce((sum, count) => sum + of(count), 0)
    return counts.length === 0
      ? []
      : {
          category,
          facts: added(({ facts }) => facts),
          whole: added(({ whole }) => whole),
          part: added(({ part }) => part),
          none: added(({ none }) => none),
          wholeInSummary: added(({ wholeInSummary }) => wholeInSummary),
        }
  })
}
