import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { type Catalogue, type CatalogueProgress, type CheckpointRow, type Key, parseKey, type SessionSummary } from '@palimpsest/core'
import { statement } from '@palimpsest/search-sqlite'
import { reversed } from './changes.ts'
import { optionalTextOf, textOf } from './columns.ts'

type NewestQuery = Parameters<Catalogue['newest']>[0]
type SessionsQuery = Parameters<Catalogue['sessions']>[0]

/** The sessions that some writer has marked and nobody has settled, in order of their names; of a new one only its mark may be known. */
export function markedNames(database: DatabaseSync): readonly Key[] {
  const rows = statement(database, 'SELECT DISTINCT name FROM mark ORDER BY name').all()
  return rows.map((row) => parseKey(textOf(row, 'name')))
}

/** The names of all sessions that are known, those without checkpoints too. */
export function knownNames(database: DatabaseSync): ReadonlySet<string> {
  return new Set(
    statement(database, 'SELECT name FROM session')
      .all()
      .map((row) => textOf(row, 'name')),
  )
}

/** See `Catalogue.progress`. */
export function knownProgress(database: DatabaseSync): CatalogueProgress {
  const row = statement(database, 'SELECT token, unread FROM store').get()
  return { token: optionalTextOf(row, 'token'), unread: namesOf(textOf(row, 'unread')) }
}

/** See `Catalogue.newest`. */
export function newestCheckpoints(
  database: DatabaseSync,
  query: NewestQuery,
): readonly { readonly name: Key; readonly row: CheckpointRow }[] {
  const conditions = conjunction([
    ['c.agent = ?', query.agent],
    ['s.cwd = ?', query.cwd],
    ['c.createdAt < ?', query.before],
    ['c.createdAt > ?', query.after],
    ['(c.createdAt, c.id) < (?, ?)', query.cursor?.createdAt, query.cursor?.id],
  ])
  // A project has few sessions, so that its checkpoints are sorted; all others are read in the order of an index (CROSS JOIN keeps it outermost).
  const tables = query.cwd === undefined ? 'checkpoint c CROSS JOIN session s' : 'session s CROSS JOIN checkpoint c'
  return statement(
    database,
    `SELECT s.name, c.row FROM ${tables} ON s.number = c.session ${conditions.where} ORDER BY c.createdAt DESC, c.id DESC LIMIT ?`,
  )
    .all(...conditions.values, query.limit)
    .map((found) => ({ name: parseKey(textOf(found, 'name')), row: rowOf(textOf(found, 'row')) }))
}

/** See `Catalogue.endingIn`. */
export function checkpointsEndingIn(
  database: DatabaseSync,
  suffix: string,
  limit: number,
): readonly { readonly name: Key; readonly id: string }[] {
  const start = reversed(suffix)
  return statement(
    database,
    `SELECT s.name, c.id FROM checkpoint c CROSS JOIN session s ON s.number = c.session
       WHERE c.reversedId >= ? AND c.reversedId < ? ORDER BY c.reversedId, s.name LIMIT ?`,
  )
    .all(start, `${start}\u{10ffff}`, limit)
    .map((found) => ({ name: parseKey(textOf(found, 'name')), id: textOf(found, 'id') }))
}

/** See `Catalogue.sessions`; of two with the same newest time the greater name comes first. */
export function newestSessions(
  database: DatabaseSync,
  query: SessionsQuery,
): readonly { readonly name: Key; readonly summary: SessionSummary }[] {
  const conditions = conjunction([
    ['checkpointCount > 0'],
    ['agent = ?', query.agent],
    ['cwd = ?', query.cwd],
    ['(newestAt, name) < (?, ?)', query.cursor?.newestAt, query.cursor?.name],
  ])
  return statement(database, `SELECT name, summary FROM session ${conditions.where} ORDER BY newestAt DESC, name DESC LIMIT ?`)
    .all(...conditions.values, query.limit)
    .map((found) => ({ name: parseKey(textOf(found, 'name')), summary: summaryOf(textOf(found, 'summary')) }))
}

/** Those conditions whose values are all given. */
function conjunction(conditions: readonly (readonly [sql: string, ...values: (SQLInputValue | undefined)[]])[]): {
  where: string
  values: SQLInputValue[]
} {
  const wanted = conditions.filter(([, ...values]) => !values.includes(undefined))
  return {
    where: wanted.length === 0 ? '' : `WHERE ${wanted.map(([sql]) => sql).join(' AND ')}`,
    values: wanted.flatMap(([, ...values]) => values.filter((value) => value !== undefined)),
  }
}

// What is parsed here was written by `writeSession` from values of these types.
function rowOf(text: string): CheckpointRow {
  return JSON.parse(text)
}

function namesOf(text: string): readonly Key[] {
  return JSON.parse(text)
}

function summaryOf(text: string): SessionSummary {
  return JSON.parse(text)
}
