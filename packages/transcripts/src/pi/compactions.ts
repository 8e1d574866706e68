import {
  type AbortOptions,
  type Compaction,
  type EntryIndex,
  growingIndex,
  type IndexedEntry,
  type LineStart,
  type Transcript,
  type TranscriptSource,
} from '@palimpsest/core'
import { breathing } from '../breathing.ts'
import { asCount, asName, asTime, type JsonRecord } from '../json-fields.ts'
import { piKept } from './context.ts'
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
  if (source === undefined) return
  const { from, signal } = options
  const isRecent = from !== undefined && from.start > 0
  const recent = isRecent ? await compactedLines(source, { signal, from }) : undefined
  if (recent?.found.length === 0) return
  // What a compaction keeps lies mostly close before it.
  for (const windowBytes of recent === undefined ? [] : recentWindows) {
    const start = await lineStartAfter(source, (from?.start ?? 0) - windowBytes)
    if (start === undefined) break
    const window = await compactedLines(source, { signal, from: { line: 0, start } })
    if (window.hasRenamed || !recent?.found.every(({ boundary }) => isWithin(window.index, boundary))) continue
    for (const { boundary, compaction } of recent.found) yield { ...compaction, keptEntryIds: keptEntryIds(window.index, boundary) }
    return
  }
  const whole = await compactedLines(source, { signal })
  // Only now, since a parent may stand behind its child in a file that was put together by hand.
  const pause = breathing()
  for (const { boundary, compaction } of whole.found) {
    if (boundary.line < (from?.line ?? 0)) continue
    yield { ...compaction, keptEntryIds: keptEntryIds(whole.index, boundary) }
    await pause()
  }
}

const recentWindows: readonly number[] = [2 << 20, 16 << 20]

interface CompactedLines {
  readonly index: EntryIndex
  readonly found: readonly { readonly boundary: IndexedEntry; readonly compaction: Compaction }[]
  /** An id was repeated, so that what it is called depends on all lines before it. */
  readonly hasRenamed: boolean
}

/** The structure of the lines from `from` on, and the compactions among them. */
async function compactedLines(
  source: TranscriptSource,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): Promise<CompactedLines> {
  const index = growingIndex()
  const found: { readonly boundary: IndexedEntry; readonly compaction: Compaction }[] = []
  let hasRenamed = false
  for await (const line of decodedLines(source, { ...options, part: 'main' })) {
    if ('kind' in line) continue
    index.add(line.indexed)
    hasRenamed ||= line.value['id'] !== line.indexed.id
    const compaction = line.indexed.kind === 'summary' ? compactionOf(line.indexed, line.value) : undefined
    if (compaction !== undefined) found.push({ boundary: line.indexed, compaction })
  }
  return { index, found, hasRenamed }
}

function keptEntryIds(index: EntryIndex, boundary: IndexedEntry): readonly string[] {
  if (boundary.parentId === undefined) return []
  return [...piKept(index, boundary.parentId, boundary.keeps ?? {})].flatMap((position) => index.idOf(position) ?? [])
}

/** Whether all that a compaction keeps lies in a window. */
function isWithin(window: EntryIndex, boundary: IndexedEntry): boolean {
  const firstKeptEntryId = boundary.keeps?.firstKeptEntryId
  return firstKeptEntryId === undefined || firstKeptEntryId === boundary.id || keptEntryIds(window, boundary).includes(firstKeptEntryId)
}

/** Where the first line begins behind a byte; `undefined` at the beginning of a file, and in a line of over a MiB. */
async function lineStartAfter(source: TranscriptSource, byte: number): Promise<number | undefined> {
  if (byte <= 0) return undefined
  const bytes = await source.read(byte, Math.min(source.sizeBytes, byte + (1 << 20)))
  const lineFeed = bytes.indexOf(0x0a)
  return lineFeed === -1 ? undefined : byte + lineFeed + 1
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
