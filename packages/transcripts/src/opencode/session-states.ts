import type { DatabaseSync } from 'node:sqlite'
import { sha256Hex } from '@palimpsest/core'
import { columnsOf, otherTables } from './tables.ts'

/** A row that is written again within so many milliseconds could have the same time again. */
const slackMs = 2_000

/**
 * By session, a text that is another as soon as a row of it is written, added or removed, without reading what the rows hold: OpenCode stamps each row
 * that it writes (`time_updated`, seen on 1.18.33: also where a row is inserted over another), and notes each of its migrations. The session's own row and
 * its to-do list, which are small, are in it whole. None for a session of which that can't be told: a table without these times, and a row that was
 * written this very moment or has a time that is still to come.
 */
export function sessionStates(database: DatabaseSync, now: number): ReadonlyMap<string, string> {
  const said = new Map<string, unknown[]>()
  const untold = new Set<string>()
  for (const row of database.prepare('SELECT * FROM session').all()) said.set(String(row['id']), [row])
  for (const table of ['message', 'part', ...otherTables]) {
    const columns = columnsOf(database, table)
    if (!columns.has('session_id')) continue
    const isStamped = columns.has('time_updated') && columns.has('data')
    const counted = isStamped
      ? ', count(*), CAST(sum(time_updated - 1600000000000) AS text), max(time_updated) AS latest, max(rowid), sum(octet_length(data))'
      : ''
    for (const row of database.prepare(`SELECT session_id${counted} FROM ${table} GROUP BY session_id`).all()) {
      const id = String(row['session_id'])
      said.get(id)?.push(table, row)
      const { latest } = row
      if (!isStamped || typeof latest !== 'number' || latest > now - slackMs) untold.add(id)
    }
  }
  if (columnsOf(database, 'todo').has('session_id')) {
    for (const row of database.prepare('SELECT * FROM todo ORDER BY rowid').all()) said.get(String(row['session_id']))?.push('todo', row)
  }
  const migrations = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%migration%' ORDER BY name")
    .all()
    .map(({ name }) => [name, database.prepare(`SELECT count(*) AS count FROM "${String(name).replaceAll('"', '""')}"`).get()])
  const schema = database.prepare('PRAGMA schema_version').get()
  const states = [...said].filter(([id]) => !untold.has(id))
  return new Map(states.map(([id, rows]) => [id, sha256Hex(Buffer.from(textOf([schema, migrations, rows])))]))
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, held: unknown) => (typeof held === 'bigint' ? `${held}n` : held))
}
