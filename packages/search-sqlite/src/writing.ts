import type { DatabaseSync } from 'node:sqlite'
import type { IndexedSessionFacts, Key, PartName, SearchableEntry, SearchBatch, StreamProgress } from '@palimpsest/core'
import { integerOf, optionalIntegerOf } from './columns.ts'
import { statement } from './derived-file.ts'
import { forgetCompactions } from './dropped.ts'
import { idOf, shapeOf, storedId } from './entry-shape.ts'
import { gramsOf, spaced } from './grams.ts'
import { overlapCharacters, piecesOf } from './pieces.ts'
import { readsAsProse } from './stop-words.ts'
import { wordForms } from './word-forms.ts'

/** What goes into a tool and comes out of it is short enough, up to this length, to be taken for prose, whatever it is. */
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
    `INSERT INTO entry (number, pieces, start, sizeBytes, line, id, shape, tool, createdAt, fingerprint, note, original, continued)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const copied = statement(database, 'INSERT OR REPLACE INTO copy VALUES (?, ?, ?, ?, ?)')
  const known = stream.stream > 0 ? knownEntries(database, stream) : undefined
  let next = last + 1
  let firstStart: number | undefined
  let before: { readonly text: string; readonly number: number } | undefined
  for (const entry of entries) {
    if (entry.text === '') continue
    const { start, end, line, entryId, tool, createdAt, note } = entry
    const original = known?.(entry)
    if (original !== undefined) {
      copied.run(stream.number, start, end - start, line, original)
      continue
    }
    const fingerprint = Buffer.from(entry.fingerprint, 'base64url')
    const isState = entry.role === undefined && tool === undefined
    const repeated = isState ? originalOf(database, stream.number, fingerprint, next) : undefined
    const grown = isState && repeated === undefined && before !== undefined && isGrown(entry.text, before.text) ? before : undefined
    const pieces = repeated === undefined ? piecesOf(newBehind(entry.text, grown?.text)) : []
    if (isState) before = { text: entry.text, number: repeated ?? next }
    const numbers = Math.max(1, pieces.length)
    const toolNumber = tool === undefined ? null : toolNumberOf(database, tool)
    insert.run(
      next,
      numbers,
      start,
      end - start,
      line,
      storedId(entryId),
      shapeOf(entry),
      toolNumber,
      createdAt ?? null,
      fingerprint,
      note ?? null,
      repeated ?? null,
      grown?.number ?? null,
    )
    addWords(database, next, entry, pieces)
    firstStart ??= start
    next += numbers
  }
  if (firstStart !== undefined) {
    statement(database, 'INSERT INTO run VALUES (?, ?, ?, ?)').run(last + 1, next - 1, stream.number, firstStart)
  }
}

/** Whether a text says what another did, and more: of a command's output a client writes down all that there is so far, again and again. */
function isGrown(text: string, before: string): boolean {
  return before.length > overlapCharacters && text.startsWith(before)
}

/** What a text says behind one that it begins with, and what may lie across the end of that. */
function newBehind(text: string, before: string | undefined): string {
  return before === undefined ? text : text.slice(before.length - overlapCharacters)
}

/** The entry of a stream that already says the same; from now on that is `number` where there is none. */
function originalOf(database: DatabaseSync, stream: number, fingerprint: Uint8Array, number: number): number | undefined {
  const row = statement(database, 'SELECT entry FROM original WHERE stream = ? AND fingerprint = ?').get(stream, fingerprint)
  if (row !== undefined) return integerOf(row, 'entry')
  statement(database, 'INSERT INTO original VALUES (?, ?, ?)').run(stream, fingerprint, number)
  return undefined
}

function addWords(database: DatabaseSync, number: number, entry: SearchableEntry, pieces: readonly string[]): void {
  const insert = statement(database, 'INSERT INTO words (rowid, text, stems, parts, grams) VALUES (?, ?, ?, ?, ?)')
  const isSaid = entry.role !== 'tool' && entry.tool === undefined
  const isProse = isSaid || entry.text.length <= shortCharacters || readsAsProse(entry.text)
  pieces.forEach((piece, at) => {
    const { stems, parts, hasGrams } = wordForms(piece, isProse)
    // The name of a tool is looked up as any other word is.
    const named = entry.tool === undefined || at > 0 ? parts : `${entry.tool} ${parts}`
    insert.run(number + at, hasGrams ? spaced(piece) : piece, stems, named, hasGrams ? gramsOf(piece) : '')
  })
}

/** Removes the entries of a stream that begin at `start` or behind it, and the copies there. */
function removeFrom(database: DatabaseSync, stream: number, start: number): void {
  statement(database, 'DELETE FROM copy WHERE stream = ? AND start >= ?').run(stream, start)
  statement(database, 'DELETE FROM original WHERE stream = ? AND (SELECT start FROM entry WHERE number = original.entry) >= ?').run(
    stream,
    start,
  )
  const runs = statement(
    database,
    'SELECT first, last FROM run WHERE stream = ?1 AND start >= coalesce((SELECT max(start) FROM run WHERE stream = ?1 AND start <= ?2), 0)',
  )
  for (const run of runs.all(stream, start)) {
    const first = integerOf(run, 'first')
    const gone = statement(database, 'SELECT number, pieces, original FROM entry WHERE number BETWEEN ? AND ? AND start >= ?').all(
      first,
      integerOf(run, 'last'),
      start,
    )
    for (const row of gone) removeEntry(database, integerOf(row, 'number'), row['original'] === null ? integerOf(row, 'pieces') : 0)
    const left = gone[0] === undefined ? undefined : integerOf(gone[0], 'number') - 1
    if (left === undefined) continue
    if (left < first) statement(database, 'DELETE FROM run WHERE first = ?').run(first)
    else statement(database, 'UPDATE run SET last = ? WHERE first = ?').run(left, first)
  }
}

/** `pieces`: in how many rows of `words` it stands. */
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

function toolNumberOf(database: DatabaseSync, name: string): number {
  const known = optionalIntegerOf(statement(database, 'SELECT number FROM tool WHERE name = ?').get(name), 'number')
  return known ?? Number(statement(database, 'INSERT INTO tool (name) VALUES (?)').run(name).lastInsertRowid)
}
