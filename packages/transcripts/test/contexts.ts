import {
  type Compaction,
  type ContextView,
  type EntryIndex,
  entryIndexOf,
  type IndexedEntry,
  type Problem,
  type TranscriptReader,
} from '@palimpsest/core'

/** An index and the entries that it was made of. */
export type ListedIndex<Listed extends IndexedEntry> = EntryIndex & { readonly entries: readonly Listed[] }

export function listedIndex<Listed extends IndexedEntry>(entries: readonly Listed[]): ListedIndex<Listed> {
  return { ...entryIndexOf(entries), size: entries.length, entries }
}

/** A context by ids. */
export function contextIn(
  reader: TranscriptReader,
  index: EntryIndex,
  leafId: string,
  view: ContextView,
): { readonly entryIds: readonly string[]; readonly problems: readonly Problem[] } {
  const { positions, problems } = reader.context(index, leafId, view)
  return { entryIds: Array.from(positions, (position) => index.idOf(position) ?? ''), problems }
}

/** What a compaction keeps of the context before it, by ids. */
export function keptIn(reader: TranscriptReader, index: EntryIndex, compaction: Compaction): readonly string[] {
  return Array.from(reader.kept(index, compaction.leafId, compaction), (position) => index.idOf(position) ?? '')
}
