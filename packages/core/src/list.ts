import { z } from 'zod'
import { boundedMap } from './bounded-map.ts'
import { type Checkpoint, type CheckpointRow, checkpointOf } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { knownRecord } from './known-records.ts'
import { byNewest } from './rows.ts'
import { everySession, freshCatalogue, type IndexedSession, indexedSession, sessionOf, type UnreadableSession } from './session-index.ts'
import type { AbortOptions, Key } from './storage.ts'
import { limitWithin } from './text-input.ts'

const limits = { default: 50, most: 1000 }
const recordsAtOnce = 16

/** Which checkpoints, and which page of them. */
export interface ListQuery extends AbortOptions {
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
  /** Only sessions of this project folder. */
  readonly cwd?: string | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** 1 to 1000, by default 50. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined
}

/** A page of checkpoints, newest first. */
export interface CheckpointPage {
  readonly checkpoints: readonly ListedCheckpoint[]
  readonly nextCursor?: string | undefined
  /** Ledgers that could not be read: their names and why. The rest is listed. */
  readonly problems: readonly SessionProblem[]
}

/** A session whose ledger could not be read. */
export interface SessionProblem {
  readonly name: string
  readonly message: string
}

/** A checkpoint in a list; with `problem` where its record could not be read, so that the list goes on. */
export interface ListedCheckpoint extends Checkpoint {
  readonly problem?: string | undefined
}

/** Which sessions, and which page of them. */
export interface SessionQuery extends AbortOptions {
  readonly agent?: string | undefined
  readonly cwd?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** What is kept of a session. */
export interface SessionSummary {
  readonly agent: string
  readonly sessionKey: string
  readonly sessionId: string
  readonly cwd?: string | undefined
  readonly checkpointCount: number
  readonly oldestAt: number
  readonly newestAt: number
  /** Raw bytes of all streams of all parts, each byte once. */
  readonly rawBytes: number
  /** What they take in storage, records not counted. */
  readonly storedBytes: number
}

/** A page of sessions, the one with the newest checkpoint first. */
export interface SessionPage {
  readonly sessions: readonly SessionSummary[]
  readonly nextCursor?: string | undefined
  /** Ledgers that could not be read: their names and why. The rest is listed. */
  readonly problems: readonly SessionProblem[]
}

const checkpointCursor = z.object({ createdAt: z.int(), id: z.string() })
const sessionCursor = z.object({ newestAt: z.int(), name: z.string() })

interface Located {
  readonly name: Key
  readonly summary: SessionSummary
  readonly row: CheckpointRow
}

/** A page of checkpoints, newest first. */
export async function listCheckpoints(environment: Environment, query: ListQuery): Promise<CheckpointPage> {
  const limit = limitWithin(query.limit, limits)
  const cursor = query.cursor === undefined ? undefined : parseCursor(query.cursor, checkpointCursor)
  const { located, next, unreadable } = await locatedCheckpoints(environment, query, limit, cursor)
  const listed = await boundedMap(located, recordsAtOnce, (found) => listedCheckpoint(environment, found, query))
  return {
    checkpoints: listed.filter((checkpoint) => checkpoint !== undefined),
    ...(next === undefined ? {} : { nextCursor: writeCursor({ createdAt: next.createdAt, id: next.id }) }),
    problems: unreadable.map(problemOf),
  }
}

/** A page of sessions, the one with the newest checkpoint first. */
export async function listSessions(environment: Environment, query: SessionQuery): Promise<SessionPage> {
  const limit = limitWithin(query.limit, limits)
  const cursor = query.cursor === undefined ? undefined : parseCursor(query.cursor, sessionCursor)
  const { sessions, unreadable } = await summaries(environment, query, limit + 1, cursor)
  const page = sessions.slice(0, limit)
  const last = page.at(-1)
  return {
    sessions: page.map(({ summary }) => summary),
    ...(sessions.length > limit && last !== undefined
      ? { nextCursor: writeCursor({ newestAt: last.summary.newestAt, name: last.name }) }
      : {}),
    problems: unreadable.map(problemOf),
  }
}

interface Found {
  readonly located: readonly Located[]
  /** The last row that was looked at, when more follow. */
  readonly next: CheckpointRow | undefined
  readonly unreadable: readonly UnreadableSession[]
}

async function locatedCheckpoints(
  environment: Environment,
  query: ListQuery,
  limit: number,
  cursor: { createdAt: number; id: string } | undefined,
): Promise<Found> {
  if (query.sessionKey === undefined && environment.catalogue !== undefined) return fromCatalogue(environment, query, limit, cursor)
  const { sessions, unreadable } = await wantedSessions(environment, query)
  const located = sessions
    .flatMap(({ name, summary, rows }) => rows.map((row) => ({ name, summary, row })))
    .filter(({ row }) => isWanted(row, query) && (cursor === undefined || byNewest(row, cursor) > 0))
    .sort((left, right) => byNewest(left.row, right.row))
  return { ...pageOf(located, limit), unreadable }
}

async function fromCatalogue(
  environment: Environment,
  query: ListQuery,
  limit: number,
  cursor: { createdAt: number; id: string } | undefined,
): Promise<Found> {
  const unreadable = new Map((await freshCatalogue(environment, query)).map((session) => [session.name, session]))
  const { agent, cwd, before, after, signal } = query
  const found = (await environment.catalogue?.newest({ limit: limit + 1, agent, cwd, before, after, cursor, signal })) ?? []
  const { located: likely, next } = pageOf(found, limit)
  const sessions = new Map<Key, Promise<IndexedSession | undefined>>()
  const readOnce = (name: Key): Promise<IndexedSession | undefined> => {
    const session = sessions.get(name) ?? indexedSession(environment, name, query)
    sessions.set(name, session)
    return session
  }
  const located = await boundedMap(likely, recordsAtOnce, async ({ name, row }) => {
    // The catalogue is derived: what it says is taken from the ledger once more, each read once a page.
    const session = await readOnce(name).catch((error: unknown) => {
      signal?.throwIfAborted()
      unreadable.set(name, { name, error })
    })
    const current = session?.rows.find((candidate) => candidate.id === row.id)
    return session === undefined || current === undefined ? undefined : { name, summary: session.summary, row: current }
  })
  return { located: located.filter((entry) => entry !== undefined), next, unreadable: [...unreadable.values()] }
}

function pageOf<Item extends { readonly row: CheckpointRow }>(
  items: readonly Item[],
  limit: number,
): { readonly located: readonly Item[]; readonly next: CheckpointRow | undefined } {
  const located = items.slice(0, limit)
  return { located, next: items.length > limit ? located.at(-1)?.row : undefined }
}

async function wantedSessions(
  environment: Environment,
  query: ListQuery,
): Promise<{ sessions: readonly IndexedSession[]; unreadable: readonly UnreadableSession[] }> {
  const { agent, sessionKey, cwd } = query
  const isWantedSession = ({ summary }: IndexedSession): boolean =>
    (agent === undefined || summary.agent === agent) && (cwd === undefined || summary.cwd === cwd)
  if (sessionKey === undefined) {
    const { sessions, unreadable } = await everySession(environment, query)
    return { sessions: sessions.filter(isWantedSession), unreadable }
  }
  const owners = agent === undefined ? environment.readers.map((reader) => reader.agent) : [agent]
  const sessions = await Promise.all(owners.map((owner) => sessionOf(environment, owner, sessionKey, query)))
  return { sessions: sessions.filter((session) => session !== undefined).filter(isWantedSession), unreadable: [] }
}

function problemOf({ name, error }: UnreadableSession): SessionProblem {
  return { name, message: error instanceof Error ? error.message : String(error) }
}

function isWanted(row: CheckpointRow, query: ListQuery): boolean {
  return (query.before === undefined || row.createdAt < query.before) && (query.after === undefined || row.createdAt > query.after)
}

async function listedCheckpoint(environment: Environment, found: Located, options: AbortOptions): Promise<ListedCheckpoint | undefined> {
  try {
    return checkpointOf(found.row, await knownRecord(environment, found.name, found.row, options))
  } catch (error) {
    if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
    const now = await indexedSession(environment, found.name, options)
    const row = now?.rows.find((candidate) => candidate.id === found.row.id)
    if (row === undefined) return undefined
    if (row.record !== found.row.record) return listedCheckpoint(environment, { ...found, row }, options)
    return { ...withoutRecord(found), problem: error.message }
  }
}

function withoutRecord({ row, summary }: Located): Checkpoint {
  return {
    id: row.id,
    agent: summary.agent,
    sessionKey: summary.sessionKey,
    sessionId: summary.sessionId,
    createdAt: row.createdAt,
    reason: row.reason,
    origin: row.origin,
    status: row.status,
    preCompaction: { sessionId: summary.sessionId, leafId: row.leafId },
    sizeBytes: row.bytes,
    pinned: row.pinned === true,
    badLines: row.badLines ?? 0,
    parts: [{ name: 'main', stream: row.stream, bytes: row.bytes, lines: row.lines }],
    ...(row.tokensBefore === undefined ? {} : { tokensBefore: row.tokensBefore }),
    ...(row.tokensAfter === undefined ? {} : { tokensAfter: row.tokensAfter }),
    ...(row.label === undefined ? {} : { label: row.label }),
  }
}

async function summaries(
  environment: Environment,
  query: SessionQuery,
  limit: number,
  cursor: { newestAt: number; name: string } | undefined,
): Promise<{
  sessions: readonly { name: Key; summary: SessionSummary }[]
  unreadable: readonly { name: Key; error: unknown }[]
}> {
  const { agent, cwd, signal } = query
  if (environment.catalogue !== undefined) {
    const unreadable = await freshCatalogue(environment, query)
    return { sessions: await environment.catalogue.sessions({ limit, agent, cwd, cursor, signal }), unreadable }
  }
  const { sessions, unreadable } = await everySession(environment, query)
  const wanted = sessions
    .filter(
      ({ rows, summary }) =>
        rows.length > 0 && (agent === undefined || summary.agent === agent) && (cwd === undefined || summary.cwd === cwd),
    )
    .filter(({ name, summary }) => cursor === undefined || isAfter({ newestAt: summary.newestAt, name }, cursor))
  return { sessions: wanted.slice(0, limit), unreadable }
}

function isAfter(session: { newestAt: number; name: string }, cursor: { newestAt: number; name: string }): boolean {
  return byNewest({ createdAt: session.newestAt, id: session.name }, { createdAt: cursor.newestAt, id: cursor.name }) > 0
}

function writeCursor(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function parseCursor<Value>(cursor: string, schema: z.ZodType<Value>): Value {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (cause) {
    throw new CheckpointError(
      'ARGUMENT_INVALID',
      'This cursor is none that a list gave. Start again without one.',
      { argument: 'cursor', expected: 'a nextCursor' },
      { cause },
    )
  }
}
