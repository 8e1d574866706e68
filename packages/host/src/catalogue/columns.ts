import type { SQLOutputValue } from 'node:sqlite'

/** A row as SQLite gives it. */
export type SqlRow = Readonly<Record<string, SQLOutputValue>>

/** The text in a column. Throws when there is none, which only a damaged database has. */
export function textOf(row: SqlRow | undefined, column: string): string {
  const value = row?.[column]
  if (typeof value === 'string') return value
  throw new Error(`The catalogue has no text in ${column}.`)
}

/** The text in a column that may be null. */
export function optionalTextOf(row: SqlRow | undefined, column: string): string | undefined {
  const value = row?.[column]
  return typeof value === 'string' ? value : undefined
}

/** The whole number in a column. Throws when there is none. */
export function integerOf(row: SqlRow | undefined, column: string): number {
  const value = row?.[column]
  if (typeof value === 'number') return value
  throw new Error(`The catalogue has no number in ${column}.`)
}
