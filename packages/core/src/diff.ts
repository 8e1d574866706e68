import type { CheckpointRecord, CheckpointRow } from './checkpoint.ts'
import { indexSnapshot, type SnapshotIndex } from './entry-index.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { type FactCategory, factCategories } from './fact.ts'
import { type JudgedFact, type Judgement, judgeDropped } from './forgotten.ts'
import { positionsWhere } from './positions.ts'
import { resolveRecord } from './resolve.ts'
import { byNewest } from './rows.ts'
import { readSession } from './session-index.ts'
import { shortId } from './short-id.ts'
import type { AbortOptions, Key } from './storage.ts'
import type { Survives } from './survival.ts'
import { limitWithin } from './text-input.ts'
import type { Problem } from './transcript.ts'
import type { WithinSession } from './within-session.ts'

const limits = { default: 100_000, most: 100_000 }

/** Which of the forgotten facts of a checkpoint. */
export interface DiffQuery extends WithinSession {
  /** Only facts of this category. */
  readonly category?: FactCategory | undefined
  /** 1 to 100,000 of the forgotten facts, and as many that survived; by default all that are held. */
  readonly limit?: number | undefined
}

/** Entries of the context before a compaction. */
export interface EntryGroup {
  readonly entries: number
  /** Characters of their text, UTF-16. */
  readonly textCharacters: number
  /**
   * Estimated: agents say the tokens of a whole context alone. The group's share of the text, of `tokensBefore` where the agent says it, else a quarter of its
   * characters.
   */
  readonly tokensEstimated: number
}

/** A fact that stands in the dropped entries, and what is left of it in the context after the compaction. */
export interface Fact {
  readonly category: FactCategory
  readonly text: string
  /** The text is the beginning of a longer one. */
  readonly isCut?: true | undefined
  /** The entry that says it first. */
  readonly entryId: string
  readonly survives: Survives
  /** Where it, or its part, stands after the compaction. */
  readonly standsIn?: 'summary' | 'kept' | undefined
  /** With `survives: 'part'`: what stands there. */
  readonly part?: string | undefined
  /** How many of the dropped entries say it. */
  readonly mentions: number
  /** It stands in what the user wrote. */
  readonly isInUsersWords: boolean
  /** What the facts are ranked by: comparable within one checkpoint. */
  readonly importance: number
}

/** How the facts of a category fared. `whole + part + none` is `facts`. */
export interface CategoryCount {
  readonly category: FactCategory
  readonly facts: number
  readonly whole: number
  readonly part: number
  readonly none: number
  /** Of those that survived whole, how many stand in the summary. */
  readonly wholeInSummary: number
}

/** What a compaction did to the context of a checkpoint. */
export interface CheckpointDiff {
  readonly checkpointId: string
  readonly agent: string
  readonly sessionKey: string
  /** As the agent says them. */
  readonly tokensBefore?: number | undefined
  readonly tokensAfter?: number | undefined
  readonly kept: EntryGroup
  /** All that are not kept. */
  readonly dropped: EntryGroup
  /** Of the dropped: those that say a fact first which still stands in the summary, whole or in part. */
  readonly summarised: EntryGroup
  /** Every category that has facts. */
  readonly categories: readonly CategoryCount[]
  /** Facts that survive in part or not at all, those that mattered most first. */
  readonly forgotten: readonly Fact[]
  /** Facts that survive whole, in the same order. */
  readonly survived: readonly Fact[]
  /** Facts that were not looked at, because there were too many of their category: those mentioned least, and longest ago. */
  readonly leftOut: number
  /** What could not be followed in the transcript's structure. */
  readonly problems: readonly Problem[]
  /** Ranges of the snapshot that are damaged in storage: what stood there is in no count. */
  readonly gaps: number
}

/**
 * What a compaction did: how many entries it kept and dropped, and every fact of the dropped ones that no longer stands in the context. Reads stored bytes alone.
 * Throws `ARGUMENT_INVALID` for a checkpoint whose compaction is not complete.
 */
export async function diffCheckpoint(environment: Environment, id: string, query: DiffQuery): Promise<CheckpointDiff> {
  const limit = limitWithin(query.limit, limits)
  const category = checkedCategory(query.category)
  const options = { signal: query.signal }
  const { record, row, ...located } = await resolveRecord(environment, id, query)
  if (row.status !== 'complete' || record.status !== 'complete') throw await notComplete(environment, { name: located.name, row }, options)
  const snapshot = await indexSnapshot({ environment, name: located.name, ledger: located.ledger }, record, options)
  const { judgement, keptEntries, droppedEntries, problems } = await judged(snapshot, record, options)
  const tokensBefore = row.tokensBefore ?? record.tokensBefore
  const allCharacters = judgement.characters.kept + judgement.characters.dropped
  const group = (entries: number, textCharacters: number): EntryGroup => ({
    entries,
    textCharacters,
    tokensEstimated: tokensIn(textCharacters, allCharacters, tokensBefore),
  })
  const wanted = category === undefined ? judgement.facts : judgement.facts.filter((fact) => fact.category === category)
  const shown = (facts: readonly JudgedFact[]) => facts.slice(0, limit).map((fact) => factOf(fact, snapshot))
  return {
    checkpointId: row.id,
    agent: record.agent,
    sessionKey: record.sessionKey,
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(record.tokensAfter === undefined ? {} : { tokensAfter: record.tokensAfter }),
    kept: group(keptEntries, judgement.characters.kept),
    dropped: group(droppedEntries, judgement.characters.dropped),
    summarised: group(judgement.summarised.entries, judgement.summarised.characters),
    categories: countsOf(judgement.facts),
    forgotten: shown(wanted.filter(({ survives }) => survives !== 'whole')),
    survived: shown(wanted.filter(({ survives }) => survives === 'whole')),
    leftOut: judgement.leftOut,
    problems,
    gaps: snapshot.damaged.length,
  }
}

async function judged(
  snapshot: SnapshotIndex,
  record: CheckpointRecord,
  options: AbortOptions,
): Promise<{
  readonly judgement: Judgement
  readonly keptEntries: number
  readonly droppedEntries: number
  readonly problems: readonly Problem[]
}> {
  const leafId = record.preCompaction.leafId ?? ''
  const { positions, problems } = snapshot.context(leafId, 'context')
  const kept = snapshot.kept(leafId, record)
  const isKept = new Uint8Array(snapshot.entries.size)
  for (const position of kept) isKept[position] = 1
  const dropped = positionsWhere(positions, (position) => isKept[position] !== 1)
  const judgement = await judgeDropped(snapshot, record, { dropped, kept }, options)
  return { judgement, keptEntries: kept.length, droppedEntries: dropped.length, problems }
}

function factOf(fact: JudgedFact, { entries }: SnapshotIndex): Fact {
  const { position, isCut, ...rest } = fact
  return { ...rest, ...(isCut ? { isCut } : {}), entryId: entries.idOf(position) ?? '' }
}

function countsOf(facts: readonly JudgedFact[]): readonly CategoryCount[] {
  return factCategories.flatMap((category) => {
    const own = facts.filter((fact) => fact.category === category)
    const survive = (survives: Survives) => own.filter((fact) => fact.survives === survives)
    const whole = survive('whole')
    const wholeInSummary = whole.filter(({ standsIn }) => standsIn === 'summary').length
    return own.length === 0
      ? []
      : { category, facts: own.length, whole: whole.length, part: survive('part').length, none: survive('none').length, wholeInSummary }
  })
}

function tokensIn(characters: number, all: number, tokensBefore: number | undefined): number {
  if (tokensBefore === undefined || all === 0) return Math.round(characters / 4)
  return Math.round((tokensBefore * characters) / all)
}

/** A category as it was named, or absent. Throws `ARGUMENT_INVALID` for any other word. */
function checkedCategory(category: string | undefined): FactCategory | undefined {
  if (category === undefined) return undefined
  const known = factCategories.find((candidate) => candidate === category)
  if (known !== undefined) return known
  throw new CheckpointError(
    'ARGUMENT_INVALID',
    `There is no category ${JSON.stringify(category)}. Categories: ${factCategories.join(', ')}.`,
    {
      argument: 'category',
      expected: factCategories.join(', '),
    },
  )
}

/** Says what can be compared instead: the newest compaction of the session that is complete. */
async function notComplete(
  environment: Environment,
  { name, row }: { readonly name: Key; readonly row: CheckpointRow },
  options: AbortOptions,
): Promise<CheckpointError<'ARGUMENT_INVALID'>> {
  const id = shortId(row.id)
  const { rows = [] } = (await readSession(environment, name, options)) ?? {}
  const complete = rows.toSorted(byNewest).find(({ status }) => status === 'complete')
  const instead =
    complete === undefined
      ? 'No compaction of this session is complete yet; those of all sessions: palimpsest list'
      : `The newest complete one of this session: palimpsest diff ${shortId(complete.id)}`
  const why =
    row.status === 'pending'
      ? `The compaction of checkpoint ${id} is not confirmed yet: nothing is known to be dropped. It is confirmed by palimpsest scan, once its agent has written it down.`
      : `Checkpoint ${id} is of no compaction (${row.reason}): nothing was dropped. To compare it with another one: palimpsest diff ${id} ID2.`
  return new CheckpointError('ARGUMENT_INVALID', `${why} ${instead}`, {
    argument: 'id',
    expected: 'a checkpoint of a completed compaction',
  })
}
