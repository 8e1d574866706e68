import type { CheckpointRecord } from './checkpoint.ts'
import { indexSnapshot, type SnapshotIndex } from './entry-index.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { resolveRecord } from './resolve.ts'
import type { AbortOptions } from './storage.ts'
import { limitWithin, trimmed, wholeNumber } from './text-input.ts'
import type { EntryKind, EntryRole, IndexedEntry, Problem } from './transcript.ts'
import type { WithinSession } from './within-session.ts'

const limits = { default: 50, most: 1000 }
const views: readonly ReadView[] = ['context', 'after', 'all', 'raw']

/**
 * `context`: the messages that the model saw, an earlier summary as an entry · `after`: the same right after the compaction ·
 * `all`: every message on the active branch, summaries left out · `raw`: every line.
 */
export type ReadView = 'context' | 'after' | 'all' | 'raw'

/** Which entries of a checkpoint. */
export interface ReadQuery extends WithinSession {
  /** By default `context`. */
  readonly view?: ReadView | undefined
  /** The place in the view of the first entry, from 0. */
  readonly from?: number | undefined
  /** 1 to 1000, by default 50. */
  readonly limit?: number | undefined
  /** Centres the page on this entry; excludes `from`. */
  readonly around?: string | undefined
  /** Only entries of the view that the compaction dropped. */
  readonly dropped?: boolean | undefined
}

/** An entry as it is given back. `gap` stands for bytes that are damaged in storage. */
export interface ReadEntry {
  readonly id: string
  readonly parentId?: string | undefined
  readonly kind: EntryKind | 'bad' | 'gap'
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
  readonly text: string
  /** Line of the main part from 0; absent for a summary that stands in no line. */
  readonly line?: number | undefined
  /** In the views of a completed compaction: whether it is gone from the context after it. */
  readonly dropped?: boolean | undefined
}

/** A page of a view. */
export interface EntryPage {
  readonly checkpointId: string
  readonly view: ReadView
  readonly entries: readonly ReadEntry[]
  /** How many entries the view has. */
  readonly total: number
  readonly from: number
  /** The `from` of the next page; absent on the last. */
  readonly next?: number | undefined
  /** What could not be followed in the transcript's structure. */
  readonly problems: readonly Problem[]
}

/** An item of a view: a place in the index, a damaged range, or the summary of the compaction itself. */
type ViewItem =
  | { readonly kind: 'entry'; readonly entry: IndexedEntry; readonly dropped: boolean | undefined }
  | { readonly kind: 'bad'; readonly line: IndexedEntry; readonly message: string }
  | { readonly kind: 'gap'; readonly start: number; readonly end: number; readonly message: string }
  | { readonly kind: 'summary'; readonly id: string; readonly text: string }

/** A page of entries of a checkpoint. */
export async function readEntries(environment: Environment, id: string, query: ReadQuery): Promise<EntryPage> {
  const view = query.view ?? 'context'
  if (!views.includes(view)) {
    throw new CheckpointError('ARGUMENT_INVALID', `There is no view ${JSON.stringify(view)}. Views: ${views.join(', ')}.`, {
      argument: 'view',
      expected: views.join(', '),
    })
  }
  const limit = limitWithin(query.limit, limits)
  const options = { signal: query.signal }
  const { record, ...located } = await resolveRecord(environment, id, query)
  const snapshot = await indexSnapshot({ environment, name: located.name, ledger: located.ledger }, record, options)
  const { items, problems } = viewItems(snapshot, record, view)
  const wanted =
    query.dropped === true ? items.filter((item) => item.kind === 'gap' || (item.kind === 'entry' && item.dropped === true)) : items
  const from = firstOf(wanted, query, limit)
  const page = wanted.slice(from, from + limit)
  const entries: ReadEntry[] = []
  for (const item of page) entries.push(await shown(snapshot, item, options))
  return {
    checkpointId: located.row.id,
    view,
    entries,
    total: wanted.length,
    from,
    ...(from + limit < wanted.length ? { next: from + limit } : {}),
    problems,
  }
}

function viewItems(
  snapshot: SnapshotIndex,
  record: CheckpointRecord,
  view: ReadView,
): { readonly items: readonly ViewItem[]; readonly problems: readonly Problem[] } {
  if (view === 'raw') {
    const lines: ViewItem[] = snapshot.lines.map((line) =>
      'message' in line ? { kind: 'bad', line, message: line.message } : { kind: 'entry', entry: line, dropped: undefined },
    )
    return { items: withGaps(lines, snapshot), problems: [] }
  }
  const leafId = record.preCompaction.leafId ?? ''
  const context = snapshot.context(leafId, 'context')
  const keptIds = record.status === 'complete' ? keptOf(snapshot, record, leafId) : undefined
  const summary: ViewItem[] =
    record.summary === undefined ? [] : [{ kind: 'summary', id: record.boundary?.id ?? 'summary', text: record.summary }]
  const itemsOf = (ids: readonly string[], dropped: boolean): ViewItem[] =>
    ids.flatMap((id) => {
      const entry = snapshot.entry(id)
      if (entry === undefined) return []
      return [{ kind: 'entry', entry, dropped: dropped && keptIds !== undefined ? !keptIds.has(id) : undefined }]
    })
  switch (view) {
    case 'context':
      return { items: withGaps(itemsOf(context.entryIds, true), snapshot), problems: context.problems }
    case 'all': {
      const all = snapshot.context(leafId, 'all')
      return { items: withGaps(itemsOf(all.entryIds, true), snapshot), problems: all.problems }
    }
    case 'after': {
      if (keptIds === undefined) {
        throw new CheckpointError(
          'ARGUMENT_INVALID',
          `This checkpoint is ${record.status}: there is no context after its compaction yet. Read the view context instead.`,
          {
            argument: 'view',
            expected: 'context, all or raw',
          },
        )
      }
      return { items: [...summary, ...itemsOf([...keptIds], false)], problems: [] }
    }
    default:
      return view satisfies never
  }
}

/** The entries that stayed in the context: those that the transcript names, else everything on the branch from the first kept one on. */
function keptOf(snapshot: SnapshotIndex, record: CheckpointRecord, leafId: string): ReadonlySet<string> {
  if (record.keptEntryIds !== undefined) {
    const shownIds = new Set([...snapshot.context(leafId, 'all').entryIds, ...snapshot.context(leafId, 'context').entryIds])
    return new Set(record.keptEntryIds.filter((id) => shownIds.has(id)))
  }
  const all = snapshot.context(leafId, 'all').entryIds
  const first = record.firstKeptEntryId === undefined ? -1 : all.indexOf(record.firstKeptEntryId)
  return new Set(first < 0 ? [] : all.slice(first))
}

/** Items in their order, with each damaged range where its bytes were. */
function withGaps(items: readonly ViewItem[], snapshot: SnapshotIndex): readonly ViewItem[] {
  const gaps: ViewItem[] = snapshot.damaged.map((range) => ({ kind: 'gap', ...range }))
  if (gaps.length === 0) return items
  const result: ViewItem[] = []
  for (const item of items) {
    while (gaps[0] !== undefined && startOf(gaps[0]) <= startOf(item)) result.push(...gaps.splice(0, 1))
    result.push(item)
  }
  return [...result, ...gaps]
}

function startOf(item: ViewItem): number {
  switch (item.kind) {
    case 'entry':
      return item.entry.start
    case 'bad':
      return item.line.start
    case 'gap':
      return item.start
    case 'summary':
      return Number.POSITIVE_INFINITY
    default:
      return item satisfies never
  }
}

function firstOf(items: readonly ViewItem[], query: ReadQuery, limit: number): number {
  const around = trimmed(query.around)
  const from = wholeNumber('from', query.from)
  if (around === undefined) return Math.min(from ?? 0, items.length)
  if (from !== undefined) throw new CheckpointError('ARGUMENT_INVALID', 'Give either from or around, not both.', { argument: 'around' })
  const at = items.findIndex((item) => idOf(item) === around)
  if (at < 0) {
    throw new CheckpointError('ARGUMENT_INVALID', `This view has no entry ${JSON.stringify(around)}. Try the view all or raw.`, {
      argument: 'around',
      expected: 'an entry id of the view',
    })
  }
  return Math.max(0, at - Math.floor(limit / 2))
}

function idOf(item: ViewItem): string {
  switch (item.kind) {
    case 'entry':
      return item.entry.id
    case 'bad':
      return item.line.id
    case 'gap':
      return `gap@${item.start}`
    case 'summary':
      return item.id
    default:
      return item satisfies never
  }
}

async function shown(snapshot: SnapshotIndex, item: ViewItem, options: AbortOptions): Promise<ReadEntry> {
  switch (item.kind) {
    case 'entry': {
      const { id, parentId, kind, role, tool, createdAt, text, line } = await snapshot.body(item.entry, options)
      return {
        id,
        ...(parentId === undefined ? {} : { parentId }),
        kind,
        ...(role === undefined ? {} : { role }),
        ...(tool === undefined ? {} : { tool }),
        ...(createdAt === undefined ? {} : { createdAt }),
        text,
        line,
        ...(item.dropped === undefined ? {} : { dropped: item.dropped }),
      }
    }
    case 'bad':
      return { id: item.line.id, kind: 'bad', text: item.message, line: item.line.line }
    case 'gap':
      return { id: idOf(item), kind: 'gap', text: `Bytes ${item.start} to ${item.end} can't be given back. ${item.message}` }
    case 'summary':
      return { id: item.id, kind: 'summary', role: 'system', text: item.text }
    default:
      return item satisfies never
  }
}
