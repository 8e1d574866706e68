import { setImmediate } from 'node:timers/promises'
import type { CheckpointRecord } from './checkpoint.ts'
import type { SnapshotIndex } from './entry-index.ts'
import { type EntryStep, textsOfStep } from './entry-step.ts'
import type { DroppedFact, FactCategory } from './fact.ts'
import { factExtraction } from './fact-extraction.ts'
import { importanceOf } from './fact-rank.ts'
import { factTable } from './fact-table.ts'
import type { AbortOptions } from './storage.ts'
import { type Survival, type SurvivalCheck, survivalCheck } from './survival.ts'

const entriesBetweenTurns = 64

/** A fact of the dropped entries, and what is left of it. */
export interface JudgedFact extends Survival {
  readonly category: FactCategory
  readonly text: string
  /** The text is the beginning of a longer one. */
  readonly isCut: boolean
  /** The position of the entry that says it first. */
  readonly position: number
  readonly mentions: number
  readonly isInUsersWords: boolean
  readonly importance: number
}

/** What a compaction made of the entries that it dropped. */
export interface Judgement {
  /** The ones that mattered most first. */
  readonly facts: readonly JudgedFact[]
  /** Facts beyond the bounds of the table. */
  readonly leftOut: number
  /** Characters of text in the entries that were kept and dropped, by `characters.…`. */
  readonly characters: { readonly kept: number; readonly dropped: number }
  /** How many dropped entries say a fact first that the summary still has, whole or in part; and their characters. */
  readonly summarised: { readonly entries: number; readonly characters: number }
}

/**
 * Reads the entries of a context at `positions`, of which those at `kept` are left, and judges every fact of the others: it survives where it stands verbatim
 * in the summary or in an entry that was kept. Two passes: over what was dropped to find the facts, then over what is left to look for them. Memory does not
 * grow with the transcript.
 */
export async function judgeDropped(
  snapshot: SnapshotIndex,
  record: CheckpointRecord,
  positions: { readonly dropped: Int32Array; readonly kept: Int32Array },
  options: AbortOptions,
): Promise<Judgement> {
  const { dropped, kept } = positions
  const extraction = factExtraction()
  const table = factTable()
  const usersPositions: number[] = []
  const characters = { kept: 0, dropped: 0 }
  const lengths = new Int32Array(dropped.length)
  await eachEntry(snapshot, dropped, options, (place, { text, steps }) => {
    lengths[place] = text.length
    characters.dropped += text.length
    if (steps.some((step) => step.did === 'said' && step.by === 'user')) usersPositions.push(dropped[place] ?? -1)
    table.add(place, extraction.next(steps))
  })
  const facts = table.all()
  const check = survivalCheck(facts, record.cwd)
  if (record.summary !== undefined) check.after('summary', record.summary)
  await eachEntry(snapshot, kept, options, (_place, { text, steps }) => {
    characters.kept += text.length
    for (const said of [text, ...steps.flatMap(textsOfStep)]) check.after('kept', said)
  })
  await eachEntry(snapshot, Int32Array.from(usersPositions), options, (_place, { steps }) => {
    for (const step of steps) if (step.did === 'said' && step.by === 'user') check.users(step.text)
  })
  return {
    facts: facts.map((fact, at) => judged(fact, at, check, dropped)).sort(byImportance),
    leftOut: table.leftOut,
    characters,
    summarised: summarisedIn(facts, check, lengths),
  }
}

function judged(fact: DroppedFact, at: number, check: SurvivalCheck, dropped: Int32Array): JudgedFact {
  const survival = check.survival(at)
  const isInUsersWords = check.isInUsersWords(at)
  const { category, text, isCut, mentions } = fact
  return {
    category,
    text,
    isCut,
    mentions,
    isInUsersWords,
    position: dropped[fact.firstPlace] ?? -1,
    importance: importanceOf(fact, { entries: dropped.length, isInUsersWords, survival }),
    ...survival,
  }
}

function byImportance(one: JudgedFact, other: JudgedFact): number {
  return other.importance - one.importance || one.position - other.position
}

function summarisedIn(facts: readonly DroppedFact[], check: SurvivalCheck, lengths: Int32Array): Judgement['summarised'] {
  const places = new Set<number>()
  for (const [at, fact] of facts.entries()) if (check.survival(at).standsIn === 'summary') places.add(fact.firstPlace)
  return { entries: places.size, characters: [...places].reduce((sum, place) => sum + (lengths[place] ?? 0), 0) }
}

async function eachEntry(
  snapshot: SnapshotIndex,
  positions: Int32Array,
  options: AbortOptions,
  use: (place: number, entry: { readonly text: string; readonly steps: readonly EntryStep[] }) => void,
): Promise<void> {
  for (let place = 0; place < positions.length; place++) {
    const indexed = snapshot.entries.entry(positions[place] ?? -1)
    if (indexed === undefined) continue
    const { entry, steps } = await snapshot.bodyInSteps(indexed, options)
    use(place, { text: entry.text, steps })
    if (place % entriesBetweenTurns === entriesBetweenTurns - 1) {
      options.signal?.throwIfAborted()
      await setImmediate()
    }
  }
}
