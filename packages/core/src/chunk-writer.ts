import { countLineFeeds, cutChunk, maxChunkBytes } from './chunking.ts'
import { createCompressor, type Frame, freeFrame } from './compressor.ts'
import { sha256 } from './digest.ts'
import type { Environment } from './environment.ts'
import { freeBytes } from './free-bytes.ts'
import type { Chunk } from './ledger.ts'
import type { PutOptions } from './puts.ts'
import { writeObject } from './session-objects.ts'
import type { AbortOptions, ByteRange, Key } from './storage.ts'
import { type Packed, type PackedChunk, packChunks } from './stored-object.ts'
import type { PartName, TranscriptSource } from './transcript.ts'

/** An object is written when it holds so many compressed bytes of chunks: one is on its way to the disk while the next is made. */
const objectBytes = 1024 * 1024
/** Frames made at once: the main thread cuts, hashes and parses beside them. */
const lanes = 2

/** Stores chunks of one capture, several in an object, in bounded memory. */
export interface ChunkWriter {
  /** Cuts the bytes from `start` to `end` into chunks. A chunk that this writer stored before is not stored again. */
  add(part: PartName, stream: number, source: TranscriptSource, range: ByteRange, options: PutOptions): Promise<void>
  /** Writes what is still in memory. Gives the chunks of everything added since the last call, in order, by part. */
  flush(options: PutOptions): Promise<ReadonlyMap<PartName, readonly Chunk[]>>
  /** Compressed bytes of chunks stored so far. */
  storedBytes(): number
  /** Waits for what is still on its way, and gives memory back that is only needed while something is added; to be called in any case. */
  release(): Promise<void>
}

interface Waiting extends Omit<PackedChunk, 'frame'> {
  readonly frame: Promise<Frame> | undefined
  readonly known: Chunk | undefined
}

/** A writer whose objects carry `epoch` in their names. */
export function createChunkWriter(environment: Environment, name: Key, epoch: number): ChunkWriter {
  const stored = new Map<string, Chunk>()
  const placed = new Map<PartName, Chunk[]>()
  const compressor = createCompressor(lanes)
  let buffers: Uint8Array[] = []
  let waiting: Waiting[] = []
  let heldBytes = 0
  let storedBytes = 0
  let writing: Promise<void> = Promise.resolve()

  const writeWaiting = async (options: PutOptions): Promise<void> => {
    const batch = waiting
    waiting = []
    heldBytes = 0
    const fresh: PackedChunk[] = []
    for (const chunk of batch) if (chunk.frame !== undefined) fresh.push({ ...chunk, frame: await chunk.frame })
    const packed = packChunks(name, fresh)
    for (const { frame } of fresh) freeFrame(frame)
    // No more than one is on its way, so that memory stays bounded.
    await writing
    writing = place(batch, packed, options)
    // A failure is met before the next one is written.
    writing.catch(() => undefined)
  }

  const place = async (batch: readonly Waiting[], packed: Packed, options: PutOptions): Promise<void> => {
    const object = packed.offsets.length === 0 ? '' : await writeOwnBytes(environment, name, epoch, packed.bytes, options)
    for (const { chunk, row } of rowsOf(batch, packed, object)) {
      if (chunk.frame !== undefined) {
        storedBytes += row[2]
        stored.set(identity(chunk), row)
      }
      const rows = placed.get(chunk.part)
      if (rows === undefined) placed.set(chunk.part, [row])
      else rows.push(row)
    }
  }

  return {
    storedBytes: () => storedBytes,
    async add(part, stream, source, range, options) {
      for await (const { firstByte, raw, release } of cutSource(source, range, buffers, options)) {
        const description = { part, stream, firstByte, rawBytes: raw.byteLength, lines: countLineFeeds(raw), digest: sha256(raw) }
        const known = stored.get(identity(description))
        const frame = known === undefined ? compressor.compress(raw).finally(release) : undefined
        // A failing frame is met where it is awaited; until then it must not count as unhandled.
        frame?.catch(() => undefined)
        if (frame === undefined) release()
        waiting.push({ ...description, frame, known })
        heldBytes += (await waiting.at(-1 - compressor.lanes)?.frame)?.sizeBytes ?? 0
        if (heldBytes >= objectBytes) await writeWaiting({ signal: options.signal })
      }
    },
    async flush(options) {
      await writeWaiting(options)
      await writing
      const chunks = new Map(placed)
      placed.clear()
      return chunks
    },
    async release() {
      await writing.catch(() => undefined)
      compressor.close()
      buffers = []
      waiting = []
    },
  }
}

/** The rows of a batch, in order, those of its new chunks in the object that was packed of them. */
function rowsOf(
  batch: readonly Waiting[],
  { offsets, sizes }: Packed,
  object: string,
): readonly { readonly chunk: Waiting; readonly row: Chunk }[] {
  let index = 0
  return batch.map((chunk) => {
    if (chunk.known !== undefined) return { chunk, row: chunk.known }
    const row: Chunk = [object, offsets[index] ?? 0, sizes[index] ?? 0, chunk.rawBytes, chunk.lines, chunk.digest]
    index += 1
    return { chunk, row }
  })
}

/** Stores an object whose bytes nobody needs afterwards: their memory is given back when it is there. */
async function writeOwnBytes(environment: Environment, name: Key, epoch: number, bytes: Uint8Array, options: PutOptions): Promise<string> {
  const { signal, puts } = options
  if (puts !== undefined) {
    const add = (put: Promise<unknown>): void => puts.add(put.finally(() => freeBytes(bytes)))
    return writeObject(environment, name, epoch, bytes, { signal, puts: { add } })
  }
  const object = await writeObject(environment, name, epoch, bytes, { signal })
  freeBytes(bytes)
  return object
}

/** A cut chunk; its bytes are good until it is released. */
interface CutChunk {
  readonly firstByte: number
  readonly raw: Uint8Array
  release(): void
}

/** The chunks of a range. While one is worked on, the window of the next is read. */
async function* cutSource(
  source: TranscriptSource,
  { start, end }: ByteRange,
  buffers: Uint8Array[],
  options: AbortOptions,
): AsyncGenerator<CutChunk> {
  const readWindow = async (at: number): Promise<Uint8Array> => {
    const windowEnd = Math.min(end, at + maxChunkBytes)
    if (source.readInto === undefined) return source.read(at, windowEnd, options)
    const window = (buffers.pop() ?? new Uint8Array(maxChunkBytes)).subarray(0, windowEnd - at)
    await source.readInto(window, at, options)
    return window
  }
  let at = start
  let reading = at < end ? readWindow(at) : undefined
  reading?.catch(() => undefined)
  while (reading !== undefined) {
    options.signal?.throwIfAborted()
    const window = await reading
    const firstByte = at
    const raw = window.subarray(0, cutChunk(window, firstByte + window.byteLength === end))
    at += raw.byteLength
    reading = at < end ? readWindow(at) : undefined
    reading?.catch(() => undefined)
    const release = (): void => {
      if (source.readInto !== undefined) buffers.push(new Uint8Array(window.buffer))
    }
    yield { firstByte, raw, release }
  }
}

function identity(chunk: {
  readonly part: string
  readonly firstByte: number
  readonly rawBytes: number
  readonly digest: string
}): string {
  return `${chunk.part}\0${chunk.firstByte}\0${chunk.rawBytes}\0${chunk.digest}`
}
