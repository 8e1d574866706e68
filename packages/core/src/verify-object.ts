import type { z } from 'zod'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import type { DamagedChunks, DamageProblem, PlacedChunk } from './findings.ts'
import { freeBytes } from './free-bytes.ts'
import { isOf, readHeader } from './object-header.ts'
import { objectKey } from './session-objects.ts'
import { readStoredChunk, type StoredSession } from './snapshot.ts'
import { type AbortOptions, type Key, StorageError } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import { type DocumentKind, parseHeader, unpackDocument } from './stored-object.ts'

/** A document that was read: its value where that is whole, and what is wrong with it. */
export interface CheckedDocument<Value> {
  readonly value: Value | undefined
  readonly problem: DamageProblem | undefined
  readonly bytes: number
}

/** Reads a document and checks every byte of it, those of its header that no reader needs too. */
export async function checkDocument<Value>(
  environment: Environment,
  name: Key,
  object: string,
  kind: DocumentKind,
  schema: z.ZodType<Value>,
  options: AbortOptions,
): Promise<CheckedDocument<Value>> {
  const key = objectKey(name, object)
  const found = await orProblem(async () => ({ stored: await environment.storage.objects.get(key, options) }), options)
  if (typeof found === 'string') return { value: undefined, problem: found, bytes: 0 }
  const { stored } = found
  if (stored === undefined) return { value: undefined, problem: 'missing', bytes: 0 }
  const read = await orProblem(async () => ({ value: await unpackDocument(key, kind, stored, schema) }), options)
  if (typeof read === 'string') return { value: undefined, problem: read, bytes: stored.byteLength }
  const header = parseHeader(stored)?.header
  const isWhole = header !== undefined && isOf(name, header)
  return { value: read.value, problem: isWhole ? undefined : 'unreadable', bytes: stored.byteLength }
}

/** An object of chunks that was read. */
export interface CheckedChunks extends DamagedChunks {
  readonly problem: DamageProblem | undefined
  readonly bytes: number
}

/**
 * Reads every chunk of an object that a ledger names, a chunk at a time, and compares the object's header with them. Frames that nothing names
 * any more are not looked at: nothing reads them.
 */
export async function checkChunks(
  session: StoredSession,
  object: string,
  sizeBytes: number | undefined,
  chunks: readonly PlacedChunk[],
  options: AbortOptions,
): Promise<CheckedChunks> {
  if (sizeBytes === undefined) return { object, damaged: chunks, intact: [], problem: 'missing', bytes: 0 }
  const damaged: PlacedChunk[] = []
  const intact: PlacedChunk[] = []
  let problem: DamageProblem | undefined
  let bytes = 0
  for (const placed of chunks) {
    const found = await orProblem(() => readPlacedChunk(session, placed, options), options)
    if (typeof found === 'string') {
      problem ??= found
      damaged.push(placed)
    } else {
      freeBytes(found)
      bytes += placed.chunk[2]
      intact.push(placed)
    }
  }
  const header = await orProblem(async () => headerNames(session, object, sizeBytes, chunks, options), options)
  if (header !== true) problem ??= header === false ? 'unreadable' : header
  return { object, damaged, intact, problem, bytes }
}

/** The raw bytes of a chunk at its place. Throws `CHECKPOINT_CORRUPT`. */
export async function readPlacedChunk(session: StoredSession, placed: PlacedChunk, options: AbortOptions): Promise<Uint8Array> {
  const [object, offset, storedBytes, rawBytes, lines, digest] = placed.chunk
  const start = placed.firstByte
  return readStoredChunk(session, { object, offset, storedBytes, digest, start, end: start + rawBytes, linesBefore: 0, lines }, options)
}

/** What a reading failed with: damage, or a store that can't give this one value. Other errors are thrown. */
export async function orProblem<Value>(run: () => Promise<Value>, options: AbortOptions): Promise<Value | DamageProblem> {
  try {
    return await mapStorageErrors('read', run, options.signal)
  } catch (error) {
    options.signal?.throwIfAborted()
    if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return error.details.problem
    if (isCheckpointError(error, 'FORMAT_UNSUPPORTED')) return 'unreadable'
    const isClosed = error instanceof Error && error.cause instanceof StorageError && error.cause.kind === 'closed'
    if (!isClosed && (isCheckpointError(error, 'STORAGE_UNAVAILABLE') || isCheckpointError(error, 'STORAGE_REFUSED'))) return 'unreadable'
    throw error
  }
}

/** Whether the header of an object says of the named chunks what the ledger does, and where the object ends. */
async function headerNames(
  session: StoredSession,
  object: string,
  sizeBytes: number,
  chunks: readonly PlacedChunk[],
  options: AbortOptions,
): Promise<boolean> {
  const found = await readHeader(session.environment, session.name, object, sizeBytes, options)
  if (found?.header.chunks === undefined) return false
  const said = new Map<number, string>()
  let offset = found.sizeBytes
  for (const [part, , firstByte, rawBytes, storedBytes, lines, digest] of found.header.chunks) {
    said.set(offset, JSON.stringify([part, firstByte, rawBytes, storedBytes, lines, digest]))
    offset += storedBytes
  }
  if (offset !== sizeBytes) return false
  return chunks.every(({ part, firstByte, chunk: [, at, storedBytes, rawBytes, lines, digest] }) => {
    return said.get(at) === JSON.stringify([part, firstByte, rawBytes, storedBytes, lines, digest])
  })
}
