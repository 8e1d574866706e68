import { chunkWindow } from './chunk-window.ts'
import { decompress } from './compression.ts'
import { sha256 } from './digest.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import { freeBytes } from './free-bytes.ts'
import { leadingCount } from './leading-count.ts'
import type { Ledger } from './ledger.ts'
import { objectKey, readSegment } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import { corrupt } from './stored-object.ts'
import { chunksOf, type LocatedChunk } from './stream.ts'
import type { Transcript, TranscriptPart, TranscriptSource } from './transcript.ts'

const lineFeed = 10
const space = 32

/** A range of a snapshot whose stored bytes are damaged. */
export interface DamagedRange {
  readonly start: number
  readonly end: number
  readonly message: string
}

/** How much of a part a snapshot has. */
export interface SnapshotPart {
  readonly name: string
  readonly stream: number
  readonly bytes: number
}

/** A session as it is stored: where its chunks are, and from where they are read. */
export interface StoredSession {
  readonly environment: Environment
  readonly name: Key
  readonly ledger: Ledger
}

/**
 * The exact bytes of a transcript at a moment, as readers see a transcript. Every chunk is verified whole before a byte of it is given.
 * Damage is a `CHECKPOINT_CORRUPT` error; with `damaged` it is noted there instead, and the range reads as blank lines, as many as were in it.
 */
export function storedTranscript(
  session: StoredSession,
  parts: readonly SnapshotPart[],
  options: AbortOptions & { readonly path?: string | undefined; readonly damaged?: DamagedRange[] | undefined } = {},
): Transcript {
  return {
    ...(options.path === undefined ? {} : { path: options.path }),
    async *parts(): AsyncGenerator<TranscriptPart> {
      for (const part of parts) {
        yield { name: part.name, source: await storedSource(session, part, options) }
      }
    },
  }
}

/** The bytes of one part of a snapshot. */
export async function storedSource(
  session: StoredSession,
  part: SnapshotPart,
  options: AbortOptions & { readonly damaged?: DamagedRange[] | undefined } = {},
): Promise<TranscriptSource> {
  const { environment, name, ledger } = session
  const chunks = await chunksOf(ledger, part.name, part.stream, (object) => readSegment(environment, name, object, options))
  const window = chunkWindow(chunks.length, async (index) => {
    const chunk = chunks[index]
    if (chunk === undefined) return new Uint8Array(0)
    try {
      return await readStoredChunk(session, chunk, options)
    } catch (error) {
      if (options.damaged === undefined || !isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
      if (!options.damaged.some((range) => range.start === chunk.start)) {
        options.damaged.push({ start: chunk.start, end: Math.min(chunk.end, part.bytes), message: error.message })
      }
      return blank(chunk)
    }
  })
  if ((chunks.at(-1)?.end ?? 0) < part.bytes) throw corrupt(name, 'missing')
  const readInto = async (target: Uint8Array, start: number, readOptions?: AbortOptions): Promise<void> => {
    const end = start + target.byteLength
    for (let index = firstEndingAfter(chunks, start); index < chunks.length; index += 1) {
      const chunk = chunks[index]
      if (chunk === undefined || chunk.start >= end) break
      readOptions?.signal?.throwIfAborted()
      const from = Math.max(start, chunk.start)
      await window.use(index, (raw) => {
        target.set(raw.subarray(from - chunk.start, Math.min(end, chunk.end) - chunk.start), from - start)
      })
    }
  }
  return {
    sizeBytes: part.bytes,
    readInto,
    async read(start, end, readOptions) {
      const bytes = new Uint8Array(Math.max(0, end - start))
      await readInto(bytes, start, readOptions)
      return bytes
    },
  }
}

/** The raw bytes of a chunk, which are the caller's. Throws `CHECKPOINT_CORRUPT` unless they are those whose digest the ledger names. */
export async function readStoredChunk(session: StoredSession, chunk: LocatedChunk, options: AbortOptions): Promise<Uint8Array> {
  const key = objectKey(session.name, chunk.object)
  const range = { start: chunk.offset, end: chunk.offset + chunk.storedBytes }
  const frame = await mapStorageErrors('read', () => getRange(session, key, range, options), options.signal)
  if (frame === undefined) throw corrupt(key, 'missing')
  const rawBytes = chunk.end - chunk.start
  const raw = await decompress(frame, rawBytes).catch((cause: unknown) => {
    throw corrupt(key, 'digest', cause)
  })
  freeBytes(frame)
  if (raw.byteLength !== rawBytes || sha256(raw) !== chunk.digest) throw corrupt(key, 'digest')
  return raw
}

async function getRange(
  session: StoredSession,
  key: Key,
  range: { start: number; end: number },
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await session.environment.storage.objects.get(key, { ...options, range })
  } catch (error) {
    // An object shorter than its chunks is damage, not a failure of the backend.
    if (error instanceof Error && 'kind' in error && error.kind === 'range') throw corrupt(key, 'digest', error)
    throw error
  }
}

function firstEndingAfter(chunks: readonly LocatedChunk[], start: number): number {
  return leadingCount(chunks.length, (place) => (chunks[place]?.end ?? start + 1) <= start)
}

function blank(chunk: LocatedChunk): Uint8Array {
  const bytes = new Uint8Array(chunk.end - chunk.start).fill(space)
  bytes.fill(lineFeed, bytes.byteLength - chunk.lines)
  return bytes
}
