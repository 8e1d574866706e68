import type { CheckpointRecord } from './checkpoint.ts'
import { type DamagedRange, type StoredSession, storedSource, storedTranscript } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import type { BadLine, ContextView, Entry, EntryIndex, IndexedEntry, Problem } from './transcript.ts'

/** A line that is no entry, at its place. */
interface IndexedBadLine extends IndexedEntry {
  readonly message: string
}

/** The structure of a snapshot's main part: one pass over it, of which only ids, parents and byte ranges are kept. */
export interface SnapshotIndex {
  /** Every line in file order. */
  readonly lines: readonly (IndexedEntry | IndexedBadLine)[]
  readonly damaged: readonly DamagedRange[]
  entry(id: string): IndexedEntry | undefined
  context(leafId: string, view: ContextView): { readonly entryIds: readonly string[]; readonly problems: readonly Problem[] }
  /** An entry with its text, read from its own bytes alone. */
  body(entry: IndexedEntry, options: AbortOptions): Promise<Entry>
}

/** Indexes the main part of a checkpoint. Over a damaged chunk everything else is still indexed. */
export async function indexSnapshot(session: StoredSession, record: CheckpointRecord, options: AbortOptions): Promise<SnapshotIndex> {
  const reader = session.environment.readerOf(record.agent)
  const damaged: DamagedRange[] = []
  const main = record.parts.filter((part) => part.name === 'main')
  const source = await storedSource(session, main[0] ?? { name: 'main', stream: 0, bytes: 0 }, options)
  const transcript = storedTranscript(session, main, { ...options, path: record.preCompaction.sessionFile, damaged })
  const lines = await linesOf(reader.structure(transcript, options), damaged)
  const entries = lines.filter((line) => !isBad(line))
  const byId = positionsOf(entries)
  const index: EntryIndex = { entries: bridged(entries, byId, damaged), byId }
  return {
    lines,
    damaged,
    entry: (id) => entries[byId.get(id) ?? -1],
    context: (leafId, view) => reader.context(index, leafId, view),
    async body(entry, abort) {
      return reader.entry(await source.read(entry.start, entry.end, abort), entry)
    },
  }
}

/** The structure of any transcript, without the means to read bodies. */
export async function indexTranscript(
  entries: AsyncIterable<IndexedEntry | BadLine>,
): Promise<{ readonly index: EntryIndex; readonly badLines: number; readonly leafId: string | undefined }> {
  const indexed: IndexedEntry[] = []
  let badLines = 0
  let leafId: string | undefined
  for await (const entry of entries) {
    if (entry.kind === 'bad') {
      badLines += 1
      continue
    }
    leafId = entry.leafId ?? leafId
    indexed.push(entry)
  }
  return { index: { entries: indexed, byId: positionsOf(indexed) }, badLines, leafId }
}

/** The first place of each id. */
function positionsOf(entries: readonly IndexedEntry[]): Map<string, number> {
  const byId = new Map<string, number>()
  entries.forEach((entry, position) => {
    if (!byId.has(entry.id)) byId.set(entry.id, position)
  })
  return byId
}

function isBad(line: IndexedEntry | IndexedBadLine): line is IndexedBadLine {
  return 'message' in line
}

async function linesOf(
  entries: AsyncIterable<IndexedEntry | BadLine>,
  damaged: readonly DamagedRange[],
): Promise<readonly (IndexedEntry | IndexedBadLine)[]> {
  const lines: (IndexedEntry | IndexedBadLine)[] = []
  for await (const entry of entries) {
    // A line may parse although a part of it reads as blanks.
    if (damaged.some((range) => entry.start < range.end && entry.end > range.start)) continue
    lines.push(entry.kind === 'bad' ? badLine(entry) : entry)
  }
  return lines
}

function badLine(line: BadLine): IndexedBadLine {
  return { kind: 'unknown', id: `L${line.line}`, part: line.part, line: line.line, start: line.start, end: line.end, message: line.message }
}

/** Parents that lay in a damaged range are given the entry before it, so that a branch goes on across the gap. */
function bridged(entries: readonly IndexedEntry[], byId: Map<string, number>, damaged: readonly DamagedRange[]): readonly IndexedEntry[] {
  if (damaged.length === 0) return entries
  return entries.map((entry, index) => {
    if (entry.parentId === undefined || byId.has(entry.parentId)) return entry
    const gap = damaged.findLast((range) => range.start <= entry.start)
    const before =
      gap === undefined
        ? undefined
        : entries.slice(0, index).findLast((candidate) => candidate.start < gap.start && candidate.leafId !== undefined)
    return before === undefined ? entry : { ...entry, parentId: before.id }
  })
}
