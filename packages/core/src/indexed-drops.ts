import type { CheckpointRow } from './checkpoint.ts'
import { indexTranscript } from './entry-index.ts'
import { firstEntries } from './first-entries.ts'
import type { IndexingSession, StreamTarget } from './indexed-stream.ts'
import { knownRecord } from './known-records.ts'
import { leadingCount } from './leading-count.ts'
import { storedTranscript } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import { chainOf } from './stream.ts'
import { eachLine } from './structure-sink.ts'
import type { TimeLimit } from './time-limit.ts'
import type { EntryIndex } from './transcript.ts'

/**
 * Finds out which entries the compactions of checkpoints on one stream dropped: in the context before, and not in that after. `false` where time was over
 * before the last of them.
 */
export async function indexDropped(
  session: IndexingSession,
  target: StreamTarget,
  rows: readonly CheckpointRow[],
  indexed: EntryIndex | undefined,
  options: AbortOptions & { readonly limit: TimeLimit },
): Promise<boolean> {
  const { stored, reader, index } = session
  const { environment, name, ledger } = stored
  const entries = indexed ?? (await structureOf(session, target, options))
  const chain = chainOf(ledger, 'main', target.stream)
  for (const [at, row] of rows.entries()) {
    options.signal?.throwIfAborted()
    // The structure, once it is there, serves one of them at least.
    if (at > 0 && options.limit.isOver()) return false
    const record = await knownRecord(environment, name, row, options)
    const leafId = record.preCompaction.leafId ?? ''
    const dropped: { stream: number; start: number }[] = []
    if (record.status === 'complete') {
      const before = firstEntries(
        entries,
        leadingCount(entries.size, (position) => (entries.endOf(position) ?? 0) <= row.bytes),
      )
      const kept = new Set(reader.kept(before, leafId, record))
      for (const position of reader.context(before, leafId, 'context').positions) {
        const end = before.endOf(position) ?? 0
        const home = chain.find((link) => end <= link.endBytes)
        if (!kept.has(position) && home !== undefined) dropped.push({ stream: home.index, start: before.startOf(position) ?? 0 })
      }
    }
    await index.dropped({ session: name, checkpointId: row.id, record: row.record, entries: dropped })
    options.limit.stepped()
  }
  return true
}

async function structureOf({ stored, reader }: IndexingSession, target: StreamTarget, options: AbortOptions): Promise<EntryIndex> {
  const { part, stream, bytes } = target
  const transcript = storedTranscript(stored, [{ name: part, stream, bytes }], { ...options, damaged: [] })
  return (await indexTranscript((sink) => eachLine(reader, transcript, sink, options))).index
}
