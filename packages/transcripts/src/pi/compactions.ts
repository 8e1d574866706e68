import type { AbortOptions, Compaction, IndexedEntry, LineStart, Transcript } from '@palimpsest/core'
import { asCount, asName, asTime, type JsonRecord } from '../json-fields.ts'
import { sourceOf } from '../part-source.ts'
import { decodedBatches } from './entries.ts'

/**
 * Every compaction from `from` on. The leaf is the parent of the `compaction` line (in version 1 the entry before it): at pi's
 * `session_before_compact` it is the leaf, with every byte before the line on disk. pi doesn't write why a compaction ran, and names the first
 * entry alone that it keeps. A line without a parent compacted nothing, and is passed over.
 */
export async function* piCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return
  for await (const batch of decodedBatches(source, { ...options, part: 'main', text: false })) {
    for (const line of batch) {
      if ('kind' in line || line.indexed.kind !== 'summary') continue
      const compaction = compactionOf(line.indexed, line.value)
      if (compaction !== undefined) yield compaction
    }
  }
}

function compactionOf(indexed: IndexedEntry, value: JsonRecord): Compaction | undefined {
  if (indexed.parentId === undefined) return undefined
  const { part, line, start, end } = indexed
  const createdAt = asTime(value['timestamp'])
  const tokensBefore = asCount(value['tokensBefore'])
  const summary = asName(value['summary'])
  return {
    boundary: { part, line, start, end, ...(value['id'] === indexed.id ? { entryId: indexed.id } : {}) },
    leafId: indexed.parentId,
    reason: 'unknown',
    ...indexed.keeps,
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(summary === undefined ? {} : { summary }),
  }
}
