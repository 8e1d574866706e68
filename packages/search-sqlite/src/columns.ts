import type { SQLOutputValue } from 'node:sqlite'

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
