import type { CheckpointRow } from './checkpoint.ts'
import { CheckpointError } from './errors.ts'
import type { AbortOptions } from './storage.ts'
import type { Transcript, TranscriptReader } from './transcript.ts'

/** Where a leaf is looked for. */
export interface LeafSearch extends AbortOptions {
  readonly reader: TranscriptReader
  readonly transcript: Transcript
  /** Checkpoints of the same bytes: their leaves were found before. */
  readonly rows: readonly CheckpointRow[]
  /** The lines before the new ones were recognised by the file's tail, and are not read. */
  readonly byTail: boolean
}

/**
 * Rejects a leaf that a caller names and that is no entry of the transcript with `ARGUMENT_INVALID`. Any entry may be one, since pi moves its leaf
 * without writing a byte. The lines are read once more, up to it, for a leaf that no checkpoint has. Where the tail check spared the old lines
 * they are not read for this either: a leaf that may stand in them is taken as it is.
 */
export async function requireKnownLeaf(leafId: string, search: LeafSearch): Promise<void> {
  const { reader, transcript, rows, byTail, signal } = search
  if (byTail || rows.some((row) => row.prefixCheck === undefined && (row.leafId === leafId || row.tipId === leafId))) return
  if (await hasEntry(reader, transcript, leafId, { signal })) return
  throw new CheckpointError(
    'ARGUMENT_INVALID',
    `The transcript has no entry ${JSON.stringify(leafId)}. Give the id of one that its agent has written, or none for the last one.`,
    { argument: 'leafId', expected: 'the id of an entry in the transcript' },
  )
}

/** Whether an entry of the transcript has this id, or moves the leaf to it. */
export async function hasEntry(reader: TranscriptReader, transcript: Transcript, id: string, options: AbortOptions): Promise<boolean> {
  for await (const batch of reader.structure(transcript, options)) {
    if (batch.some((entry) => entry.kind !== 'bad' && (entry.id === id || entry.leafId === id))) return true
  }
  return false
}
