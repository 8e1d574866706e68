import { boundedMap } from './bounded-map.ts'
import type { Environment } from './environment.ts'
import { type CheckpointError, isCheckpointError } from './errors.ts'
import { readLedger } from './ledger-store.ts'
import type { SessionProblem } from './list.ts'
import { sessionsWithObjects } from './named-objects.ts'
import type { PrunePolicy } from './prune-plan.ts'
import { type PrunedSession, planPruning, pruneSession, sizeOf } from './prune-session.ts'
import { checkedRetention, type EvictionCandidate, evictedSessions, type Retention } from './retention.ts'
import { isProtected } from './row.ts'
import { byNewest } from './rows.ts'
import { sessionNames } from './session-index.ts'
import type { AbortOptions, Key } from './storage.ts'
import { sweepLedgerless } from './sweep.ts'
import { wholeNumber } from './text-input.ts'

const sessionsAtOnce = 8
const dayMs = 24 * 60 * 60 * 1000

/** What to apply, and how. */
export interface PruneOptions extends AbortOptions {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined
  /** By default what the service was made with. */
  readonly retention?: Retention | undefined
  /** How long the trash is kept, in milliseconds; by default a day. With 0 it is emptied, and so is what the policy puts there. */
  readonly trashMs?: number | undefined
  readonly onProgress?: ((progress: { readonly sessions: number; readonly of: number }) => void) | undefined
}

/** What pruning did, or would do. Everything is counted in objects: figures of a dry run and of a run are the same unless others write. */
export interface PruneReport {
  /** Those of which something goes. */
  readonly sessions: readonly PrunedSession[]
  /** Checkpoints that the policy moved to the trash. */
  readonly checkpoints: number
  /** Checkpoints that went for good. */
  readonly purged: number
  /** Bytes of the objects that were deleted. */
  readonly freedBytes: number
  /** Bytes that come back when what is now in the trash goes for good. */
  readonly trashBytes: number
  /** Deleted objects that nothing had named: what crashed captures left. */
  readonly orphanedObjects: number
  /** Bytes of all objects that are left. */
  readonly storedBytes: number
  readonly dryRun: boolean
  /** Sessions that were left alone, and why. */
  readonly problems: readonly SessionProblem[]
}

/** Applies the retention, empties old trash, and sweeps every session. */
export async function pruneStore(environment: Environment, options: PruneOptions): Promise<PruneReport> {
  const abort = { signal: options.signal }
  const retention = checkedRetention(options.retention ?? environment.retention)
  const trashMs = wholeNumber('trashMs', options.trashMs) ?? dayMs
  const policy = { retention, trashMs, now: environment.now(), evict: false }
  const dryRun = options.dryRun ?? false
  const bytesOf = await sessionsWithObjects(environment, abort)
  const names = [...new Set([...(await sessionNames(environment, abort)), ...bytesOf.keys()])].sort()
  const evicted = await sessionsToEvict(environment, names, bytesOf, policy, abort)
  const sessions: PrunedSession[] = []
  const problems: SessionProblem[] = []
  let done = 0
  await boundedMap(names, sessionsAtOnce, async (name) => {
    try {
      const pruned = await pruneOne(environment, name, { ...policy, evict: evicted.has(name) }, { ...abort, dryRun })
      if ('problem' in pruned) problems.push({ name, message: pruned.problem })
      else sessions.push(pruned)
    } catch (error) {
      if (!isLeftAlone(error)) throw error
      problems.push({ name, message: error.message })
    }
    done += 1
    options.onProgress?.({ sessions: done, of: names.length })
  })
  const freedBytes = total(sessions, 'freedBytes')
  return {
    sessions: sessions.filter(isTouched).sort((one, other) => (one.sessionKey < other.sessionKey ? -1 : 1)),
    checkpoints: sessions.reduce((sum, { checkpointIds }) => sum + checkpointIds.length, 0),
    purged: sessions.reduce((sum, { purgedIds }) => sum + purgedIds.length, 0),
    freedBytes,
    trashBytes: total(sessions, 'trashBytes'),
    orphanedObjects: total(sessions, 'orphanedObjects'),
    storedBytes: [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0) - freedBytes,
    dryRun,
    problems,
  }
}

async function pruneOne(
  environment: Environment,
  name: Key,
  policy: PrunePolicy,
  options: AbortOptions & { readonly dryRun: boolean },
): Promise<PrunedSession | { readonly problem: string }> {
  const pruned = await pruneSession(environment, name, policy, options)
  if (pruned !== undefined) return pruned
  const swept = await sweepLedgerless(environment, name, options)
  switch (swept.kind) {
    case 'swept': {
      const deleted = { freedBytes: sizeOf(swept.deleted), orphanedObjects: swept.deleted.size }
      return { agent: '', sessionKey: '', checkpointIds: [], purgedIds: [], trashBytes: 0, evicted: false, ...deleted }
    }
    case 'left':
      return { problem: 'It has no ledger, but records of checkpoints. To have it back, run: palimpsest verify --repair' }
    case 'has-ledger':
      return pruneOne(environment, name, policy, options)
    default:
      return swept satisfies never
  }
}

/**
 * The sessions that go so that the store fits. What waits in the trash counts as gone: it will be, and until then a second run must not evict
 * more. What can't be read counts with all of its bytes and stays.
 */
async function sessionsToEvict(
  environment: Environment,
  names: readonly Key[],
  bytesOf: ReadonlyMap<Key, number>,
  policy: PrunePolicy,
  options: AbortOptions,
): Promise<ReadonlySet<string>> {
  if (policy.retention.maxBytes === undefined) return new Set()
  const emptied = { ...policy, trashMs: Number.NEGATIVE_INFINITY }
  const candidates = await boundedMap(names, sessionsAtOnce, async (name): Promise<EvictionCandidate> => {
    const allBytes = bytesOf.get(name) ?? 0
    try {
      const ledger = await readLedger(environment, name, options)
      if (ledger === undefined) {
        const swept = await sweepLedgerless(environment, name, { ...options, dryRun: true })
        return { name, bytes: swept.kind === 'swept' ? 0 : allBytes, newestAt: undefined }
      }
      const { plan, report } = await planPruning(environment, name, ledger, emptied, options)
      const newest = [...plan.rows].sort(byNewest)[0]?.createdAt
      return { name, bytes: allBytes - report.freedBytes, newestAt: plan.rows.some(isProtected) ? undefined : newest }
    } catch (error) {
      if (!isLeftAlone(error)) throw error
      return { name, bytes: allBytes, newestAt: undefined }
    }
  })
  const totalBytes = candidates.reduce((sum, { bytes }) => sum + bytes, 0)
  return evictedSessions(candidates, totalBytes, policy.retention.maxBytes)
}

/** A session that can't be read, or was written by a newer version, doesn't stop the others. */
function isLeftAlone(error: unknown): error is CheckpointError {
  if (isCheckpointError(error, 'STORAGE_UNAVAILABLE')) return error.details.operation === 'read'
  return isCheckpointError(error, 'CHECKPOINT_CORRUPT') || isCheckpointError(error, 'FORMAT_UNSUPPORTED')
}

function isTouched(session: PrunedSession): boolean {
  return session.sessionKey !== '' && session.checkpointIds.length + session.purgedIds.length + session.freedBytes > 0
}

function total(sessions: readonly PrunedSession[], figure: 'freedBytes' | 'trashBytes' | 'orphanedObjects'): number {
  return sessions.reduce((sum, session) => sum + session[figure], 0)
}
