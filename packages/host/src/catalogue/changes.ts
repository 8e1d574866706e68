import type { DatabaseSync } from 'node:sqlite'
import type { CataloguedSession, CatalogueProgress, Key } from '@palimpsest/core'
import { statement, transaction } from '@palimpsest/search-sqlite'
import { integerOf, textOf } from './columns.ts'

/** A mark of another writer is taken for one that crashed when it is older than this. Until then its session is read again for each list. */
const crashedAfterMs = 60_000

/** Who marks, and when. */
export interface Writer {
  readonly id: string
  readonly now: number
}

/** Marks a session as changing. Durable: a machine that crashes after the ledger's commit must find the mark. */
export function markChanging(database: DatabaseSync, name: Key, writer: Writer): void {
  database.exec('PRAGMA synchronous = FULL')
  try {
    statement(database, 'INSERT OR REPLACE INTO mark VALUES (?, ?, ?)').run(name, writer.id, writer.now)
  } finally {
    database.exec('PRAGMA synchronous = NORMAL')
  }
}

/**
 * Writes what a ledger says and clears the marks it settles: the writer's own, and those of crashed ones. A smaller commit count than the known
 * one changes nothing. Only rows that differ are written.
 */
export function writeSession(database: DatabaseSync, session: CataloguedSession, writer: Writer): void {
  transaction(database, () => {
    const known = statement(database, 'SELECT commitCount FROM session WHERE name = ?').get(session.name)
    if (known !== undefined && integerOf(known, 'commitCount') > session.commitCount) return
    writeRows(database, session, writeSummary(database, session))
    // A clock that was set back must not keep a mark for ever.
    statement(database, 'DELETE FROM mark WHERE name = ? AND (writer = ? OR abs(? - markedAt) > ?)').run(
      session.name,
      writer.id,
      writer.now,
      crashedAfterMs,
    )
  })
}

/** See `Catalogue.caughtUp`. */
export function writeProgress(database: DatabaseSync, from: string | undefined, { token, unread }: CatalogueProgress): void {
  statement(database, 'UPDATE store SET token = ?, unread = ? WHERE token IS ?').run(token ?? null, JSON.stringify(unread), from ?? null)
}

function writeSummary(database: DatabaseSync, { name, commitCount, summary }: CataloguedSession): number {
  const written = statement(
    database,
    `
      INSERT INTO session (name, commitCount, agent, cwd, newestAt, checkpointCount, summary) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET commitCount = excluded.commitCount, agent = excluded.agent, cwd = excluded.cwd,
        newestAt = excluded.newestAt, checkpointCount = excluded.checkpointCount, summary = excluded.summary
      RETURNING number`,
  ).get(name, commitCount, summary.agent, summary.cwd ?? null, summary.newestAt, summary.checkpointCount, JSON.stringify(summary))
  return integerOf(written, 'number')
}

function writeRows(database: DatabaseSync, session: CataloguedSession, number: number): void {
  const known = new Map<string, string>()
  for (const row of statement(database, 'SELECT id, row FROM checkpoint WHERE session = ?').all(number)) {
    known.set(textOf(row, 'id'), textOf(row, 'row'))
  }
  const write = statement(
    database,
    'INSERT OR REPLACE INTO checkpoint (session, id, agent, createdAt, reversedId, row) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const row of session.rows) {
    const text = JSON.stringify(row)
    if (known.get(row.id) !== text) write.run(number, row.id, session.summary.agent, row.createdAt, reversed(row.id), text)
    known.delete(row.id)
  }
  const remove = statement(database, 'DELETE FROM checkpoint WHERE session = ? AND id = ?')
  for (const id of known.keys()) remove.run(number, id)
}

/** The characters of an id from last to first: what `reversedId` holds, so that an index finds how an id ends. */
export function reversed(id: string): string {
  return [...id].reverse().join('')
}
