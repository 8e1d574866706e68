import type { CheckpointRecord } from './checkpoint.ts'
import { indexSnapshot, type SnapshotIndex } from './entry-index.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { partNamed } from './raw-bytes.ts'
import { resolveRecord } from './resolve.ts'
import { type ReadView, type SnapshotView, snapshotView, type ViewItem } from './snapshot-view.ts'
import type { AbortOptions } from './storage.ts'
import { limitWithin, trimmed, wholeNumber } from './text-input.ts'
import type { EntryKind, EntryRole, PartName, Problem } from './transcript.ts'
import type { WithinSession } from './within-session.ts'

const limits = { default: 50, most: 1000 }
const views: readonly ReadView[] = ['context', 'after', 'all', 'raw']
/** Where an entry is looked for when nobody says in which view it is. */
const viewsAround: readonly ReadView[] = ['context', 'all', 'raw']

/** Which entries of a checkpoint. */
export interface ReadQuery extends WithinSession {
  /** By default `context`; with `around` the first of `context`, `all` and `raw` that has the entry; of a sidecar `raw` alone. */
  readonly view?: ReadView | undefined
  /** A sidecar, instead of the main part: all its lines. */
  readonly part?: PartName | undefined
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
  /** Line of the part from 0; absent for a summary that stands in no line. */
  readonly line?: number | undefined
  /** In the views of a completed compaction: whether it is gone from the context after it. */
  readonly dropped?: boolean | undefined
}

/** A page of a view. */
export interface EntryPage {
  readonly checkpointId: string
  readonly view: ReadView
  /** Absent for the main part. */
  readonly part?: PartName | undefined
  readonly entries: readonly ReadEntry[]
  /** How many entries the view has. */
  readonly total: number
  readonly from: number
  /** The `from` of the next page; absent on the last. */
  readonly next?: number | undefined
  /** What could not be followed in the transcript's structure. */
  readonly problems: readonly Problem[]
}

/** A page of entries of a checkpoint. */
export async function readEntries(environment: Environment, id: string, query: ReadQuery): Promise<EntryPage> {
  if (query.view !== undefined && !views.includes(query.view)) {
    throw new CheckpointError('ARGUMENT_INVALID', `There is no view ${JSON.stringify(query.view)}. Views: ${views.join(', ')}.`, {
      argument: 'view',
      expected: views.join(', '),
    })
  }
  const limit = limitWithin(query.limit, limits)
  const options = { signal: query.signal }
  const { record, ...located } = await resolveRecord(environment, id, query)
  const part = sidecarMeant(record, query)
  const snapshot = await indexSnapshot({ environment, name: located.name, ledger: located.ledger }, record, { ...options, part })
  const asked: ReadQuery = part === undefined ? query : { ...query, view: 'raw' }
  const { view, found } = viewMeant(asked, (wanted) => snapshotView(snapshot, record, wanted, { dropped: query.dropped === true }))
  const from = firstOf(found, query, limit)
  const entries: ReadEntry[] = []
  for (let place = from; place < Math.min(from + limit, found.total); place++) {
    const item = found.at(place)
    if (item !== undefined) entries.push(await shown(snapshot, item, options))
  }
  return {
    checkpointId: located.row.id,
    view,
    ...(part === undefined ? {} : { part }),
    entries,
    total: found.total,
    from,
    ...(from + limit < found.total ? { next: from + limit } : {}),
    problems: found.problems,
  }
}

/** The sidecar that was asked for; `undefined` for the main part. A sidecar has no branches and no compactions: throws for what needs them. */
function sidecarMeant(record: CheckpointRecord, { part, view, dropped }: ReadQuery): PartName | undefined {
  if (part === undefined || partNamed(record, part).name === 'main') return undefined
  if ((view === undefined || view === 'raw') && dropped !== true) return part
  throw new CheckpointError('ARGUMENT_INVALID', `The part ${JSON.stringify(part)} has the view raw alone: contexts are of the main part.`, {
    argument: view === undefined || view === 'raw' ? 'dropped' : 'view',
    expected: 'raw',
  })
}

/** The view that was asked for; where none was, one that has the entry around which to read. */
function viewMeant(
  { view, around }: ReadQuery,
  viewOf: (view: ReadView) => SnapshotView,
): { readonly view: ReadView; readonly found: SnapshotView } {
  const entryId = trimmed(around)
  for (const wider of view === undefined && entryId !== undefined ? viewsAround : []) {
    const found = viewOf(wider)
    if (found.placeOf(entryId ?? '') !== undefined) return { view: wider, found }
  }
  const meant = view ?? 'context'
  return { view: meant, found: viewOf(meant) }
}

function firstOf(view: SnapshotView, query: ReadQuery, limit: number): number {
  const around = trimmed(query.around)
  const from = wholeNumber('from', query.from)
  if (around === undefined) return Math.min(from ?? 0, view.total)
  if (from !== undefined) throw new CheckpointError('ARGUMENT_INVALID', 'Give either from or around, not both.', { argument: 'around' })
  const at = view.placeOf(around)
  if (at === undefined) {
    const isPart = query.part !== undefined && query.part !== 'main'
    const where = isPart ? 'This part has no entry' : query.view === undefined ? 'This checkpoint has no entry' : 'This view has no entry'
    const advice = isPart || query.view === undefined ? '' : ' Try the view all or raw.'
    throw new CheckpointError('ARGUMENT_INVALID', `${where} ${JSON.stringify(around)}.${advice}`, {
      argument: 'around',
      expected: 'an entry id of the view',
    })
  }
  return Math.max(0, at - Math.floor(limit / 2))
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
      return { id: `L${item.line.line}`, kind: 'bad', text: item.line.message, line: item.line.line }
    case 'gap':
      return { id: `gap@${item.start}`, kind: 'gap', text: `Bytes ${item.start} to ${item.end} can't be given back. ${item.message}` }
    case 'summary':
      return { id: item.id, kind: 'summary', role: 'system', text: item.text }
    default:
      return item satisfies never
  }
}
