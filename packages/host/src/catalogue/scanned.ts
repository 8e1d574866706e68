import type { DatabaseSync } from 'node:sqlite'
import { statement } from '@palimpsest/search-sqlite'
import { integerOf, textOf } from './columns.ts'

/** A file as a scan saw it: its state then, and what came of it. */
export interface ScannedRow {
  readonly path: string
  readonly state: string
  readonly value: string
}

export function scannedRow(database: DatabaseSync, path: string): ScannedRow | undefined {
  const row = statement(database, 'SELECT state, value FROM scanned WHERE path = ?').get(path)
  return row === undefined ? undefined : { path, state: textOf(row, 'state'), value: textOf(row, 'value') }
}

export function writeScanned(database: DatabaseSync, rows: readonly ScannedRow[]): void {
  const write = statement(database, 'INSERT OR REPLACE INTO scanned VALUES (?, ?, ?)')
  for (const { path, state, value } of rows) write.run(path, state, value)
}

/** How many commits each session's ledger has; without those that somebody may be changing. */
export function commitCounts(database: DatabaseSync): ReadonlyMap<string, number> {
  const rows = statement(database, 'SELECT name, commitCount FROM session WHERE name NOT IN (SELECT name FROM mark)').all()
  return new Map(rows.map((row) => [textOf(row, 'name'), integerOf(row, 'commitCount')]))
}

/** The sessions that somebody may be changing. */
export function changingNames(database: DatabaseSync): ReadonlySet<string> {
  return new Set(
    statement(database, 'SELECT DISTINCT name FROM mark')
      .all()
      .map((row) => textOf(row, 'name')),
  )
}
