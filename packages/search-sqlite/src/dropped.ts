import type { DatabaseSync } from 'node:sqlite'
import type { DroppedEntries } from '@palimpsest/core'
import { integerOf, optionalIntegerOf } from './columns.ts'
import { statement } from './derived-file.ts'

/** Keeps which entries a compaction dropped, in place of what was known of it. */
export function keepDropped(database: DatabaseSync, { session, checkpointId, record, entries }: DroppedEntries): void {
  const number = optionalIntegerOf(statement(database, 'SELECT number FROM session WHERE name = ?').get(session), 'number')
  if (number === undefined) return
  forgetCompactions(database, number, (id) => id === checkpointId)
  const made = statement(database, 'INSERT INTO compaction (session, checkpointId, record) VALUES (?, ?, ?)')
  const compaction = Number(made.run(number, checkpointId, record).lastInsertRowid)
  const find = entryFinder(database, number, entries)
  const first = statement(database, 'UPDATE entry SET droppedBy = ? WHERE number = ? AND droppedBy IS NULL')
  const again = statement(database, 'INSERT OR IGNORE INTO droppedAgain VALUES (?, ?)')
  for (const { stream, start } of entries) {
    const entry = find(stream, start)
    if (entry !== undefined && Number(first.run(compaction, entry).changes) === 0) again.run(entry, compaction)
  }
}

/** Forgets the compactions of a session whose checkpoints `isGone`. */
export function forgetCompactions(database: DatabaseSync, session: number, isGone: (checkpointId: string) => boolean): void {
  const rows = statement(database, 'SELECT number, checkpointId FROM compaction WHERE session = ?').all(session)
  for (const row of rows) {
    if (!isGone(String(row['checkpointId']))) continue
    const compaction = integerOf(row, 'number')
    statement(database, 'DELETE FROM droppedAgain WHERE compaction = ?').run(compaction)
    statement(
      database,
      `UPDATE entry SET droppedBy = (SELECT compaction FROM droppedAgain WHERE entry = entry.number ORDER BY compaction LIMIT 1)
       WHERE droppedBy = ?2 AND number IN (
         SELECT e.number FROM stream s JOIN run r ON r.stream = s.number JOIN entry e ON e.number BETWEEN r.first AND r.last WHERE s.session = ?1
       )`,
    ).run(session, compaction)
    statement(
      database,
      'DELETE FROM droppedAgain WHERE (entry, compaction) IN (SELECT number, droppedBy FROM entry WHERE number IN (SELECT entry FROM droppedAgain))',
    ).run()
    statement(database, 'DELETE FROM compaction WHERE number = ?').run(compaction)
  }
}

/** Finds entries of a session's main part, out of those that are looked for, by the stream that is their home and their first byte. */
function entryFinder(
  database: DatabaseSync,
  session: number,
  wanted: DroppedEntries['entries'],
): (stream: number, start: number) => number | undefined {
  const streams = new Map<number, ReadonlyMap<number, number>>()
  for (const [stream, entries] of Map.groupBy(wanted, (entry) => entry.stream)) {
    const starts = entries.map((entry) => entry.start)
    const [least, most] = starts.reduce(([low, high], start) => [Math.min(low, start), Math.max(high, start)], [Number.MAX_SAFE_INTEGER, 0])
    streams.set(stream, numbersByStart(database, { session, stream, least, most }))
  }
  return (stream, start) => streams.get(stream)?.get(start)
}

/** Entries of a stream, and what it repeats of others, that begin between two bytes: their numbers by their starts. */
function numbersByStart(
  database: DatabaseSync,
  { session, stream, least, most }: { readonly session: number; readonly stream: number; readonly least: number; readonly most: number },
): ReadonlyMap<number, number> {
  const numbers = new Map<number, number>()
  const own = statement(
    database,
    `SELECT e.number, e.start FROM stream s JOIN run r ON r.stream = s.number JOIN entry e ON e.number BETWEEN r.first AND r.last
     WHERE s.session = ?1 AND s.part = 'main' AND s.stream = ?2 AND e.start BETWEEN ?3 AND ?4 AND r.start <= ?4
     AND r.start >= coalesce((SELECT max(start) FROM run WHERE stream = s.number AND start <= ?3), 0)`,
  )
  const copies = statement(
    database,
    `SELECT c.entry AS number, c.start FROM stream s JOIN copy c ON c.stream = s.number
     WHERE s.session = ?1 AND s.part = 'main' AND s.stream = ?2 AND c.start BETWEEN ?3 AND ?4`,
  )
  for (const rows of [own, copies]) {
    for (const row of rows.iterate(session, stream, least, most)) numbers.set(integerOf(row, 'start'), integerOf(row, 'number'))
  }
  return numbers
}
