import type { CheckpointRecord, CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { Ledger } from './ledger.ts'
import type { PutOptions } from './puts.ts'
import { writeDocument } from './session-objects.ts'
import type { Key } from './storage.ts'

/** What a row holds that its record does not. */
export interface RowExtras {
  readonly tipId?: string | undefined
  readonly pinned?: true | undefined
  readonly label?: string | undefined
  readonly prefixCheck?: 'tail' | undefined
}

/** What a row takes from a record: everything but the texts. */
export type RowFacts = Omit<CheckpointRecord, 'summary' | 'keptEntryIds' | 'boundaryLine'>

/** Stores a record and gives the row that names it. */
export async function storeRecord(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  record: CheckpointRecord,
  extras: RowExtras,
  options: PutOptions,
): Promise<CheckpointRow> {
  const object = await writeDocument(environment, ledger, name, 'record', record, options)
  return rowOfRecord(record, object, ledger.commitCount, extras)
}

/** The row of a record that is stored as `object`, made in the commit after `commit`. */
export function rowOfRecord(record: RowFacts, object: string, commit: number, extras: RowExtras): CheckpointRow {
  const main = record.parts.find((part) => part.name === 'main')
  return {
    id: record.id,
    createdAt: record.createdAt,
    status: record.status,
    reason: record.reason,
    origin: record.origin,
    ...(record.tokensBefore === undefined ? {} : { tokensBefore: record.tokensBefore }),
    ...(record.tokensAfter === undefined ? {} : { tokensAfter: record.tokensAfter }),
    ...(extras.pinned === true ? { pinned: true } : {}),
    ...(extras.label === undefined ? {} : { label: extras.label }),
    ...(extras.prefixCheck === undefined ? {} : { prefixCheck: extras.prefixCheck }),
    leafId: record.preCompaction.leafId ?? '',
    ...(extras.tipId === undefined ? {} : { tipId: extras.tipId }),
    ...(record.badLines === 0 ? {} : { badLines: record.badLines }),
    ...(record.boundary === undefined ? {} : { boundaryId: record.boundary.id }),
    stream: main?.stream ?? 0,
    bytes: main?.bytes ?? 0,
    lines: main?.lines ?? 0,
    record: object,
    commit,
  }
}

/** Whether retention and replacement pass over a checkpoint. */
export function isProtected(row: CheckpointRow): boolean {
  return row.pinned === true || row.label !== undefined
}
