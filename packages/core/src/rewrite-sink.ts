import { areObjects } from './part-bytes.ts'
import type { ByteRange } from './storage.ts'
import type { StructureSink } from './structure-sink.ts'
import type { EntryIndex } from './transcript.ts'
import type { TranscriptTarget } from './transcript-target.ts'

const pieceBytes = 1024 * 1024

/** Takes a new session while the structure of the old one is still being read, so that neither is gone through twice. */
export interface RewriteSink {
  /** Takes the structure of the old session's main part, line by line. */
  readonly lines: StructureSink
  /** The entries that were taken. */
  readonly index: EntryIndex
  /**
   * Takes the next bytes of the new main part. `changed` are those, whole lines, that are not lines of the old one as they were. The bytes are the
   * giver's again when this resolves, or at once where it gives nothing. Throws nothing but what the target throws.
   */
  write(bytes: Uint8Array, changed: readonly ByteRange[]): Promise<void> | undefined
  /** Takes back what was written behind the first so many bytes. */
  cut(sizeBytes: number): Promise<void>
}

/** The bytes on their way to a target. */
export interface PieceWriter extends Pick<RewriteSink, 'write' | 'cut'> {
  /** Whether every changed line parses. */
  isParsed(): boolean
  /** Writes what is left. */
  end(): Promise<void>
  /** Resolves when nothing is on its way any more, whether it arrived or not. */
  settled(): Promise<void>
}

/** Gathers bytes in pieces of 1 MiB in two buffers: one is filled while the other is written. */
export function pieceWriter(target: TranscriptTarget): PieceWriter {
  let piece = new Uint8Array(pieceBytes)
  let spare = new Uint8Array(pieceBytes)
  let size = 0
  let flushedBytes = 0
  let isParsed = true
  let writing: Promise<void> = Promise.resolve()
  const flush = async (): Promise<void> => {
    await writing
    writing = target.write('main', piece.subarray(0, size))
    // A failure is met at the next piece; until then it must not count as unhandled.
    writing.catch(() => undefined)
    ;[piece, spare] = [spare, piece]
    flushedBytes += size
    size = 0
  }
  const spill = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, pieceBytes - size)
      piece.set(bytes.subarray(at, at + length), size)
      size += length
      at += length
      if (size === pieceBytes) await flush()
    }
  }
  return {
    write(bytes, changed) {
      for (const { start, end } of changed) isParsed &&= areObjects(bytes.subarray(start, end))
      if (bytes.length >= pieceBytes - size) return spill(bytes)
      piece.set(bytes, size)
      size += bytes.length
      return undefined
    },
    async cut(sizeBytes) {
      await writing
      if (sizeBytes >= flushedBytes) size = Math.min(size, sizeBytes - flushedBytes)
      else {
        await target.cut('main', sizeBytes)
        flushedBytes = sizeBytes
        size = 0
      }
    },
    isParsed: () => isParsed,
    async end() {
      if (size > 0) await flush()
      await writing
    },
    settled: () => writing.catch(() => undefined),
  }
}
