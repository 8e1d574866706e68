import type { CheckpointRow } from './checkpoint.ts'
import type { Ledger } from './ledger.ts'
import { isProtected } from './row.ts'
import { byNewest } from './rows.ts'
import { wholeNumber } from './text-input.ts'

/** What is kept. All that is given holds at once; pinned and labelled checkpoints are exempt from all of it. */
export interface Retention {
  /** At most so many checkpoints a session, the newest; exempt ones are not counted. Applied by every capture and import, and by prune. */
  readonly maxCheckpoints?: number | undefined
  /** None older than this, in milliseconds. Applied by prune. */
  readonly maxAgeMs?: number | undefined
  /** What the objects of the whole store may take, in bytes: beyond it whole sessions go, the least recently captured first. Applied by prune. */
  readonly maxBytes?: number | undefined
}

/** OpenClaw's policy: the newest 25 of each session. */
export const openClawRetention: Retention = { maxCheckpoints: 25 }

/** The policy as it was given. Throws `ARGUMENT_INVALID` for numbers that can't be its. */
export function checkedRetention(retention: Retention): Retention {
  wholeNumber('maxCheckpoints', retention.maxCheckpoints)
  wholeNumber('maxAgeMs', retention.maxAgeMs)
  wholeNumber('maxBytes', retention.maxBytes)
  return retention
}

/**
 * Moves what `maxCheckpoints` no longer keeps to the trash. Only records go: the bytes of an older checkpoint are the beginning of a newer
 * one's, so that nothing a kept checkpoint needs is ever removed. A pending checkpoint stays until its compaction is settled.
 */
export function retain(
  rows: readonly CheckpointRow[],
  trash: Ledger['trash'],
  retention: Retention,
  now: number,
): { readonly rows: readonly CheckpointRow[]; readonly trash: Ledger['trash'] } {
  return moved(rows, trash, beyondCount(rows, retention.maxCheckpoints), now)
}

/**
 * Moves everything to the trash that a policy no longer keeps of one session: by count, by age (a pending one too), and, when the session is
 * evicted, all of it. Pinned and labelled rows stay.
 */
export function retainOf(
  rows: readonly CheckpointRow[],
  trash: Ledger['trash'],
  policy: { readonly retention: Retention; readonly now: number; readonly evict: boolean },
): { readonly rows: readonly CheckpointRow[]; readonly trash: Ledger['trash'] } {
  const { retention, now, evict } = policy
  const oldest = retention.maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : now - retention.maxAgeMs
  const leaving = new Set(beyondCount(rows, retention.maxCheckpoints))
  for (const row of rows) if (!isProtected(row) && (evict || row.createdAt < oldest)) leaving.add(row)
  return moved(rows, trash, leaving, now)
}

/** What is known of a session when the store is over its limit. */
export interface EvictionCandidate {
  readonly name: string
  /** What comes back when it goes. */
  readonly bytes: number
  /** Its newest checkpoint; `undefined` when nothing of it may go. */
  readonly newestAt: number | undefined
}

/** The sessions to evict so that `totalBytes` fits into `maxBytes`: the least recently captured first, and no more than are needed. */
export function evictedSessions(
  candidates: readonly EvictionCandidate[],
  totalBytes: number,
  maxBytes: number | undefined,
): ReadonlySet<string> {
  const evicted = new Set<string>()
  if (maxBytes === undefined) return evicted
  let left = totalBytes
  const byAge = candidates
    .flatMap(({ name, bytes, newestAt }) => (newestAt === undefined || bytes === 0 ? [] : [{ name, bytes, newestAt }]))
    .sort((one, other) => one.newestAt - other.newestAt || (one.name < other.name ? -1 : 1))
  for (const { name, bytes } of byAge) {
    if (left <= maxBytes) break
    evicted.add(name)
    left -= bytes
  }
  return evicted
}

function beyondCount(rows: readonly CheckpointRow[], most: number | undefined): ReadonlySet<CheckpointRow> {
  if (most === undefined) return new Set()
  const candidates = rows.filter((row) => !isProtected(row)).sort(byNewest)
  return new Set(candidates.slice(most).filter((row) => row.status !== 'pending'))
}

function moved(
  rows: readonly CheckpointRow[],
  trash: Ledger['trash'],
  leaving: ReadonlySet<CheckpointRow>,
  now: number,
): { readonly rows: readonly CheckpointRow[]; readonly trash: Ledger['trash'] } {
  if (leaving.size === 0) return { rows, trash }
  return {
    rows: rows.filter((row) => !leaving.has(row)),
    trash: [...trash, ...[...leaving].map((row) => ({ ...row, deletedAt: now }))],
  }
}
