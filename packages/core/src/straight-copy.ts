import { areObjects } from './part-bytes.ts'
import type { StructureSink } from './structure-sink.ts'
import type { RewriteOptions, Transcript, TranscriptReader, TranscriptTarget } from './transcript.ts'
import { inspectWritten } from './written-session.ts'

const pieceBytes = 1024 * 1024

/** Where a straight copy goes: its bytes, one behind the other, and what their lines are. */
export interface StraightCopy {
  /** The lines of the new session, in its order. */
  readonly sink: StructureSink
  /** Takes bytes of the main part that are the source's as they were. They are the reader's again when this resolves, or gives nothing. */
  copied(bytes: Uint8Array): Promise<void> | undefined
  /** Takes whole lines that are not the source's: they are parsed. */
  made(lines: Uint8Array): Promise<void> | undefined
}

/**
 * Writes a session in one pass over its source, where its every entry lies on the way to the leaf (`TranscriptReader.copyStraight`): each chunk is
 * decompressed, verified and looked through once. Every byte is looked at on its way into the target, by the rules of `inspectWritten`, and what
 * was not copied is parsed. Gives the target, nothing of it committed, or `undefined` where the session is another: then nothing is left of it.
 */
export async function writeStraight(
  reader: TranscriptReader,
  source: Transcript,
  create: () => Promise<TranscriptTarget>,
  rewrite: RewriteOptions,
): Promise<TranscriptTarget | undefined> {
  if (reader.copyStraight === undefined || rewrite.wellFormed !== true) return undefined
  const target = await create()
  try {
    if (await isCopied(reader.copyStraight, source, target, rewrite)) return target
  } catch (error) {
    await target.discard()
    throw error
  }
  await target.discard()
  return undefined
}

async function isCopied(
  copyStraight: NonNullable<TranscriptReader['copyStraight']>,
  source: Transcript,
  target: TranscriptTarget,
  rewrite: RewriteOptions,
): Promise<boolean> {
  const pieces = pieceWriter(target)
  let isStraight = false
  let isParsed = true
  try {
    const { isOrdered, badLines, leafId } = await inspectWritten(async (sink) => {
      const made = (lines: Uint8Array) => {
        isParsed &&= areObjects(lines)
        return pieces.add(lines)
      }
      isStraight = await copyStraight(source, rewrite, { sink, copied: pieces.add, made })
    })
    if (isStraight) await pieces.end()
    return isStraight && isParsed && isOrdered && badLines === 0 && leafId === rewrite.leafId
  } finally {
    // Whoever discards the target must find nothing still on its way into it.
    await pieces.settled()
  }
}

/** Gathers bytes in pieces of 1 MiB in two buffers: one is filled while the other is written. */
function pieceWriter(target: TranscriptTarget) {
  let piece = new Uint8Array(pieceBytes)
  let spare = new Uint8Array(pieceBytes)
  let size = 0
  let writing: Promise<void> = Promise.resolve()
  const flush = async (): Promise<void> => {
    await writing
    writing = target.write('main', piece.subarray(0, size))
    // A failure is met at the next piece; until then it must not count as unhandled.
    writing.catch(() => undefined)
    ;[piece, spare] = [spare, piece]
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
    add(bytes: Uint8Array): Promise<void> | undefined {
      if (bytes.length >= pieceBytes - size) return spill(bytes)
      piece.set(bytes, size)
      size += bytes.length
      return undefined
    },
    async end(): Promise<void> {
      if (size > 0) await flush()
      await writing
    },
    settled: () => writing.catch(() => undefined),
  }
}
