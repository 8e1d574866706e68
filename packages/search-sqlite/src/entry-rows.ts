import type { DatabaseSync } from 'node:sqlite'
import { type EntryKind, type EntryRole, type IndexedPlace, leadingCount } from '@palimpsest/core'
import { bytesOf, integerOf, optionalIntegerOf, optionalTextOf, type SqlRow, textOf } from './columns.ts'
import { statement } from './derived-file.ts'
import { idOf, ofShape } from './entry-shape.ts'

/** A session as hits are narrowed by it. */
interface SessionRow {
  readonly number: number
  readonly name: string
  readonly agent: string
  readonly cwd: string | undefined
}

/** An entry as it is indexed, without the streams that have it too. */
export interface EntryRow extends IndexedPlace {
  readonly number: number
  readonly pieces: number
  readonly session: SessionRow
  readonly id: string
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly tool: string | undefined
  readonly createdAt: number | undefined
  readonly fingerprint: string
  readonly droppedBy: number | undefined
  readonly note: string | undefined
}

/** Looks entries up by the rowids of `words`, for one query. */
export interface EntryRows {
  /** Reads these entries at once: looked up one by one they take three times as long. */
  load(numbers: readonly number[]): void
  entry(number: number): EntryRow
  sessionOf(number: number): SessionRow
  /** At most `count` entries that stand before one, or behind it, in the same batch of its stream, the nearest first. */
  before(number: number, count: number): readonly number[]
  behind(number: number, count: number): readonly number[]
}

interface Run {
  readonly first: number
  readonly last: number
  readonly stream: number
}

interface StreamRow {
  readonly session: SessionRow
  readonly part: string
  readonly stream: number
}

/** For one query: what is looked up once is remembered. */
export function entryRows(database: DatabaseSync): EntryRows {
  const entries = new Map<number, EntryRow>()
  const tools = new Map<number, string>()
  /** By their first numbers. */
  const runs: Run[] = []
  const streams = new Map<number, StreamRow>()
  const placeOf = (rowid: number) => leadingCount(runs.length, (at) => (runs[at]?.first ?? 0) <= rowid)
  const remember = (run: Run) => {
    const before = placeOf(run.first)
    if (runs[before - 1]?.first !== run.first) runs.splice(before, 0, run)
  }
  const runOf = (rowid: number): Run => {
    const known = runs[placeOf(rowid) - 1]
    if (known !== undefined && known.last >= rowid) return known
    const row = statement(database, 'SELECT first, last, stream FROM run WHERE first <= ? ORDER BY first DESC LIMIT 1').get(rowid)
    const run = { first: integerOf(row, 'first'), last: integerOf(row, 'last'), stream: integerOf(row, 'stream') }
    remember(run)
    return run
  }
  const streamRow = (number: number): StreamRow => {
    const stream = runOf(number).stream
    const known = streams.get(stream) ?? readStream(database, stream)
    streams.set(stream, known)
    return known
  }
  const numberOf = (rowid: number): number => {
    if (entries.has(rowid)) return rowid
    const row = statement(database, 'SELECT number FROM entry WHERE number <= ? ORDER BY number DESC LIMIT 1').get(rowid)
    return integerOf(row, 'number')
  }
  const entry = (number: number): EntryRow => {
    const known = entries.get(number) ?? entryOf(database, readEntry(database, number), streamRow(number), tools)
    entries.set(number, known)
    return known
  }
  return {
    load(numbers) {
      const wanted = numbers.filter((number) => !entries.has(number))
      if (wanted.length === 0) return
      const rows = statement(
        database,
        `SELECT e.*, r.first, r.last, r.stream FROM json_each(?) AS wanted CROSS JOIN entry AS e ON e.number = wanted.value
         CROSS JOIN run AS r ON r.first = (SELECT first FROM run WHERE first <= e.number ORDER BY first DESC LIMIT 1)`,
      )
      for (const row of rows.all(JSON.stringify(wanted))) {
        const number = integerOf(row, 'number')
        remember({ first: integerOf(row, 'first'), last: integerOf(row, 'last'), stream: integerOf(row, 'stream') })
        entries.set(number, entryOf(database, row, streamRow(number), tools))
      }
    },
    entry,
    sessionOf: (number) => streamRow(number).session,
    before(number, count) {
      const { first } = runOf(number)
      const found: number[] = []
      for (let at = number; found.length < count && at > first; ) {
        at = numberOf(at - 1)
        found.push(at)
      }
      return found
    },
    behind(number, count) {
      const { last } = runOf(number)
      const found: number[] = []
      for (let at = number + entry(number).pieces; found.length < count && at <= last; at += entry(at).pieces) found.push(at)
      return found
    },
  }
}

/** What tells the text of a row of `entry` from others. */
function fingerprintOf(row: SqlRow | undefined): string {
  const { buffer, byteOffset, byteLength } = bytesOf(row, 'fingerprint')
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64url')
}

/** The other places of an entry: where a rewritten transcript has it again. */
export function copiesOf(database: DatabaseSync, number: number): readonly IndexedPlace[] {
  const rows = statement(
    database,
    'SELECT s.part, s.stream, c.start, c.sizeBytes, c.line FROM copy c JOIN stream s ON s.number = c.stream WHERE c.entry = ?',
  ).all(number)
  return rows.map((row) => ({
    part: textOf(row, 'part'),
    stream: integerOf(row, 'stream'),
    line: integerOf(row, 'line'),
    start: integerOf(row, 'start'),
    end: integerOf(row, 'start') + integerOf(row, 'sizeBytes'),
  }))
}

/** Ids of the checkpoints whose compactions dropped an entry. */
export function droppersOf(database: DatabaseSync, { number, droppedBy }: EntryRow): readonly string[] {
  if (droppedBy === undefined) return []
  const rows = statement(
    database,
    `SELECT checkpointId FROM compaction WHERE number = ?1
     UNION SELECT c.checkpointId FROM droppedAgain a JOIN compaction c ON c.number = a.compaction WHERE a.entry = ?2`,
  ).all(droppedBy, number)
  return rows.map((row) => textOf(row, 'checkpointId')).sort()
}

function readStream(database: DatabaseSync, number: number): StreamRow {
  const row = statement(
    database,
    'SELECT s.part, s.stream, n.number, n.name, n.agent, n.cwd FROM stream s JOIN session n ON n.number = s.session WHERE s.number = ?',
  ).get(number)
  return {
    part: textOf(row, 'part'),
    stream: integerOf(row, 'stream'),
    session: { number: integerOf(row, 'number'), name: textOf(row, 'name'), agent: textOf(row, 'agent'), cwd: optionalTextOf(row, 'cwd') },
  }
}

function readEntry(database: DatabaseSync, number: number): SqlRow | undefined {
  return statement(database, 'SELECT * FROM entry WHERE number = ?').get(number)
}

function entryOf(
  database: DatabaseSync,
  row: SqlRow | undefined,
  { session, part, stream }: StreamRow,
  tools: Map<number, string>,
): EntryRow {
  const start = integerOf(row, 'start')
  const toolNumber = optionalIntegerOf(row, 'tool')
  return {
    number: integerOf(row, 'number'),
    pieces: integerOf(row, 'pieces'),
    session,
    part,
    stream,
    line: integerOf(row, 'line'),
    start,
    end: start + integerOf(row, 'sizeBytes'),
    // Most rows are read to be ranked, and these two cost as much as all else.
    get id() {
      return idOf(row?.['id'])
    },
    get fingerprint() {
      return fingerprintOf(row)
    },
    ...ofShape(integerOf(row, 'shape')),
    tool: toolNumber === undefined ? undefined : toolName(database, toolNumber, tools),
    createdAt: optionalIntegerOf(row, 'createdAt'),
    droppedBy: optionalIntegerOf(row, 'droppedBy'),
    note: optionalTextOf(row, 'note'),
  }
}

function toolName(database: DatabaseSync, number: number, known: Map<number, string>): string | undefined {
  const name = known.get(number) ?? optionalTextOf(statement(database, 'SELECT name FROM tool WHERE number = ?').get(number), 'name')
  if (name !== undefined) known.set(number, name)
  return name
}
