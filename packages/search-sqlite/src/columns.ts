import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'

/** A row as SQLite gives it. */
export type SqlRow = Readonly<Record<string, SQLOutputValue>>

/** The file of the index is not what this version wrote. */
export class DamagedIndexError extends Error {
  override readonly name = 'DamagedIndexError'
}

/** The text in a column. Throws when there is none, which only a damaged database has. */
export function textOf(row: SqlRow | undefined, column: string): string {
  const value = row?.[column]
  if (typeof value === 'string') return value
  throw new DamagedIndexError(`The search index has no text in ${column}.`)
}

/** The text in a column that may be null. */
export function optionalTextOf(row: SqlRow | undefined, column: string): string | undefined {
  const value = row?.[column]
  return typeof value === 'string' ? value : undefined
}

/** The number in a column. Throws when there is none. */
export function integerOf(row: SqlRow | undefined, column: string): number {
  const value = row?.[column]
  if (typeof value === 'number') return value
  throw new DamagedIndexError(`The search index has no number in ${column}.`)
}

/** The number in a column that may be null. */
export function optionalIntegerOf(row: SqlRow | undefined, column: string): number | undefined {
  const value = row?.[column]
  return typeof value === 'number' ? value : undefined
}

/** The bytes in a column. Throws when there are none. */
export function bytesOf(row: SqlRow | undefined, column: string): Uint8Array {
  const value = row?.[column]
  if (value instanceof Uint8Array) return value
  throw new DamagedIndexError(`The search index has no bytes in ${column}.`)
}

const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/** A statement, prepared once for each database: preparing takes as long as running it. */
export function statement(database: DatabaseSync, sql: string): StatementSync {
  const known = prepared.get(database) ?? new Map<string, StatementSync>()
  prepared.set(database, known)
  const found = known.get(sql) ?? database.prepare(sql)
  known.set(sql, found)
  return found
}
