import type { CheckpointRecord } from './checkpoint.ts'
import { indexSnapshot, type SnapshotIndex } from './entry-index.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { positionsWhere } from './positions.ts'
import { resolveRecord } from './resolve.ts'
import type { AbortOptions } from './storage.ts'
import { limitWithin } from './text-input.ts'
import type { EntryKind, EntryRole } from './transcript.ts'
import type { WithinSession } from './within-session.ts'

const limits = { default: 50, most: 1000 }
const excerptCharacters = 200

/** How much of what came and went is shown. */
export interface BetweenQuery extends WithinSession {
  /** How many of the entries that were added, and of those that are gone: 1 to 1000, by default 50. */
  readonly limit?: number | undefined
}

/** An entry that came or went. */
export interface ChangedEntry {
  readonly entryId: string
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
  /** The beginning of its text, on one line. */
  readonly excerpt: string
}

/** Entries of a context. */
export interface EntrySet {
  readonly entries: number
  /** Bytes of their lines. */
  readonly lineBytes: number
  /** Estimated: the lines' share of `tokensBefore` where the agent says it, else a quarter of their bytes. */
  readonly tokensEstimated: number
}

/** What came and went between two checkpoints: of what the model saw at each. */
export interface CheckpointsDiff {
  readonly fromId: string
  readonly toId: string
  /** In both contexts. */
  readonly both: EntrySet
  /** In the context of the second alone. */
  readonly added: EntrySet & { readonly first: readonly ChangedEntry[] }
  /** In the context of the first alone. */
  readonly gone: EntrySet & { readonly first: readonly ChangedEntry[] }
  /** Ranges of the two snapshots that are damaged in storage: what stood there is in no set, or in one where it stands whole in the other. */
  readonly gaps: number
}

interface Side {
  readonly id: string
  readonly record: CheckpointRecord
  readonly tokensBefore: number | undefined
  readonly snapshot: SnapshotIndex
  readonly positions: Int32Array
}

/**
 * What came and went between the contexts of two checkpoints. Entries are the same by their ids; those that have none by their place in the file. Throws
 * `ARGUMENT_INVALID` for checkpoints of different sessions that share no entry.
 */
export async function diffBetween(environment: Environment, fromId: string, toId: string, query: BetweenQuery): Promise<CheckpointsDiff> {
  const limit = limitWithin(query.limit, limits)
  const from = await sideOf(environment, fromId, query)
  const to = await sideOf(environment, toId, query)
  const inTo = sharedBy(from, to)
  const inFrom = sharedBy(to, from)
  const both = positionsWhere(from.positions, inTo)
  const isOneSession = from.record.agent === to.record.agent && from.record.sessionKey === to.record.sessionKey
  if (!isOneSession && both.length === 0) throw unrelated(from, to)
  const gone = positionsWhere(from.positions, (position) => !inTo(position))
  const added = positionsWhere(to.positions, (position) => !inFrom(position))
  return {
    fromId: from.id,
    toId: to.id,
    both: setOf(from, both),
    added: { ...setOf(to, added), first: await firstOf(to, added, limit, query) },
    gone: { ...setOf(from, gone), first: await firstOf(from, gone, limit, query) },
    gaps: from.snapshot.damaged.length + to.snapshot.damaged.length,
  }
}

async function sideOf(environment: Environment, id: string, query: WithinSession): Promise<Side> {
  const { record, row, name, ledger } = await resolveRecord(environment, id, query)
  const snapshot = await indexSnapshot({ environment, name, ledger }, record, { signal: query.signal })
  const { positions } = snapshot.context(record.preCompaction.leafId ?? '', 'context')
  return { id: row.id, record, tokensBefore: row.tokensBefore ?? record.tokensBefore, snapshot, positions }
}

/** Whether an entry of one side is in the context of the other. */
function sharedBy({ snapshot: { entries } }: Side, { snapshot: { entries: others }, positions }: Side): (position: number) => boolean {
  const isIn = new Uint8Array(others.size)
  for (const position of positions) isIn[position] = 1
  return (position) => {
    const id = entries.idOf(position) ?? ''
    const other = others.positionOf(id)
    if (other === undefined || isIn[other] !== 1) return false
    const isMade = /^L\d+$|@L\d+$/.test(id)
    return !isMade || (entries.startOf(position) === others.startOf(other) && entries.endOf(position) === others.endOf(other))
  }
}

function setOf({ snapshot: { entries }, positions: all, tokensBefore }: Side, positions: Int32Array): EntrySet {
  const bytesOf = (some: Int32Array) =>
    some.reduce((sum, position) => sum + (entries.endOf(position) ?? 0) - (entries.startOf(position) ?? 0), 0)
  const lineBytes = bytesOf(positions)
  const allBytes = bytesOf(all)
  const tokens = tokensBefore === undefined || allBytes === 0 ? lineBytes / 4 : (tokensBefore * lineBytes) / allBytes
  return { entries: positions.length, lineBytes, tokensEstimated: Math.round(tokens) }
}

async function firstOf({ snapshot }: Side, positions: Int32Array, limit: number, options: AbortOptions): Promise<readonly ChangedEntry[]> {
  const shown: ChangedEntry[] = []
  for (const position of positions.subarray(0, limit)) {
    const indexed = snapshot.entries.entry(position)
    if (indexed === undefined) continue
    const { id, kind, role, tool, createdAt, text } = await snapshot.body(indexed, { signal: options.signal })
    shown.push({
      entryId: id,
      kind,
      ...(role === undefined ? {} : { role }),
      ...(tool === undefined ? {} : { tool }),
      ...(createdAt === undefined ? {} : { createdAt }),
      excerpt: text
        .slice(0, 4 * excerptCharacters)
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, excerptCharacters),
    })
  }
  return shown
}

function unrelated(from: Side, to: Side): CheckpointError<'ARGUMENT_INVALID'> {
  const nameOf = ({ record }: Side) => `${record.agent} ${record.sessionKey}`
  return new CheckpointError(
    'ARGUMENT_INVALID',
    `These checkpoints are of different sessions that share no entries (${nameOf(from)}; ${nameOf(to)}). Compare two of one session, or of a session and its branch.`,
    { argument: 'id', expected: 'two checkpoints of one session, or of a session and its branch' },
  )
}
