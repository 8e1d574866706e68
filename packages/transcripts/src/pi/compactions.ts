import type { AbortOptions, Compaction, IndexedEntry, LineStart, Transcript, TranscriptSource } from '@palimpsest/core'
import { breathing } from '../breathing.ts'
import { asCount, asName, asTime, type JsonRecord } from '../json-fields.ts'
import { keptEntryIds } from './context.ts'
import { decodedLines, sourceOf } from './entries.ts'

/**
 * Every compaction from `from` on. The leaf is the parent of the `compaction` line (in version 1 the entry before it): at pi's
 * `session_before_compact` it is the leaf, with every byte before the line on disk. pi doesn't write why a compaction ran. A line without a
 * parent compacted nothing, and is passed over. What lies before `from` is only read when there is a compaction behind it.
 */
export async function* piCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined || !(await hasCompaction(source, options))) return
  const entries: IndexedEntry[] = []
  const byId = new Map<string, number>()
  const found: { readonly boundary: IndexedEntry; readonly compaction: Compaction }[] = []
  for await (const line of decodedLines(source, { part: 'main', signal: options.signal })) {
    if ('kind' in line) continue
    byId.set(line.indexed.id, entries.length)
    entries.push(line.indexed)
    if (line.indexed.kind !== 'summary' || line.indexed.line < (options.from?.line ?? 0)) continue
    const compaction = compactionOf(line.indexed, line.value)
    if (compaction !== undefined) found.push({ boundary: line.indexed, compaction })
  }
  // Only now, since a parent may stand behind its child in a file that was put together by hand.
  const pause = breathing()
  for (const { boundary, compaction } of found) {
    yield { ...compaction, keptEntryIds: keptEntryIds({ entries, byId }, boundary) }
    await pause()
  }
}

async function hasCompaction(
  source: TranscriptSource,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): Promise<boolean> {
  if (options.from === undefined || options.from.start === 0) return true
  for await (const line of decodedLines(source, { ...options, part: 'main' })) {
    if (!('kind' in line) && line.indexed.kind === 'summary') return true
  }
  return false
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
