import type { CaptureFacts } from './capture-facts.ts'
import { type Checkpoint, type CheckpointRow, checkpointOf, isCompactionReason } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import type { Ledger } from './ledger.ts'
import type { Change } from './ledger-store.ts'
import { withRows } from './rows.ts'
import { readRecord } from './session-objects.ts'
import { strongerReason } from './settlement.ts'
import type { AbortOptions } from './storage.ts'
import type { StoredParts } from './stored-parts.ts'
import { isOnStream } from './stream.ts'
import type { TranscriptSession } from './transcript-session.ts'

/** What became of a capture. */
export interface Captured {
  readonly outcome: 'captured' | 'unchanged'
  readonly checkpoint: Checkpoint
}

/** Whether a checkpoint has these bytes, sidecars included, and this leaf. */
export async function isSame(
  environment: Environment,
  session: TranscriptSession,
  stored: StoredParts,
  row: CheckpointRow,
  leafId: string,
  options: AbortOptions,
): Promise<boolean> {
  const main = stored.positions[0]
  if (main === undefined || row.bytes !== main.bytes || row.leafId !== leafId) return false
  if (!isOnStream(stored.ledger, 'main', row, main.stream)) return false
  // A damaged record is the same as nothing: the capture makes a new one.
  const record = await readRecord(environment, session.name, row, options).catch((error: unknown) => {
    if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT') || error.details.problem === 'missing') throw error
  })
  if (record === undefined) return false
  const sidecars = record.parts.filter((part) => part.name !== 'main')
  return (
    sidecars.length === stored.positions.length - 1 &&
    sidecars.every((part) => {
      const now = stored.positions.find((position) => position.name === part.name)
      return now !== undefined && now.bytes === part.bytes && isOnStream(stored.ledger, part.name, part, now.stream)
    })
  )
}

/** The latest checkpoint stands for these bytes; a compaction's reason replaces a weaker one. */
export async function unchanged(
  environment: Environment,
  session: TranscriptSession,
  settled: {
    readonly ledger: Ledger
    readonly rows: readonly CheckpointRow[]
    readonly changed: boolean
    readonly unnamed: readonly string[]
  },
  same: CheckpointRow,
  facts: CaptureFacts,
  options: AbortOptions,
): Promise<Change<Captured>> {
  const record = await readRecord(environment, session.name, same, options)
  const reason = strongerReason(same.reason, facts.reason)
  const tokensBefore = same.tokensBefore ?? facts.tokensBefore
  const label = same.label ?? facts.label
  const row: CheckpointRow = {
    ...same,
    reason,
    status: same.status === 'snapshot' && isCompactionReason(reason) ? 'pending' : same.status,
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(label === undefined ? {} : { label }),
  }
  const result: Captured = { outcome: 'unchanged', checkpoint: checkpointOf(row, record) }
  const nothingNew =
    row.reason === same.reason && row.status === same.status && row.tokensBefore === same.tokensBefore && row.label === same.label
  if (nothingNew && !settled.changed) return { result }
  const rows = settled.rows.map((candidate) => (candidate === same ? row : candidate))
  const next = await withRows(environment, session.name, settled.ledger, rows, options)
  return { ledger: next.ledger, result, unnamed: [...settled.unnamed, ...next.unnamed] }
}
