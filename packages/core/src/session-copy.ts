import type { CheckpointRecord, CheckpointRow } from './checkpoint.ts'
import { isCompactionReason } from './checkpoint.ts'
import { makeCheckpointId } from './checkpoint-id.ts'
import { copyBoundaryId } from './copy-boundary.ts'
import { sessionDigest } from './keys.ts'
import { hasEntry } from './known-leaf.ts'
import type { InspectedLines } from './main-part.ts'
import { storeRecord } from './row.ts'
import { readRecord } from './session-objects.ts'
import { reference, type Settlement, type SettlementRequest, strongerReason, takenBack } from './settlement.ts'
import type { AbortOptions } from './storage.ts'
import { isOnStream } from './stream.ts'
import type { Transcript } from './transcript.ts'
import type { CopiedCompaction } from './transcript-copies.ts'
import { requireLeaf, type TranscriptSession } from './transcript-session.ts'
import { allTrash } from './trash.ts'

/** A transcript that is a copy which its agent made before a compaction: all of it is the state to keep. */
export interface SessionCopy {
  readonly boundaryId: string
  readonly compaction: CopiedCompaction
  readonly leafId: string
  /** The leaf that the last line says. */
  readonly tipId: string
  /** Where the session's own file lies, or lay. */
  readonly path: string | undefined
}

/** What a copy is settled against: a ledger that has its bytes, and how many lines they are. */
export interface CopySettlementRequest extends SettlementRequest {
  readonly lines: number
}

/** The copy that a transcript is by its file's name; `undefined` for a session's own transcript. Throws `TRANSCRIPT_MALFORMED` for one without entries. */
export async function copyIn(
  { reader, transcript }: Pick<TranscriptSession, 'reader' | 'transcript'>,
  lines: Transcript,
  inspected: InspectedLines,
  options: AbortOptions,
): Promise<SessionCopy | undefined> {
  const { path = '' } = transcript
  const fileName = path.split(/[\\/]/).at(-1) ?? ''
  const mainName = reader.copies?.mainOf(fileName)
  if (reader.copies === undefined || mainName === undefined) return undefined
  const compaction = await reader.copies.compaction(transcript, options)
  const tipId = requireLeaf(inspected.leafId, transcript)
  const said = compaction.leafId
  const leafId = said !== undefined && said !== tipId && (await hasEntry(reader, lines, said, options)) ? said : tipId
  return {
    boundaryId: copyBoundaryId(compaction.copyId),
    compaction,
    leafId,
    tipId,
    path: path.slice(0, path.length - fileName.length) + mainName,
  }
}

/**
 * Gives a copy its checkpoint: the one that it has; else that of a compaction which stands on the very same bytes, completed where it waits; else a
 * new one. Once its compaction has a checkpoint the copy is passed over for good, so that deleting that deletes this.
 */
export async function settleCopy(request: CopySettlementRequest, settled: Settlement, copy: SessionCopy): Promise<Settlement> {
  const { boundaryId } = copy
  const { ledger, rows } = settled
  const own = rows.find((row) => row.boundaryId === boundaryId)
  if (own !== undefined) return { ...settled, checkpointIds: [...settled.checkpointIds, own.id] }
  const trash = await allTrash(request.environment, request.name, ledger, request)
  const trashed = trash.find((row) => row.boundaryId === boundaryId)
  const isRemoved = ledger.removed.includes(boundaryId)
  if (!request.again && (isRemoved || trashed !== undefined)) return settled
  const same = rows.filter(
    (row) => row.bytes === request.main.sizeBytes && isCompactionReason(row.reason) && isOnStream(ledger, 'main', row, request.stream),
  )
  if (same.some((row) => row.boundaryId !== undefined)) {
    return isRemoved ? settled : { ...settled, ledger: { ...ledger, removed: [...ledger.removed, boundaryId] }, changed: true }
  }
  if (trashed !== undefined) {
    const back = await takenBack(request, ledger, trash, trashed)
    return withRow({ ...settled, ledger: back.ledger, unnamed: [...settled.unnamed, ...back.unnamed] }, back.row, 'created')
  }
  const [waiting] = same
  const known = waiting === undefined ? undefined : await readRecord(request.environment, request.name, waiting, request)
  const record = recordOf(request, copy, waiting === undefined || known === undefined ? undefined : { ...known, reason: waiting.reason })
  const extras = { ...waiting, tipId: copy.leafId === copy.tipId ? undefined : copy.tipId }
  const row = await storeRecord(request.environment, request.name, ledger, record, extras, request)
  const next = {
    ...settled,
    ledger: { ...ledger, removed: ledger.removed.filter((id) => id !== boundaryId) },
    rows: rows.filter((other) => other !== waiting),
    unnamed: waiting === undefined ? settled.unnamed : [...settled.unnamed, waiting.record],
  }
  return withRow(next, row, waiting === undefined ? 'created' : 'completed')
}

function withRow(settled: Settlement, row: CheckpointRow, became: 'created' | 'completed'): Settlement {
  return {
    ...settled,
    rows: [...settled.rows, row],
    checkpointIds: [...settled.checkpointIds, row.id],
    [became]: settled[became] + 1,
    changed: true,
  }
}

function recordOf(request: CopySettlementRequest, copy: SessionCopy, waiting: CheckpointRecord | undefined): CheckpointRecord {
  const { identity, ledger, main, stream, sidecars, environment, lines } = request
  const { compaction, boundaryId, leafId } = copy
  const createdAt = waiting?.createdAt ?? compaction.createdAt ?? environment.now()
  const tokensBefore = waiting?.tokensBefore ?? compaction.tokensBefore
  const {
    added: _added,
    tornTailBytes: _torn,
    ...record
  } = waiting ?? {
    id: makeCheckpointId({ createdAt, sessionDigest: sessionDigest(ledger.agent, ledger.sessionKey), seed: boundaryId }),
    origin: 'import' as const,
  }
  return {
    agent: ledger.agent,
    sessionKey: ledger.sessionKey,
    sessionId: identity.sessionId,
    ...(identity.cwd === undefined ? {} : { cwd: identity.cwd }),
    ...record,
    createdAt,
    reason: strongerReason(waiting?.reason ?? 'unknown', compaction.reason ?? 'unknown'),
    status: 'complete',
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(compaction.tokensAfter === undefined ? {} : { tokensAfter: compaction.tokensAfter }),
    ...(compaction.summary === undefined ? {} : { summary: compaction.summary }),
    ...(compaction.firstKeptEntryId === undefined ? {} : { firstKeptEntryId: compaction.firstKeptEntryId }),
    preCompaction: { ...reference(request), leafId },
    postCompaction: compaction.postCompaction ?? waiting?.postCompaction ?? reference(request),
    boundary: { id: boundaryId, line: lines, start: main.sizeBytes, end: main.sizeBytes },
    badLines: request.badLinesBefore(main.sizeBytes),
    parts: [{ name: 'main', stream, bytes: main.sizeBytes, lines }, ...sidecars],
  }
}
