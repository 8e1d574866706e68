import { type Checkpoint, type CheckpointRecord, type CheckpointRow, checkpointOf, type SessionReference } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import type { Chunk, Ledger } from './ledger.ts'
import { changeLedger } from './ledger-store.ts'
import { storeRecord } from './row.ts'
import { allRows, withRows } from './rows.ts'
import { readRecord } from './session-objects.ts'
import { isSupersededBy } from './settlement.ts'
import type { AbortOptions, Key } from './storage.ts'
import { streamEnd, streamsOf, withStream } from './stream.ts'
import { trimmed, wholeNumber } from './text-input.ts'
import { allTrash } from './trash.ts'

/** What a compaction made of the context. Blank strings count as absent; token counts are whole numbers, at least 0. */
export interface Completion {
  readonly summary?: string | undefined
  readonly firstKeptEntryId?: string | undefined
  readonly tokensAfter?: number | undefined
  readonly postCompaction?: SessionReference | undefined
}

/** Confirms a pending checkpoint, atomically; those from before it that it supersedes go. Completing a complete one again replaces what is given and keeps the rest. */
export async function completeCheckpoint(
  environment: Environment,
  name: Key,
  id: string,
  completion: Completion,
  options: AbortOptions,
): Promise<Checkpoint> {
  const tokensAfter = wholeNumber('tokensAfter', completion.tokensAfter)
  return changeLedger(environment, name, options, async (before) => {
    const { ledger, rows, row } = await rowOf(environment, name, before, id, options)
    if (row.status === 'snapshot') {
      throw new CheckpointError('ARGUMENT_INVALID', `${id} is a snapshot of no compaction (${row.reason}), so it can't be completed.`, {
        argument: 'id',
        expected: 'a pending checkpoint',
      })
    }
    const { tokensBefore, reason } = row
    const known = {
      ...(await readRecord(environment, name, row, options)),
      reason,
      ...(tokensBefore === undefined ? {} : { tokensBefore }),
    }
    const record = completed(known, { ...completion, tokensAfter })
    const stored = await storeRecord(environment, name, ledger, record, row, options)
    const isBefore = (other: CheckpointRow): boolean => other.commit < row.commit && isSupersededBy(other, ledger, row)
    const superseded = rows.filter((other) => other !== row && isBefore(other))
    const others = rows.filter((other) => !superseded.includes(other))
    const next = await withRows(environment, name, ledger, replaced(others, row, { ...stored, commit: row.commit }), options)
    return {
      ledger: next.ledger,
      result: checkpointOf(stored, record),
      unnamed: [row.record, ...superseded.map((other) => other.record), ...next.unnamed],
    }
  })
}

/**
 * Takes a pending checkpoint back, and those of its bytes that nothing which came later can stand on. A snapshot that a capture for a compaction
 * made a pending one is a snapshot again. Refused once it is complete.
 */
export async function abandonCheckpoint(environment: Environment, name: Key, id: string, options: AbortOptions): Promise<void> {
  await changeLedger(environment, name, options, async (before) => {
    const { ledger, rows, row } = await rowOf(environment, name, before, id, options)
    if (row.status !== 'pending') {
      throw new CheckpointError('ARGUMENT_INVALID', `${id} is ${row.status}; only a pending checkpoint can be abandoned. Use delete.`, {
        argument: 'id',
        expected: 'a pending checkpoint',
      })
    }
    const known = await readRecord(environment, name, row, options)
    if (known.status === 'snapshot') {
      const snapshot: CheckpointRow = { ...row, status: known.status, reason: known.reason }
      const next = await withRows(environment, name, ledger, replaced(rows, row, snapshot), options)
      return { ledger: next.ledger, result: undefined, unnamed: next.unnamed }
    }
    const remaining = rows.filter((candidate) => candidate !== row)
    const isLast = [...remaining, ...(await allTrash(environment, name, ledger, options))].every((other) => other.commit < row.commit)
    const cut = isLast ? withoutAdded(ledger, known) : { ledger, objects: [] }
    const next = await withRows(environment, name, cut.ledger, remaining, options)
    return { ledger: next.ledger, result: undefined, unnamed: [row.record, ...cut.objects, ...next.unnamed] }
  })
}

/** The row of an id, or `CHECKPOINT_NOT_FOUND`. */
export async function rowOf(
  environment: Environment,
  name: Key,
  ledger: Ledger | undefined,
  id: string,
  options: AbortOptions,
): Promise<{ ledger: Ledger; rows: readonly CheckpointRow[]; row: CheckpointRow }> {
  const rows = ledger === undefined ? [] : await allRows(environment, name, ledger, options)
  const row = rows.find((candidate) => candidate.id === id)
  if (ledger !== undefined && row !== undefined) return { ledger, rows, row }
  throw new CheckpointError('CHECKPOINT_NOT_FOUND', `There is no checkpoint ${id} any more. See what there is with: palimpsest list`, {
    id,
  })
}

/** Rows with one of them changed. */
export function replaced(rows: readonly CheckpointRow[], row: CheckpointRow, by: CheckpointRow): readonly CheckpointRow[] {
  return rows.map((candidate) => (candidate === row ? by : candidate))
}

function completed(record: CheckpointRecord, completion: Completion): CheckpointRecord {
  const summary = trimmed(completion.summary) ?? record.summary
  const firstKeptEntryId = trimmed(completion.firstKeptEntryId) ?? record.firstKeptEntryId
  const tokensAfter = completion.tokensAfter ?? record.tokensAfter
  const postCompaction = completion.postCompaction === undefined ? record.postCompaction : trimmedReference(completion.postCompaction)
  return {
    ...record,
    status: 'complete',
    ...(summary === undefined ? {} : { summary }),
    ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...(postCompaction === undefined ? {} : { postCompaction }),
  }
}

function trimmedReference(reference: SessionReference): SessionReference {
  const sessionFile = trimmed(reference.sessionFile)
  const leafId = trimmed(reference.leafId)
  const entryId = trimmed(reference.entryId)
  return {
    sessionId: reference.sessionId.trim(),
    ...(sessionFile === undefined ? {} : { sessionFile }),
    ...(leafId === undefined ? {} : { leafId }),
    ...(entryId === undefined ? {} : { entryId }),
  }
}

/** The ledger without the chunks at the ends of streams that one capture added, and the objects that held nothing else. */
function withoutAdded(before: Ledger, record: CheckpointRecord): { ledger: Ledger; objects: readonly string[] } {
  let ledger = before
  const gone: Chunk[] = []
  for (const { name: part, stream: index, from } of record.added ?? []) {
    const stream = streamsOf(ledger, part)[index]
    const position = record.parts.find((candidate) => candidate.name === part)
    if (stream === undefined || streamEnd(stream).bytes !== position?.bytes || isBase(ledger, part, index, from)) continue
    const open = [...stream.open]
    let endBytes = streamEnd(stream).bytes
    for (let last = open.at(-1); last !== undefined && endBytes - last[3] >= from; last = open.at(-1)) {
      open.pop()
      gone.push(last)
      endBytes -= last[3]
    }
    ledger = withStream(ledger, part, index, { ...stream, open })
  }
  const named = new Set(
    Object.values(ledger.parts).flatMap((part) => part.streams.flatMap((stream) => stream.open.map(([object]) => object))),
  )
  const hasSegments = Object.values(ledger.parts).some((part) => part.streams.some((stream) => stream.segments.length > 0))
  // What stands in a segment is not known here, so that only objects of a session without segments go at once; the sweep takes the others.
  return { ledger, objects: hasSegments ? [] : [...new Set(gone.map(([object]) => object))].filter((object) => !named.has(object)) }
}

function isBase(ledger: Ledger, part: string, index: number, from: number): boolean {
  return streamsOf(ledger, part).some((other) => other.base?.stream === index && other.base.bytes > from)
}
