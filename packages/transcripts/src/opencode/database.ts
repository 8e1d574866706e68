import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { type AbortOptions, CheckpointError } from '@palimpsest/core'
import { breathing } from '../breathing.ts'
import { asCount, type JsonRecord } from '../json-fields.ts'
import { readDatabase } from './open-database.ts'
import { sessionStates } from './session-states.ts'
import { dataOf, headerOf, type SnapshotParts, type StoredMessage, type StoredRow, writeSnapshot } from './snapshot-writer.ts'
import { columnsOf, otherTables } from './tables.ts'

/** A session in a database, and how large it is. */
export interface DatabaseSession {
  readonly sessionId: string
  /** Of what its messages hold. */
  readonly sizeBytes: number
  /** Another one as soon as a row of it is written (`sessionStates`); none where that can't be told. */
  readonly state?: string | undefined
}

/** The sessions of a database, the oldest first. Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`. */
export async function databaseSessions(path: string): Promise<readonly DatabaseSession[]> {
  return readDatabase(path, async (database) => {
    assertOpenCode(database, path)
    const sizes = new Map<unknown, number>()
    for (const table of ['message', 'part']) {
      const rows = database.prepare(`SELECT session_id, sum(octet_length(data)) AS size FROM ${table} GROUP BY session_id`).all()
      for (const row of rows) sizes.set(row['session_id'], (sizes.get(row['session_id']) ?? 0) + (asCount(row['size']) ?? 0))
    }
    const ids = database.prepare('SELECT id FROM session ORDER BY time_created, id').all()
    const states = sessionStates(database, Date.now())
    return ids.flatMap(({ id }) =>
      typeof id === 'string' ? [{ sessionId: id, sizeBytes: sizes.get(id) ?? 0, state: states.get(id) }] : [],
    )
  })
}

/** The export of a session. Throws `TRANSCRIPT_UNREADABLE` where it isn't in the database, `TRANSCRIPT_UNRECOGNISED` where that is none of OpenCode's. */
export async function exportFromDatabase(path: string, sessionId: string, options: AbortOptions): Promise<SnapshotParts> {
  const exported = async (database: DatabaseSync) => {
    assertOpenCode(database, path)
    const session = database.prepare('SELECT * FROM session WHERE id = ?').get(sessionId)
    if (session === undefined) throw absent(path, sessionId)
    return writeSnapshot({
      header: headerOf(sessionId, {
        slug: session['slug'],
        parentId: session['parent_id'],
        directory: session['directory'],
        version: session['version'],
        created: session['time_created'],
      }),
      changing: { session: plain(session), todo: todoOf(database, sessionId) },
      messages: messagesOf(database, sessionId, options),
      others: othersOf(database, sessionId),
    })
  }
  return readDatabase(path, exported, (parts) => parts.close())
}

async function* messagesOf(database: DatabaseSync, sessionId: string, { signal }: AbortOptions): AsyncGenerator<StoredMessage> {
  const pause = breathing()
  const parts = database.prepare('SELECT * FROM part WHERE message_id = ? ORDER BY id')
  const messages = database.prepare('SELECT * FROM message WHERE session_id = ? ORDER BY time_created, id')
  for (const message of messages.iterate(sessionId)) {
    signal?.throwIfAborted()
    yield { message: rowOf(message), parts: parts.all(message['id'] ?? null).map(rowOf) }
    await pause()
  }
}

function rowOf({ id, session_id: _sessionId, time_updated, data, ...columns }: Record<string, SQLOutputValue>): StoredRow {
  const updatedAt = asCount(time_updated)
  return { id: String(id), columns: plain(columns), data: dataOf(data), ...(updatedAt === undefined ? {} : { updatedAt }) }
}

function todoOf(database: DatabaseSync, sessionId: string): readonly JsonRecord[] {
  if (columnsOf(database, 'todo').size === 0) return []
  return database.prepare('SELECT * FROM todo WHERE session_id = ? ORDER BY position').all(sessionId).map(plain)
}

function othersOf(database: DatabaseSync, sessionId: string): ReadonlyMap<string, Iterable<JsonRecord>> {
  const others = new Map<string, Iterable<JsonRecord>>()
  for (const table of otherTables) {
    if (!columnsOf(database, table).has('session_id')) continue
    const rows = database.prepare(`SELECT * FROM ${table} WHERE session_id = ? ORDER BY rowid`).all(sessionId)
    if (rows.length > 0) others.set(`${table}.jsonl`, rows.map(plain))
  }
  return others
}

/** A row as JSON holds it: bytes as base64. Columns without a value are left out, so that a column that is added later changes no old line. */
function plain(row: Record<string, SQLOutputValue>): JsonRecord {
  const held = Object.entries(row).filter(([, value]) => value !== null)
  return Object.fromEntries(
    held.map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value]),
  )
}

const needed = {
  session: ['id', 'directory', 'time_created'],
  message: ['id', 'session_id', 'time_created', 'data'],
  part: ['id', 'message_id', 'session_id', 'data'],
}

function assertOpenCode(database: DatabaseSync, path: string): void {
  for (const [table, columns] of Object.entries(needed)) {
    const found = columnsOf(database, table)
    const missing = columns.find((column) => !found.has(column))
    if (missing === undefined) continue
    const what = found.size === 0 ? `it has no table ${table}` : `its table ${table} has no column ${missing}`
    throw new CheckpointError(
      'TRANSCRIPT_UNRECOGNISED',
      `${path} is no database of OpenCode that is known here: ${what}. Databases of OpenCode 1.2 to 1.18 are known.`,
      { path },
    )
  }
}

function absent(path: string, sessionId: string): CheckpointError {
  return new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} has no session ${sessionId}. palimpsest scan ${path} lists those it has.`, {
    path: `${path}#${sessionId}`,
  })
}
