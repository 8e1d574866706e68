import type { Boundary, CheckpointRecord, CheckpointRow, CompactionReason, PartPosition } from './checkpoint.ts'
import { isCompactionReason } from './checkpoint.ts'
import { makeCheckpointId } from './checkpoint-id.ts'
import { isCopyBoundary } from './copy-boundary.ts'
import { sha256Hex } from './digest.ts'
import type { Environment } from './environment.ts'
import { sessionDigest } from './keys.ts'
import type { Ledger } from './ledger.ts'
import type { PutOptions } from './puts.ts'
import { isProtected, storeRecord } from './row.ts'
import { byNewest } from './rows.ts'
import { readRecord } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { isOnStream } from './stream.ts'
import type { Compaction, SessionIdentity, TranscriptSource } from './transcript.ts'
import { allTrash, withTrash } from './trash.ts'

const maxBoundaryBytes = 1024 * 1024

/** What compactions are settled against: a ledger that already has the file's bytes, and its rows. */
export interface SettlementRequest extends PutOptions {
  readonly environment: Environment
  readonly name: Key
  readonly ledger: Ledger
  readonly rows: readonly CheckpointRow[]
  /** The stream of the main part on which the file lies. */
  readonly stream: number
  readonly sidecars: readonly PartPosition[]
  readonly identity: SessionIdentity
  readonly path: string | undefined
  readonly main: TranscriptSource
  /** Lines before this byte that are no entries. */
  readonly badLinesBefore: (start: number) => number
  readonly compactions: readonly Compaction[]
  /** Boundaries of the session that this one was branched from. */
  readonly inherited: ReadonlySet<string>
  /** Makes checkpoints for compactions that have none; without it only waiting ones are completed. */
  readonly create: boolean
  /** Also for those that were deleted. */
  readonly again: boolean
}

/** The rows afterwards, and what became of each compaction. */
export interface Settlement {
  readonly ledger: Ledger
  readonly rows: readonly CheckpointRow[]
  readonly checkpointIds: readonly string[]
  readonly created: number
  readonly completed: number
  readonly changed: boolean
  /** Record objects that no row names any more. */
  readonly unnamed: readonly string[]
}

/**
 * Gives every compaction its checkpoint: the one that has its boundary; else the newest that waits for one between the boundary before and this
 * one, which is completed and moved up to the boundary; else a new one. Depends on nothing but its input and what is stored, and running it
 * again changes nothing.
 */
export async function settleCompactions(request: SettlementRequest): Promise<Settlement> {
  const trash = request.compactions.length === 0 ? [] : await allTrash(request.environment, request.name, request.ledger, request)
  const state: SettlementState = { ledger: request.ledger, rows: [...request.rows], trash, unnamed: [], ids: [], created: 0, completed: 0 }
  let previousStart = -1
  for (const compaction of request.compactions) {
    const boundary = await boundaryOf(request.main, compaction, request)
    const known = state.rows.find((row) => row.boundaryId === boundary.id)
    if (known !== undefined) state.ids.push(known.id)
    else if (!request.inherited.has(boundary.id)) await settleOne(request, state, compaction, boundary, previousStart)
    previousStart = compaction.boundary.start
  }
  const { ids, trash: _trash, ...rest } = state
  return { ...rest, checkpointIds: ids, changed: state.created + state.completed > 0 }
}

/** The stronger of two reasons: that of a compaction replaces any other, and a known one `unknown`. */
export function strongerReason(current: CompactionReason, other: CompactionReason): CompactionReason {
  const strength = (reason: CompactionReason): number => (isCompactionReason(reason) ? (reason === 'unknown' ? 1 : 2) : 0)
  return strength(other) > strength(current) ? other : current
}

interface SettlementState {
  ledger: Ledger
  rows: CheckpointRow[]
  trash: readonly CheckpointRow[]
  unnamed: string[]
  ids: string[]
  created: number
  completed: number
}

async function settleOne(
  request: SettlementRequest,
  state: SettlementState,
  compaction: Compaction,
  boundary: Boundary,
  previousStart: number,
): Promise<void> {
  const trashed = state.trash.find((row) => row.boundaryId === boundary.id)
  if (trashed !== undefined && request.again) return takeBack(request, state, trashed)
  if (trashed !== undefined || (state.ledger.removed.includes(boundary.id) && !request.again)) return
  // What stands exactly here and came from a copy that the agent made is this compaction's.
  const isCopy = (row: CheckpointRow) => request.create && row.bytes === compaction.boundary.start && isCopyBoundary(row.boundaryId)
  const between = state.rows
    .filter(
      (row) =>
        (row.boundaryId === undefined || isCopy(row)) &&
        row.bytes > previousStart &&
        row.bytes <= compaction.boundary.start &&
        isOnStream(state.ledger, 'main', row, request.stream),
    )
    .sort((left, right) => right.bytes - left.bytes || byNewest(left, right))
  const waiting = between.find((row) => isCompactionReason(row.reason))
  if (waiting === undefined && !request.create) return
  const superseded = between.filter((row) => row !== waiting && isSuperseded(row))
  state.unnamed.push(...superseded.map((row) => row.record))
  state.rows = state.rows.filter((row) => row !== waiting && !superseded.includes(row))
  const line = await boundaryLine(request.main, compaction, request)
  const settled =
    waiting === undefined ? createdRecord(request, compaction, boundary) : await completedRecord(request, waiting, compaction, boundary)
  const record = line === undefined ? settled : { ...settled, boundaryLine: line }
  const row = await storeRecord(request.environment, request.name, state.ledger, record, waiting ?? {}, request)
  if (waiting !== undefined) state.unnamed.push(waiting.record)
  state.rows.push(row)
  state.ids.push(row.id)
  if (waiting === undefined) state.created += 1
  else state.completed += 1
  const removed = state.ledger.removed.filter((id) => id !== boundary.id)
  const copyId = waiting?.boundaryId
  state.ledger = { ...state.ledger, removed: copyId === undefined ? removed : [...removed, copyId] }
}

/** Whether a checkpoint was taken for a compaction whose boundary has not been seen yet. */
export function isWaiting(row: CheckpointRow): boolean {
  return row.boundaryId === undefined && isCompactionReason(row.reason)
}

/** Whether a later compaction makes a checkpoint without one superfluous: its bytes are a prefix of the other's. */
function isSuperseded(row: CheckpointRow): boolean {
  return !isProtected(row) && row.boundaryId === undefined && (row.status === 'pending' || row.reason === 'session-end')
}

/** Whether it is superfluous beside a checkpoint at `position`: it has nothing that one has not. */
export function isSupersededBy(row: CheckpointRow, ledger: Ledger, position: { readonly stream: number; readonly bytes: number }): boolean {
  return isSuperseded(row) && row.bytes <= position.bytes && isOnStream(ledger, 'main', row, position.stream)
}

async function takeBack(request: SettlementRequest, state: SettlementState, trashed: CheckpointRow): Promise<void> {
  const { row, trash, ledger, unnamed } = await takenBack(request, state.ledger, state.trash, trashed)
  state.trash = trash
  state.ledger = ledger
  state.unnamed.push(...unnamed)
  state.rows.push(row)
  state.ids.push(row.id)
  state.created += 1
}

/** A row out of the trash, and the ledger without it there. */
export async function takenBack(
  request: Pick<SettlementRequest, 'environment' | 'name'> & PutOptions,
  before: Ledger,
  trash: readonly CheckpointRow[],
  trashed: CheckpointRow,
): Promise<{ row: CheckpointRow; trash: readonly CheckpointRow[]; ledger: Ledger; unnamed: readonly string[] }> {
  const { deletedAt: _deletedAt, ...row } = trashed
  const others = trash.filter((candidate) => candidate !== trashed)
  return { row, trash: others, ...(await withTrash(request.environment, request.name, before, others, request)) }
}

function createdRecord(request: SettlementRequest, compaction: Compaction, boundary: Boundary): CheckpointRecord {
  const { identity, ledger } = request
  const createdAt = compaction.createdAt ?? request.environment.now()
  const digest = sessionDigest(ledger.agent, ledger.sessionKey)
  return {
    id: makeCheckpointId({ createdAt, sessionDigest: digest, seed: boundary.id }),
    agent: ledger.agent,
    sessionKey: ledger.sessionKey,
    sessionId: identity.sessionId,
    ...(identity.cwd === undefined ? {} : { cwd: identity.cwd }),
    createdAt,
    reason: compaction.reason ?? 'unknown',
    origin: 'import',
    status: 'complete',
    ...(compaction.tokensBefore === undefined ? {} : { tokensBefore: compaction.tokensBefore }),
    preCompaction: { ...reference(request), leafId: compaction.leafId },
    ...afterwards(request, compaction, boundary, undefined),
    badLines: request.badLinesBefore(boundary.start),
    parts: [{ name: 'main', stream: request.stream, bytes: boundary.start, lines: boundary.line }, ...request.sidecars],
  }
}

async function completedRecord(
  request: SettlementRequest,
  row: CheckpointRow,
  compaction: Compaction,
  boundary: Boundary,
): Promise<CheckpointRecord> {
  const { added: _added, tornTailBytes: _torn, ...record } = await readRecord(request.environment, request.name, row, request)
  const tokensBefore = row.tokensBefore ?? compaction.tokensBefore
  return {
    ...record,
    status: 'complete',
    reason: strongerReason(row.reason, compaction.reason ?? 'unknown'),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    preCompaction: { ...record.preCompaction, leafId: compaction.leafId },
    ...afterwards(request, compaction, boundary, record),
    badLines: request.badLinesBefore(boundary.start),
    parts: [
      { name: 'main', stream: request.stream, bytes: boundary.start, lines: boundary.line },
      ...record.parts.filter((part) => part.name !== 'main'),
    ],
  }
}

/** What the compaction made of the context: as the transcript says it, else as the caller said it. */
function afterwards(
  request: SettlementRequest,
  compaction: Compaction,
  boundary: Boundary,
  record: CheckpointRecord | undefined,
): Pick<CheckpointRecord, 'tokensAfter' | 'summary' | 'firstKeptEntryId' | 'keptEntryIds' | 'postCompaction' | 'boundary'> {
  const tokensAfter = compaction.tokensAfter ?? record?.tokensAfter
  const summary = compaction.summary ?? record?.summary
  const firstKeptEntryId = compaction.firstKeptEntryId ?? record?.firstKeptEntryId
  return {
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...(summary === undefined ? {} : { summary }),
    ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }),
    ...(compaction.keptEntryIds === undefined ? {} : { keptEntryIds: [...compaction.keptEntryIds] }),
    postCompaction: { ...reference(request), ...record?.postCompaction, entryId: boundary.id },
    boundary,
  }
}

/** The session before and after a compaction, as far as its transcript says it. */
export function reference(request: Pick<SettlementRequest, 'identity' | 'path'>): { sessionId: string; sessionFile?: string } {
  return { sessionId: request.identity.sessionId, ...(request.path === undefined ? {} : { sessionFile: request.path }) }
}

async function boundaryOf(main: TranscriptSource, compaction: Compaction, options: AbortOptions): Promise<Boundary> {
  const { entryId, line, start, end } = compaction.boundary
  return { id: entryId ?? `sha256:${sha256Hex(await main.read(start, end, options))}`, line, start, end }
}

async function boundaryLine(main: TranscriptSource, compaction: Compaction, options: AbortOptions): Promise<string | undefined> {
  const { start, end } = compaction.boundary
  if (end - start > maxBoundaryBytes) return undefined
  return Buffer.from(await main.read(start, end, options)).toString('base64')
}
