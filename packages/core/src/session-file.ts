import type { CheckpointRecord } from './checkpoint.ts'
import { indexTranscript } from './entry-index.ts'
import { CheckpointError } from './errors.ts'
import { partsOf } from './main-part.ts'
import type { RewriteOptions, Transcript, TranscriptReader, TranscriptTarget } from './transcript.ts'

/** Up to this size the context that was written is compared with the source's too; beyond it that would cost as much as all the rest. */
const comparedBytes = 16 * 1024 * 1024

/**
 * Writes a session at `leafId` to a target and checks it before it is handed over: it has a leaf, no cycle and no parent that does not exist,
 * every line parses, and (up to 16 MiB) its context has as many entries as the source's. What the source itself had of these is no fault of
 * the copy: it is carried over with a warning. Nothing is committed.
 */
export async function writeSession(
  reader: TranscriptReader,
  source: Transcript,
  target: TranscriptTarget,
  rewrite: RewriteOptions,
): Promise<readonly string[]> {
  for await (const { part, bytes } of reader.rewrite(source, rewrite)) await target.write(part, bytes)
  const after = await indexTranscript(reader.structure(target.written(), rewrite))
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
  const warnings = written.problems.map((problem) => `The transcript had a problem that was carried over: ${problem.message}`)
  if (after.badLines > 0) warnings.push(`${after.badLines} lines that are no entries were carried over as they are.`)
  return warnings
}

async function sourceContext(
  reader: TranscriptReader,
  source: Transcript,
  rewrite: RewriteOptions,
  hasProblems: boolean,
): Promise<ReturnType<TranscriptReader['context']> | undefined> {
  const { main } = await partsOf(source)
  if (main.sizeBytes > comparedBytes && !hasProblems) return undefined
  const { index } = await indexTranscript(reader.structure(source, rewrite))
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
