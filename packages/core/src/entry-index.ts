import { type BadLines, growingBadLines } from './bad-lines.ts'
import type { CheckpointRecord } from './checkpoint.ts'
import type { EntryStep } from './entry-step.ts'
import { growingIndex } from './packed-index.ts'
import { type DamagedRange, type StoredSession, storedSource, storedTranscript } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import { eachLine, type StructureSink } from './structure-sink.ts'
import type { Context, ContextView, Entry, EntryIndex, IndexedEntry, KeptEntries, LinePlace, PartName } from './transcript.ts'

/** The structure of a part of a snapshot: one pass over it, of which only ids, parents and byte ranges are kept. */
export interface SnapshotIndex {
  readonly entries: EntryIndex
  readonly badLines: BadLines
  readonly damaged: readonly DamagedRange[]
  context(leafId: string, view: ContextView): Context
  kept(leafId: string, keeps: KeptEntries): Int32Array
  /** An entry with its text, read from its own bytes alone. */
  body(entry: IndexedEntry, options: AbortOptions): Promise<Entry>
  /** The same, and what it says and does. */
  bodyInSteps(entry: IndexedEntry, options: AbortOptions): Promise<{ readonly entry: Entry; readonly steps: readonly EntryStep[] }>
}

/** Indexes the main part of a checkpoint, or another one of its parts. Over a damaged chunk everything else is still indexed. */
export async function indexSnapshot(
  session: StoredSession,
  record: CheckpointRecord,
  { part = 'main', ...options }: AbortOptions & { readonly part?: PartName | undefined },
): Promise<SnapshotIndex> {
  const reader = session.environment.readerOf(record.agent)
  const damaged: DamagedRange[] = []
  const parts = record.parts.filter((candidate) => candidate.name === part)
  const source = await storedSource(session, parts[0] ?? { name: part, stream: 0, bytes: 0 }, options)
  const transcript = storedTranscript(session, parts, { ...options, path: record.preCompaction.sessionFile, damaged })
  const index = growingIndex()
  const badLines = growingBadLines()
  const isWhole = wholeLines(damaged)
  const sink: StructureSink = {
    line(line) {
      if (!isWhole(line)) return
      if (line.kind === 'bad') badLines.add(line, index.size)
      else index.add(line)
    },
    // What lies in a damaged range is passed over.
    message: (message) => !isWhole(message) || index.addMessage(message),
    has: (id) => index.positionOf(id) !== undefined,
  }
  await eachLine(reader, transcript, sink, { ...options, part, wellFormed: part === 'main' && record.badLines === 0 })
  const entries = bridged(index, damaged)
  return {
    entries,
    badLines,
    damaged: inOrder(damaged),
    context: (leafId, view) => reader.context(entries, leafId, view),
    kept: (leafId, keeps) => reader.kept(entries, leafId, keeps),
    async body(entry, abort) {
      return reader.entry(await source.read(entry.start, entry.end, abort), entry)
    },
    async bodyInSteps(indexed, abort) {
      const line = await source.read(indexed.start, indexed.end, abort)
      const entry = reader.entry(line, indexed)
      return { entry, steps: reader.steps?.(line, indexed) ?? plainSteps(entry) }
    },
  }
}

function plainSteps({ role, text }: Entry): readonly EntryStep[] {
  if (text === '') return []
  return role === 'tool' ? [{ did: 'returned', failed: false, text }] : [{ did: 'said', by: role ?? 'system', text }]
}

/** The structure of any transcript, without the means to read bodies. */
export async function indexTranscript(
  structure: (sink: StructureSink) => Promise<void>,
): Promise<{ readonly index: EntryIndex; readonly badLines: number; readonly leafId: string | undefined }> {
  const index = growingIndex()
  let badLines = 0
  let leafId: string | undefined
  let latestMessage = -1
  await structure({
    line(line) {
      if (line.kind === 'bad') {
        badLines += 1
        return
      }
      if (line.leafId !== undefined) latestMessage = -1
      leafId = line.leafId ?? leafId
      index.add(line)
    },
    message(message) {
      if (!index.addMessage(message)) return false
      latestMessage = index.size - 1
      return true
    },
    has: (id) => index.positionOf(id) !== undefined,
  })
  return { index, badLines, leafId: index.idOf(latestMessage) ?? leafId }
}

/** Whether a line lies outside of what is damaged: it may parse although a part of it reads as blanks. Asked in file order. */
function wholeLines(damaged: readonly DamagedRange[]): (line: LinePlace) => boolean {
  let first = 0
  return ({ start, end }) => {
    while ((damaged[first]?.end ?? Number.POSITIVE_INFINITY) <= start) first++
    // Ranges are noted when their chunks are read, some lines ahead and not always in order.
    for (let at = first; at < damaged.length; at++) {
      const range = damaged[at]
      if (range !== undefined && start < range.end && end > range.start) return false
    }
    return true
  }
}

function inOrder(damaged: readonly DamagedRange[]): readonly DamagedRange[] {
  return [...damaged].sort((one, other) => one.start - other.start)
}

/** Parents that lay in a damaged range are given the entry before it, so that a branch goes on across the gap. */
function bridged(index: EntryIndex, damaged: readonly DamagedRange[]): EntryIndex {
  if (damaged.length === 0) return index
  const parents = new Map<number, number>()
  const gaps = inOrder(damaged)
  const before = gaps.map(() => -1)
  let gap = -1
  let latest = -1
  for (let position = 0; position < index.size; position++) {
    const start = index.startOf(position) ?? 0
    for (let next = gaps[gap + 1]; next !== undefined && next.start <= start; next = gaps[gap + 1]) before[++gap] = latest
    const bridge = before[gap] ?? -1
    if (bridge !== -1 && index.parentOf(position) === undefined && index.parentIdOf(position) !== undefined) parents.set(position, bridge)
    if (index.movesLeaf(position)) latest = position
  }
  const idOf = (position: number) => index.idOf(parents.get(position) ?? -1)
  return {
    ...index,
    parentOf: (position) => parents.get(position) ?? index.parentOf(position),
    parentIdOf: (position) => idOf(position) ?? index.parentIdOf(position),
    entry(position) {
      const entry = index.entry(position)
      const parentId = idOf(position)
      return entry === undefined || parentId === undefined ? entry : { ...entry, parentId }
    },
  }
}
