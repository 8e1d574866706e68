import type { CheckpointRecord } from './checkpoint.ts'
import { indexTranscript } from './entry-index.ts'
import { CheckpointError } from './errors.ts'
import type { AbortOptions } from './storage.ts'
import type { RewriteOptions, Transcript, TranscriptReader, TranscriptTarget } from './transcript.ts'

/**
 * Writes a session at `leafId` to a target and checks it before it is handed over: its structure has no problem that the source did not have,
 * and its context has as many entries. Nothing is committed. Gives warnings about what was carried over.
 */
export async function writeSession(
  reader: TranscriptReader,
  source: Transcript,
  target: TranscriptTarget,
  rewrite: RewriteOptions,
): Promise<readonly string[]> {
  for await (const { part, bytes } of reader.rewrite(source, rewrite)) await target.write(part, bytes)
  const options: AbortOptions = { signal: rewrite.signal }
  const before = await indexTranscript(reader.structure(source, options))
  const after = await indexTranscript(reader.structure(target.written(), options))
  const wanted = reader.context(before.index, rewrite.leafId, 'context')
  const written = reader.context(after.index, after.leafId ?? '', 'context')
  const unanswered = rewrite.dropUnanswered === true && written.entryIds.length < wanted.entryIds.length
  if (after.leafId === undefined || written.problems.length > wanted.problems.length) {
    throw malformed(written.problems[0]?.message ?? 'it would have no entry')
  }
  if (written.entryIds.length !== wanted.entryIds.length && !unanswered) {
    throw malformed(`it would have ${written.entryIds.length} entries in its context instead of ${wanted.entryIds.length}`)
  }
  const warnings = wanted.problems.map((problem) => `The transcript had a problem that was carried over: ${problem.message}`)
  if (after.badLines > 0) warnings.push(`${after.badLines} lines that are no entries were carried over as they are.`)
  return warnings
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
