import { countLineFeeds, cutChunk, maxChunkBytes } from './chunking.ts'
import { compress } from './compression.ts'
import { sha256 } from './digest.ts'
import type { Environment } from './environment.ts'
import type { Chunk } from './ledger.ts'
import { writeObject } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { type PackedChunk, packChunks } from './stored-object.ts'
import type { PartName, TranscriptSource } from './transcript.ts'

/** An object is written when it holds so many compressed bytes of chunks. */
const objectBytes = 8 * 1024 * 1024
const compressedAhead = 2

/** Stores chunks of one capture, several in an object, in bounded memory. */
export interface ChunkWriter {
  /** Cuts the bytes from `start` to `end` into chunks. A chunk that this writer stored before is not stored again. */
  add(part: PartName, stream: number, source: TranscriptSource, start: number, end: number): Promise<void>
  /** Writes what is still in memory. Gives the chunks of everything added since the last call, in order, by part. */
  flush(): Promise<ReadonlyMap<PartName, readonly Chunk[]>>
  /** Compressed bytes of chunks stored so far. */
  storedBytes(): number
}

interface Waiting extends Omit<PackedChunk, 'frame'> {
  readonly frame: Promise<Uint8Array> | undefined
  readonly known: Chunk | undefined
}

/** A writer whose objects carry `epoch` in their names. */
export function createChunkWriter(environment: Environment, name: Key, epoch: number, options: AbortOptions): ChunkWriter {
  const stored = new Map<string, Chunk>()
  const placed = new Map<PartName, Chunk[]>()
  let waiting: Waiting[] = []
  let heldBytes = 0
  let storedBytes = 0

  const writeWaiting = async (): Promise<void> => {
    const batch = waiting
    waiting = []
    heldBytes = 0
    const fresh: PackedChunk[] = []
    for (const chunk of batch) if (chunk.frame !== undefined) fresh.push({ ...chunk, frame: await chunk.frame })
    const packed = packChunks(name, fresh)
    const object = fresh.length === 0 ? '' : await writeObject(environment, name, epoch, packed.bytes, options)
    let index = 0
    for (const chunk of batch) {
      const packedChunk = chunk.known === undefined ? fresh[index] : undefined
      const row: Chunk | undefined =
        packedChunk === undefined
          ? chunk.known
          : [object, packed.offsets[index++] ?? 0, packedChunk.frame.byteLength, chunk.rawBytes, chunk.lines, chunk.digest]
      if (row === undefined) continue
      if (packedChunk !== undefined) {
        storedBytes += packedChunk.frame.byteLength
        stored.set(identity(chunk), row)
      }
      const rows = placed.get(chunk.part)
      if (rows === undefined) placed.set(chunk.part, [row])
      else rows.push(row)
    }
  }

  return {
    storedBytes: () => storedBytes,
    async add(part, stream, source, start, end) {
      for await (const { firstByte, raw } of cutSource(source, start, end, options)) {
        const description = { part, stream, firstByte, rawBytes: raw.byteLength, lines: countLineFeeds(raw), digest: sha256(raw) }
        const known = stored.get(identity(description))
        const frame = known === undefined ? compress(raw) : undefined
        // A failing frame is met where it is awaited; until then it must not count as unhandled.
        frame?.catch(() => undefined)
        waiting.push({ ...description, frame, known })
        const settled = waiting.at(-1 - compressedAhead)
        heldBytes += (await settled?.frame)?.byteLength ?? 0
        if (heldBytes >= objectBytes) await writeWaiting()
      }
    },
    async flush() {
      await writeWaiting()
      const chunks = new Map(placed)
      placed.clear()
      return chunks
    },
  }
}

/** The chunks of a range, read a window at a time with the next one read ahead. */
async function* cutSource(
  source: TranscriptSource,
  start: number,
  end: number,
  options: AbortOptions,
): AsyncGenerator<{ firstByte: number; raw: Uint8Array }> {
  let at = start
  while (at < end) {
    options.signal?.throwIfAborted()
    const windowEnd = Math.min(end, at + maxChunkBytes)
    const window = await source.read(at, windowEnd, options)
    const raw = window.subarray(0, cutChunk(window, windowEnd === end))
    yield { firstByte: at, raw }
    at += raw.byteLength
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
