import type { DatabaseSync } from 'node:sqlite'

/** Tables whose rows belong to a session and that the messages don't hold. `session_share` has a secret in it, and is left alone. */
export const otherTables: readonly string[] = ['session_message', 'session_input', 'session_context_epoch']

/** The names of a table's columns; none where there is no such table. */
export function columnsOf(database: DatabaseSync, table: string): ReadonlySet<unknown> {
  return new Set(
    database
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map(({ name }) => name),
  )
}
