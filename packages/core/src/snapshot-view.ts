import type { CheckpointRecord } from './checkpoint.ts'
import type { SnapshotIndex } from './entry-index.ts'
import { CheckpointError } from './errors.ts'
import { leadingCount } from './leading-count.ts'
import { positionsWhere } from './positions.ts'
import type { DamagedRange } from './snapshot.ts'
import type { BadLine, IndexedEntry, Problem } from './transcript.ts'

/**
 * `context`: the messages that the model saw, an earlier summary as an entry · `after`: the same right after the compaction ·
 * `all`: every message on the active branch, summaries left out · `raw`: every line.
 */
export type ReadView = 'context' | 'after' | 'all' | 'raw'

/** An item of a view: an entry, a line that is none, a damaged range, or the summary of the compaction itself. */
export type ViewItem =
  | { readonly kind: 'entry'; readonly entry: IndexedEntry; readonly dropped: boolean | undefined }
  | { readonly kind: 'bad'; readonly line: BadLine }
  | ({ readonly kind: 'gap' } & DamagedRange)
  | { readonly kind: 'summary'; readonly id: string; readonly text: string }

/** The items of a view by their places from 0: a million of them are no more than their positions. */
export interface SnapshotView {
  readonly total: number
  at(place: number): ViewItem | undefined
  /** The first place of an id. */
  placeOf(id: string): number | undefined
  readonly problems: readonly Problem[]
}

/** Items without the damaged ranges between them. */
interface Items extends SnapshotView {
  /** Where the bytes of an item begin. */
  startOf(place: number): number
  readonly hasGaps: boolean
}

/**
 * A view of a checkpoint: with `dropped`, only what the compaction dropped of it. Throws `ARGUMENT_INVALID` for the view `after` of a checkpoint
 * that is not complete.
 */
export function snapshotView(
  snapshot: SnapshotIndex,
  record: CheckpointRecord,
  view: ReadView,
  only: { readonly dropped: boolean },
): SnapshotView {
  const items = itemsOf(snapshot, record, view, only.dropped)
  return items.hasGaps && snapshot.damaged.length > 0 ? withGaps(items, snapshot.damaged) : items
}

function itemsOf(snapshot: SnapshotIndex, record: CheckpointRecord, view: ReadView, onlyDropped: boolean): Items {
  const leafId = record.preCompaction.leafId ?? ''
  const kept = () => (record.status === 'complete' ? snapshot.kept(leafId, record) : undefined)
  switch (view) {
    case 'raw':
      return onlyDropped ? entryItems(snapshot, new Int32Array(0), undefined, []) : everyLine(snapshot)
    case 'context':
    case 'all': {
      const { positions, problems } = snapshot.context(leafId, view)
      const keptPositions = kept()
      const isDropped = keptPositions === undefined ? undefined : notAmong(keptPositions, snapshot.entries.size)
      const wanted = onlyDropped ? positionsWhere(positions, (position) => isDropped?.(position) === true) : positions
      return entryItems(snapshot, wanted, isDropped, problems)
    }
    case 'after': {
      const keptPositions = kept()
      if (keptPositions === undefined) {
        throw new CheckpointError(
          'ARGUMENT_INVALID',
          `This checkpoint is ${record.status}: there is no context after its compaction yet. Read the view context instead.`,
          {
            argument: 'view',
            expected: 'context, all or raw',
          },
        )
      }
      const items = { ...entryItems(snapshot, onlyDropped ? new Int32Array(0) : keptPositions, undefined, []), hasGaps: false }
      return record.summary === undefined || onlyDropped ? items : behindSummary(record.boundary?.id ?? 'summary', record.summary, items)
    }
    default:
      return view satisfies never
  }
}

function entryItems(
  { entries }: SnapshotIndex,
  positions: Int32Array,
  isDropped: ((position: number) => boolean) | undefined,
  problems: readonly Problem[],
): Items {
  return {
    total: positions.length,
    problems,
    hasGaps: true,
    startOf: (place) => entries.startOf(positions[place] ?? -1) ?? 0,
    at(place) {
      const position = positions[place] ?? -1
      const entry = entries.entry(position)
      return entry === undefined ? undefined : { kind: 'entry', entry, dropped: isDropped?.(position) }
    },
    placeOf(id) {
      const position = entries.positionOf(id)
      const place = position === undefined ? -1 : positions.indexOf(position)
      return place === -1 ? undefined : place
    },
  }
}

/** Entries and bad lines in file order. */
function everyLine({ entries, badLines }: SnapshotIndex): Items {
  /** How many bad lines lie before a place. */
  const badBefore = (place: number): number => leadingCount(badLines.size, (bad) => badLines.entriesBefore(bad) + bad < place)
  const isBad = (place: number, bad: number) => bad < badLines.size && badLines.entriesBefore(bad) + bad === place
  return {
    total: entries.size + badLines.size,
    problems: [],
    hasGaps: true,
    startOf(place) {
      const bad = badBefore(place)
      return (isBad(place, bad) ? badLines.at(bad)?.start : entries.startOf(place - bad)) ?? 0
    },
    at(place) {
      const bad = badBefore(place)
      const line = isBad(place, bad) ? badLines.at(bad) : undefined
      if (line !== undefined) return { kind: 'bad', line }
      const entry = entries.entry(place - bad)
      return entry === undefined ? undefined : { kind: 'entry', entry, dropped: undefined }
    },
    placeOf(id) {
      const position = entries.positionOf(id)
      const bad = /^L\d+$/.test(id) ? badLines.onLine(Number(id.slice(1))) : undefined
      const badPlace = bad === undefined ? undefined : badLines.entriesBefore(bad) + bad
      const entryPlace = position === undefined ? undefined : position + badLinesBefore(badLines, position)
      if (badPlace === undefined || entryPlace === undefined) return badPlace ?? entryPlace
      return Math.min(badPlace, entryPlace)
    },
  }
}

/** How many bad lines stand before the entry at a position. */
function badLinesBefore(badLines: SnapshotIndex['badLines'], position: number): number {
  return leadingCount(badLines.size, (bad) => badLines.entriesBefore(bad) <= position)
}

function behindSummary(id: string, text: string, items: Items): Items {
  return {
    ...items,
    total: items.total + 1,
    startOf: (place) => (place === 0 ? Number.POSITIVE_INFINITY : items.startOf(place - 1)),
    at: (place) => (place === 0 ? { kind: 'summary', id, text } : items.at(place - 1)),
    placeOf(wanted) {
      if (wanted === id) return 0
      const place = items.placeOf(wanted)
      return place === undefined ? undefined : place + 1
    },
  }
}

/** Items in their order, with each damaged range where its bytes were. */
function withGaps(items: Items, damaged: readonly DamagedRange[]): SnapshotView {
  const gaps: { readonly place: number; readonly range: DamagedRange }[] = []
  let next = 0
  for (let place = 0; place < items.total; place++) {
    const start = items.startOf(place)
    for (let range = damaged[next]; range !== undefined && range.start <= start; range = damaged[++next]) {
      gaps.push({ place: place + gaps.length, range })
    }
  }
  for (let range = damaged[next]; range !== undefined; range = damaged[++next]) gaps.push({ place: items.total + gaps.length, range })
  const gapsBefore = (place: number) => leadingCount(gaps.length, (gap) => (gaps[gap]?.place ?? 0) < place)
  return {
    total: items.total + gaps.length,
    problems: items.problems,
    at(place) {
      const before = gapsBefore(place)
      const gap = gaps[before]
      return gap?.place === place ? { kind: 'gap', ...gap.range } : items.at(place - before)
    },
    placeOf(id) {
      const gap = gaps.find(({ range }) => id === `gap@${range.start}`)
      if (gap !== undefined) return gap.place
      let place = items.placeOf(id)
      if (place === undefined) return undefined
      for (const gap of gaps) if (gap.place <= place) place++
      return place
    },
  }
}

/** Whether a position is none of these. */
function notAmong(positions: Int32Array, size: number): (position: number) => boolean {
  const among = new Uint8Array(size)
  for (const position of positions) among[position] = 1
  return (position) => among[position] !== 1
}
