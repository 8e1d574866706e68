import type { CheckpointRecord } from './checkpoint.ts'
import { indexTranscript } from './entry-index.ts'
import { CheckpointError } from './errors.ts'
import { freeBytes } from './free-bytes.ts'
import { partsOf } from './main-part.ts'
import { areObjects } from './part-bytes.ts'
import { pieceWriter } from './rewrite-sink.ts'
import { eachLine, type StructureSink } from './structure-sink.ts'
import type { Context, Problem, RewriteOptions, RewrittenPiece, Transcript, TranscriptReader } from './transcript.ts'
import type { TranscriptTarget } from './transcript-target.ts'
import { inspectedIndex, inspectWritten, type WrittenSession } from './written-session.ts'

/** Up to this size the context that was written is compared with the source's too; beyond it that would cost as much as all the rest. */
const comparedBytes = 16 * 1024 * 1024

/**
 * Writes a session at `leafId` to a target and checks it before it is handed over: it has a leaf, no cycle and no parent that does not exist,
 * every line parses, and (up to 16 MiB) its context has as many entries as the source's. Lines that are known to parse and were copied as they
 * are, are not parsed again; all others are. What the source itself had of these faults is no fault of the copy: it is carried over with a
 * warning. Nothing is committed.
 */
export async function writeSession(
  reader: TranscriptReader,
  source: Transcript,
  target: TranscriptTarget,
  rewrite: RewriteOptions,
): Promise<readonly string[]> {
  const { main } = await partsOf(source)
  const isLarge = main.sizeBytes > comparedBytes
  const { isParsed, inspected } = await writeParts(reader, source, target, rewrite)
  const structure = (sink: StructureSink) => eachLine(reader, target.written(), sink, { signal: rewrite.signal, wellFormed: isParsed })
  if (!isLarge) return await compared(reader, source, structure, rewrite)
  const written = inspected ?? (await inspectWritten(structure))
  if (written.isOrdered) return warningsOf([], written.badLines)
  return await compared(reader, source, structure, rewrite)
}

/** What is known of a session by its being written. */
interface WrittenParts {
  /** Every line of the main part is known to parse. */
  readonly isParsed: boolean
  /** What its lines show, where they were looked at on their way. */
  readonly inspected?: WrittenSession | undefined
}

async function writeParts(
  reader: TranscriptReader,
  source: Transcript,
  target: TranscriptTarget,
  rewrite: RewriteOptions,
): Promise<WrittenParts> {
  const { rewriteInto } = reader
  if (rewriteInto !== undefined && rewrite.wellFormed === true) return await writeOnce(rewriteInto, source, target, rewrite)
  return { isParsed: await writePieces(reader.rewrite(source, rewrite), target, rewrite.wellFormed === true) }
}

/**
 * Writes a session while the source is read. Where that is copied as it is, what is seen of its lines holds for the new session: the bytes that go
 * to the target are those that were looked at.
 */
async function writeOnce(
  rewriteInto: NonNullable<TranscriptReader['rewriteInto']>,
  source: Transcript,
  target: TranscriptTarget,
  rewrite: RewriteOptions,
): Promise<WrittenParts> {
  const pieces = pieceWriter(target)
  const { index, sink, result, free } = inspectedIndex()
  try {
    const { isWhole } = await rewriteInto(source, rewrite, { lines: sink, index, write: pieces.write, cut: pieces.cut })
    if (!pieces.isParsed()) throw malformed('a line of it would not parse')
    await pieces.end()
    const inspected = result()
    const isSure = isWhole && inspected.badLines === 0 && inspected.leafId === rewrite.leafId
    return { isParsed: true, inspected: isSure ? inspected : undefined }
  } finally {
    // Whoever discards the target must find nothing still on its way into it.
    await pieces.settled()
    free()
  }
}

/** Writes the pieces, each while the next one is made. Gives whether every line of the main part is known to parse. */
async function writePieces(pieces: AsyncIterable<RewrittenPiece>, target: TranscriptTarget, wellFormed: boolean): Promise<boolean> {
  let isParsed = wellFormed
  let writing: Promise<void> = Promise.resolve()
  const write = async ({ part, bytes }: RewrittenPiece): Promise<void> => {
    await target.write(part, bytes)
    freeBytes(bytes)
  }
  try {
    for await (const piece of pieces) {
      if (piece.part === 'main' && isParsed) isParsed = piece.changed !== undefined
      for (const { start, end } of isParsed && piece.part === 'main' ? (piece.changed ?? []) : []) {
        if (!areObjects(piece.bytes.subarray(start, end))) throw malformed('a line of it would not parse')
      }
      await writing
      writing = write(piece)
      // A failure is met before the next piece; until then it must not count as unhandled.
      writing.catch(() => undefined)
    }
    await writing
  } finally {
    // Whoever discards the target must find nothing still on its way into it.
    await writing.catch(() => undefined)
  }
  return isParsed
}

/** Compares the context that was written with the source's, where that is not too much. */
async function compared(
  reader: TranscriptReader,
  source: Transcript,
  structure: (sink: StructureSink) => Promise<void>,
  rewrite: RewriteOptions,
): Promise<readonly string[]> {
  const after = await indexTranscript(structure)
  const written = reader.context(after.index, after.leafId ?? '', 'context')
  const wanted = await sourceContext(reader, source, rewrite, written.problems.length > 0)
  if (after.leafId === undefined || written.problems.length > (wanted?.problems.length ?? 0)) {
    throw malformed(written.problems[0]?.message ?? 'it would have no entry')
  }
  if (wanted !== undefined && written.positions.length !== wanted.positions.length) {
    const isShorter = rewrite.dropUnanswered === true && written.positions.length < wanted.positions.length
    if (!isShorter)
      throw malformed(`it would have ${written.positions.length} entries in its context instead of ${wanted.positions.length}`)
  }
  return warningsOf(written.problems, after.badLines)
}

function warningsOf(problems: readonly Problem[], badLines: number): readonly string[] {
  const warnings = problems.map((problem) => `The transcript had a problem that was carried over: ${problem.message}`)
  return badLines === 0 ? warnings : [...warnings, `${badLines} lines that are no entries were carried over as they are.`]
}

async function sourceContext(
  reader: TranscriptReader,
  source: Transcript,
  rewrite: RewriteOptions,
  hasProblems: boolean,
): Promise<Context | undefined> {
  const { main } = await partsOf(source)
  if (main.sizeBytes > comparedBytes && !hasProblems) return undefined
  const { index } = await indexTranscript((sink) => eachLine(reader, source, sink, rewrite))
  return reader.context(index, rewrite.leafId, 'context')
}

/** The leaf to which a checkpoint is given back. */
export function leafOf(record: CheckpointRecord): string {
  const { leafId } = record.preCompaction
  if (leafId === undefined) throw malformed('the checkpoint has no leaf')
  return leafId
}

function malformed(why: string): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    `This checkpoint can't be given back as a session: ${why}. Its bytes are safe: palimpsest read ID --raw prints them.`,
    {},
  )
}
