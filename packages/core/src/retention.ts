import type { CheckpointRow } from './checkpoint.ts'
import type { Ledger } from './ledger.ts'
import { isProtected } from './row.ts'
import { byNewest } from './rows.ts'

/** What is kept of each session. */
export interface Retention {
  /** At most so many checkpoints a session, the newest; pinned and labelled ones are exempt and not counted. */
  readonly maxCheckpoints?: number | undefined
}

/** OpenClaw's policy: the newest 25 of each session. */
export const openClawRetention: Retention = { maxCheckpoints: 25 }

/**
 * Moves what a policy no longer keeps to the trash. Only records go: the bytes of an older checkpoint are the beginning of a newer one's, so
 * that nothing a kept checkpoint needs is ever removed. A pending checkpoint stays until its compaction is settled.
 */
export function retain(
  rows: readonly CheckpointRow[],
  trash: Ledger['trash'],
  retention: Retention,
  now: number,
): { readonly rows: readonly CheckpointRow[]; readonly trash: Ledger['trash'] } {
  const most = retention.maxCheckpoints
  if (most === undefined) return { rows, trash }
  const candidates = rows.filter((row) => !isProtected(row)).sort(byNewest)
  const leaving = new Set(candidates.slice(most).filter((row) => row.status !== 'pending'))
  if (leaving.size === 0) return { rows, trash }
  return {
    rows: rows.filter((row) => !leaving.has(row)),
    trash: [...trash, ...[...leaving].map((row) => ({ ...row, deletedAt: now }))],
  }
}
