import type { DatabaseSync } from 'node:sqlite'
import type { DroppedEntries, IndexedSessionFacts, Key, PartName, SearchableEntry, SearchBatch, StreamProgress } from '@palimpsest/core'
import { integerOf, optionalIntegerOf } from './columns.ts'
import { statement } from './derived-file.ts'
import { idOf, shapeOf, storedId } from './entry-shape.ts'
import { gramsOf, spaced } from './grams.ts'
import { piecesOf } from './pieces.ts'
import { stemOf } from './stems.ts'
import { readsAsProse } from './stop-words.ts'
import { wordForms } from './word-forms.ts'

/** Tool output up to this length is short enough to be taken for prose, whatever it is. */
const shortCharacters = 2_000

/** Adds the entries of a batch; `false` where the stream is not as far as `from` says. All of it in the caller's transaction. */
export function addBatch(database: DatabaseSync, { session, entries, from, to }: SearchBatch): boolean {
  const sessionNumber = sessionNumberOf(database, session)
  const row = statement(database, 'SELECT number, bytes, digest FROM stream WHERE session = ? AND part = ? AND stream = ?').get(
    sessionNumber,
    to.part,
    to.stream,
  )
  const isWhereItWas = from === undefined ? row === undefined : row?.['bytes'] === from.bytes && row['digest'] === from.digest
  if (!isWhereItWas) return false
  const stream = row === undefined ? newStream(database, sessionNumber, to) : integerOf(row, 'number')
  const first = entries[0]
  if (first !== undefined) removeFrom(database, stream, first.start)
  addEntries(database, { session: sessionNumber, number: stream, ...to }, entries)
  statement(database, 'UPDATE stream SET bytes = ?, resumeStart = ?, resumeLine = ?, digest = ? WHERE number = ?').run(
    to.bytes,
    to.resume.start,
    to.resume.line,
    to.digest,
    stream,
  )
  statement(database, 'UPDATE session SET commitId = NULL WHERE number = ?').run(sessionNumber)
  return true
}

/** The number of a session, made where it has none. */
export function sessionNumberOf(database: DatabaseSync, { name, agent, sessionKey, cwd }: IndexedSessionFacts): number {
  const known = optionalIntegerOf(statement(database, 'SELECT number FROM session WHERE name = ?').get(name), 'number')
  if (known !== undefined) return known
  const made = statement(database, 'INSERT INTO session (name, agent, sessionKey, cwd) VALUES (?, ?, ?, ?)')
  return Number(made.run(name, agent, sessionKey, cwd ?? null).lastInsertRowid)
}

/** Keeps which entries a compaction dropped, in place of what was known of it. */
export function keepDropped(database: DatabaseSync, { session, checkpointId, record, entries }: DroppedEntries): void {
  const number = optionalIntegerOf(statement(database, 'SELECT number FROM session WHERE name = ?').get(session), 'number')
  if (number === undefined) return
  forgetCompactions(database, number, (id) => id === checkpointId)
  const made = statement(database, 'INSERT INTO compaction (session, checkpointId, record) VALUES (?, ?, ?)')
  const compaction = Number(made.run(number, checkpointId, record).lastInsertRowid)
  const find = entryFinder(database, number)
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

/** Forgets everything of a session. */
export function forgetSession(database: DatabaseSync, name: Key): void {
  const number = optionalIntegerOf(statement(database, 'SELECT number FROM session WHERE name = ?').get(name), 'number')
  if (number === undefined) return
  for (const row of statement(database, 'SELECT part, stream FROM stream WHERE session = ?').all(number)) {
    forgetStream(database, number, String(row['part']), integerOf(row, 'stream'))
  }
  statement(database, 'DELETE FROM compaction WHERE session = ?').run(number)
  statement(database, 'DELETE FROM session WHERE number = ?').run(number)
}

/** Forgets a stream; what other streams have of its entries is forgotten too, so that they are to be indexed again. */
export function forgetStream(database: DatabaseSync, session: number, part: PartName, stream: number): void {
  const numbers = statement(database, 'SELECT number FROM stream WHERE session = ? AND part = ? AND stream >= ?').all(session, part, stream)
  for (const row of numbers) {
    const number = integerOf(row, 'number')
    removeFrom(database, number, 0)
    statement(database, 'DELETE FROM stream WHERE number = ?').run(number)
  }
  statement(database, 'UPDATE session SET commitId = NULL WHERE number = ?').run(session)
  // Which of the entries that are indexed again were dropped, and which sidecars the checkpoints have, is to be found out again.
  forgetCompactions(database, session, () => true)
}

interface StreamPlace extends StreamProgress {
  readonly session: number
  readonly number: number
}

function newStream(database: DatabaseSync, session: number, { part, stream, bytes, resume, digest }: StreamProgress): number {
  const made = statement(
    database,
    'INSERT INTO stream (session, part, stream, bytes, resumeStart, resumeLine, digest) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  return Number(made.run(session, part, stream, bytes, resume.start, resume.line, digest).lastInsertRowid)
}

function addEntries(database: DatabaseSync, stream: StreamPlace, entries: readonly SearchableEntry[]): void {
  const last = optionalIntegerOf(statement(database, 'SELECT max(last) AS last FROM run').get(), 'last') ?? 0
  const insert = statement(
    database,
    'INSERT INTO entry (number, pieces, start, sizeBytes, line, id, shape, tool, createdAt, fingerprint, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const copied = statement(database, 'INSERT OR REPLACE INTO copy VALUES (?, ?, ?, ?, ?)')
  const known = stream.stream > 0 ? knownEntries(database, stream) : undefined
  let next = last + 1
  let firstStart: number | undefined
  for (const entry of entries) {
    if (entry.text === '') continue
    const { start, end, line, entryId, tool, createdAt, note } = entry
    const original = known?.(entry)
    if (original !== undefined) {
      copied.run(stream.number, start, end - start, line, original)
      continue
    }
    const pieces = piecesOf(entry.text)
    const fingerprint = Buffer.from(entry.fingerprint, 'base64url')
    const toolNumber = tool === undefined ? null : toolNumberOf(database, tool)
    insert.run(
      next,
      pieces.length,
      start,
      end - start,
      line,
      storedId(entryId),
      shapeOf(entry),
      toolNumber,
      createdAt ?? null,
      fingerprint,
      note ?? null,
    )
    addWords(database, next, entry, pieces)
    firstStart ??= start
    next += pieces.length
  }
  if (firstStart !== undefined) {
    statement(database, 'INSERT INTO run VALUES (?, ?, ?, ?)').run(last + 1, next - 1, stream.number, firstStart)
  }
}

function addWords(database: DatabaseSync, number: number, entry: SearchableEntry, pieces: readonly string[]): void {
  const insert = statement(database, 'INSERT INTO words (rowid, text, stems, parts, grams) VALUES (?, ?, ?, ?, ?)')
  const isProse = entry.role !== 'tool' || entry.text.length <= shortCharacters || readsAsProse(entry.text)
  pieces.forEach((piece, at) => {
    const { stems, parts } = wordForms(piece, isProse ? stemOf : undefined)
    // The name of a tool is looked up as any other word is.
    insert.run(number + at, spaced(piece), stems, entry.tool === undefined || at > 0 ? parts : `${entry.tool} ${parts}`, gramsOf(piece))
  })
}

/** Removes the entries of a stream that begin at `start` or behind it, and the copies there. */
function removeFrom(database: DatabaseSync, stream: number, start: number): void {
  statement(database, 'DELETE FROM copy WHERE stream = ? AND start >= ?').run(stream, start)
  const runs = statement(
    database,
    'SELECT first, last FROM run WHERE stream = ?1 AND start >= coalesce((SELECT max(start) FROM run WHERE stream = ?1 AND start <= ?2), 0)',
  )
  for (const run of runs.all(stream, start)) {
    const first = integerOf(run, 'first')
    const gone = statement(database, 'SELECT number, pieces FROM entry WHERE number BETWEEN ? AND ? AND start >= ?').all(
      first,
      integerOf(run, 'last'),
      start,
    )
    for (const row of gone) removeEntry(database, integerOf(row, 'number'), integerOf(row, 'pieces'))
    const left = gone[0] === undefined ? undefined : integerOf(gone[0], 'number') - 1
    if (left === undefined) continue
    if (left < first) statement(database, 'DELETE FROM run WHERE first = ?').run(first)
    else statement(database, 'UPDATE run SET last = ? WHERE first = ?').run(left, first)
  }
}

function removeEntry(database: DatabaseSync, number: number, pieces: number): void {
  for (let at = 0; at < pieces; at += 1) statement(database, 'DELETE FROM words WHERE rowid = ?').run(number + at)
  statement(database, 'DELETE FROM entry WHERE number = ?').run(number)
  statement(database, 'DELETE FROM droppedAgain WHERE entry = ?').run(number)
  statement(database, 'DELETE FROM copy WHERE entry = ?').run(number)
}

/** Which entry of an older stream of the part says the same under the same id. */
function knownEntries(database: DatabaseSync, stream: StreamPlace): (entry: SearchableEntry) => number | undefined {
  const rows = statement(
    database,
    `SELECT e.number, e.id, e.fingerprint FROM stream s JOIN run r ON r.stream = s.number JOIN entry e ON e.number BETWEEN r.first AND r.last
     WHERE s.session = ? AND s.part = ? AND s.stream < ?`,
  )
  const known = new Map<string, number>()
  for (const row of rows.iterate(stream.session, stream.part, stream.stream)) {
    const fingerprint = row['fingerprint']
    if (fingerprint instanceof Uint8Array) {
      known.set(`${Buffer.from(fingerprint).toString('base64url')} ${idOf(row['id'])}`, integerOf(row, 'number'))
    }
  }
  return ({ fingerprint, entryId }) => known.get(`${fingerprint} ${entryId}`)
}

/** Finds entries of a session's main part by the stream that is their home and their first byte. */
function entryFinder(database: DatabaseSync, session: number): (stream: number, start: number) => number | undefined {
  const streams = new Map<number, Map<number, number>>()
  return (stream, start) => {
    const known = streams.get(stream) ?? startsOf(database, session, stream)
    streams.set(stream, known)
    return known.get(start)
  }
}

function startsOf(database: DatabaseSync, session: number, stream: number): Map<number, number> {
  const starts = new Map<number, number>()
  const own = statement(
    database,
    `SELECT e.number, e.start FROM stream s JOIN run r ON r.stream = s.number JOIN entry e ON e.number BETWEEN r.first AND r.last
     WHERE s.session = ? AND s.part = 'main' AND s.stream = ?`,
  )
  for (const row of own.iterate(session, stream)) starts.set(integerOf(row, 'start'), integerOf(row, 'number'))
  const copies = statement(
    database,
    `SELECT c.entry AS number, c.start FROM stream s JOIN copy c ON c.stream = s.number WHERE s.session = ? AND s.part = 'main' AND s.stream = ?`,
  )
  for (const row of copies.iterate(session, stream)) starts.set(integerOf(row, 'start'), integerOf(row, 'number'))
  return starts
}

function toolNumberOf(database: DatabaseSync, name: string): number {
  const known = optionalIntegerOf(statement(database, 'SELECT number FROM tool WHERE name = ?').get(name), 'number')
  return known ?? Number(statement(database, 'INSERT INTO tool (name) VALUES (?)').run(name).lastInsertRowid)
}
