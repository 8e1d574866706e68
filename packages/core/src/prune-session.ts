import type { Environment } from './environment.ts'
import type { Ledger } from './ledger.ts'
import { type Change, changeLedger, readLedger } from './ledger-store.ts'
import { epochOf, objectsOf, type SizedObjects, unnamedObjects } from './named-objects.ts'
import { namedNow, type PrunePlan, type PrunePolicy, planSession } from './prune-plan.ts'
import { withRows } from './rows.ts'
import { sealedStream } from './segment-writer.ts'
import type { AbortOptions, Key } from './storage.ts'
import { streamsOf, withStream } from './stream.ts'
import { fenced, sweep } from './sweep.ts'
import { pagesOf } from './trash.ts'

/** What pruning did to a session, or would do. */
export interface PrunedSession {
  readonly agent: string
  readonly sessionKey: string
  /** Those that the policy moved to the trash. */
  readonly checkpointIds: readonly string[]
  /** Those that went for good. */
  readonly purgedIds: readonly string[]
  /** Bytes of the objects that were deleted. */
  readonly freedBytes: number
  /** Bytes that come back when what is now in the trash goes for good. */
  readonly trashBytes: number
  /** Deleted objects that nothing had named. */
  readonly orphanedObjects: number
  /** Whether all of it went because the store was over its limit. */
  readonly evicted: boolean
}

/** Prunes one session, in one swap and a sweep behind it; `undefined` for a session without a ledger. */
export async function pruneSession(
  environment: Environment,
  name: Key,
  policy: PrunePolicy,
  options: AbortOptions & { readonly dryRun: boolean },
): Promise<PrunedSession | undefined> {
  const abort = { signal: options.signal }
  if (options.dryRun) {
    const ledger = await readLedger(environment, name, abort)
    return ledger === undefined ? undefined : (await planPruning(environment, name, ledger, policy, abort)).report
  }
  const swapped = await changeLedger<Swapped | undefined>(environment, name, abort, async (ledger) =>
    ledger === undefined ? { result: undefined } : pruneInto(environment, name, ledger, policy, abort),
  )
  if (swapped === undefined) return undefined
  const { report, going, fence, named } = swapped
  if (going.size === 0) return report
  return { ...report, freedBytes: sizeOf(await sweep(environment, name, fence, named, abort)) }
}

/** The bytes of objects together. */
export function sizeOf(objects: SizedObjects): number {
  let sum = 0
  for (const sizeBytes of objects.values()) sum += sizeBytes
  return sum
}

/** A plan, and what comes of it. */
export interface PlannedPruning {
  readonly plan: PrunePlan
  /** Objects that nothing names any more. */
  readonly going: SizedObjects
  readonly report: PrunedSession
}

interface Swapped extends Pick<PlannedPruning, 'going' | 'report'> {
  readonly fence: number
  readonly named: ReadonlySet<string>
}

/** Plans the pruning of a session against the objects that lie there now. */
export async function planPruning(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  policy: PrunePolicy,
  options: AbortOptions,
): Promise<PlannedPruning> {
  const plan = await planSession(environment, name, ledger, policy, options)
  const objects = await objectsOf(environment, name, options)
  const going = unnamedObjects(objects, plan.named, ledger.epoch)
  const named = going.size === 0 ? plan.named : await namedNow(environment, name, ledger, options)
  const report = {
    agent: ledger.agent,
    sessionKey: ledger.sessionKey,
    checkpointIds: plan.trashed.map((row) => row.id),
    purgedIds: plan.purged.map((row) => row.id),
    freedBytes: sizeOf(going),
    trashBytes: 0,
    orphanedObjects: [...going.keys()].filter((object) => !named.has(object)).length,
    evicted: policy.evict && plan.trashed.length > 0,
  }
  if (plan.ledger.trash.length + (plan.ledger.trashPages ?? []).length === 0) return { plan, going, report }
  const emptied = await planSession(environment, name, ledger, { ...policy, trashMs: Number.NEGATIVE_INFINITY }, options)
  const later = sizeOf(unnamedObjects(objects, emptied.named, ledger.epoch))
  return { plan, going, report: { ...report, trashBytes: later - report.freedBytes } }
}

/**
 * The swap. Its fence rises above every object that is going to be deleted, so that a writer which put one itself and would name it (in a long
 * capture also one that it had committed before, and that was cut off since) begins again under new names.
 */
async function pruneInto(
  environment: Environment,
  name: Key,
  before: Ledger,
  policy: PrunePolicy,
  options: AbortOptions,
): Promise<Change<Swapped>> {
  const { plan, going, report } = await planPruning(environment, name, before, policy, options)
  const needsFence = [...going.keys()].some((object) => (epochOf(object) ?? 0) >= before.fence)
  if (!plan.isChanged && !needsFence) return { result: { report, going, fence: before.fence, named: plan.named } }
  let sealed = plan.ledger
  for (const { part, stream: index } of plan.split) {
    const stream = streamsOf(sealed, part)[index]
    if (stream !== undefined) sealed = withStream(sealed, part, index, await sealedStream(environment, name, before, stream, options))
  }
  const { ledger: laidOut } = await withRows(environment, name, sealed, plan.rows, options)
  const ledger = needsFence ? fenced(laidOut) : laidOut
  const named = new Set(plan.named)
  for (const { object } of pagesOf(ledger)) named.add(object)
  for (const { part, stream } of plan.split) for (const { object } of streamsOf(ledger, part)[stream]?.segments ?? []) named.add(object)
  return { ledger, result: { report, going, fence: ledger.fence, named } }
}
