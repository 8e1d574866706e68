import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type IndexProgress, type Key, parseKey, type SearchIndex, type SessionProgress } from '@palimpsest/core'
import { DamagedIndexError, integerOf, optionalIntegerOf, optionalTextOf, textOf } from './columns.ts'
import { statement, transaction } from './derived-file.ts'
import { forgetCompactions, keepDropped } from './dropped.ts'
import { entryCount, findEntries, sameEntries } from './finding.ts'
import { mergeSegments } from './merging.ts'
import { schemaVersion } from './schema.ts'
import { inMemory, searchDatabase } from './search-database.ts'
import { addBatch, forgetSession, forgetStream, sessionNumberOf } from './writing.ts'

/** Where an index lies. */
export interface SqliteSearchIndexOptions {
  /** Of one store alone. Made where it doesn't exist, with mode 0700; the file in it has 0600. Without one the index is in memory. */
  readonly folder?: string | undefined
  /** Gives Node's own SQLite, when the index is first used. */
  readonly sqlite: () => typeof import('node:sqlite')
  /** How long a write waits for another process's, by default 5,000. */
  readonly busyMs?: number | undefined
}

/** An index in a file, `search-<version>.sqlite`, shared by all processes of this machine. Nothing is opened before it is first used. */
export function createSqliteSearchIndex({ folder, sqlite, busyMs = 5_000 }: SqliteSearchIndexOptions): SearchIndex {
  const pathOf = (version: number) => (folder === undefined ? inMemory : join(folder, `search-${version}.sqlite`))
  const olderPaths = folder === undefined ? [] : Array.from({ length: schemaVersion - 1 }, (_, older) => pathOf(older + 1))
  const file = searchDatabase(pathOf(schemaVersion), { busyMs, sqlite, olderPaths })
  const write = <Value>(work: (database: DatabaseSync) => Value): Promise<Value> =>
    file.run((database) => transaction(database, () => work(database)))
  return {
    progress: (options) => file.run(readProgress, options),
    advance: (from, to) =>
      write((database) => {
        if (readProgress(database).token === from) writeProgress(database, to)
      }),
    async settled(names) {
      const left = await write((database) => {
        const { token, waiting } = readProgress(database)
        const rest = waiting.filter((name) => !names.includes(name))
        writeProgress(database, { token, waiting: rest })
        return rest.length
      })
      if (left > 0) return
      await mergeSegments(file)
      await file.fold()
    },
    session: (name, options) => file.run((database) => sessionProgress(database, name), options),
    sessions: (options) =>
      file.run((database) => {
        const rows = statement(database, 'SELECT name FROM session').all()
        return rows.map((row) => parseKey(textOf(row, 'name')))
      }, options),
    add: (batch) => write((database) => addBatch(database, batch)),
    dropped: (dropped) => write((database) => keepDropped(database, dropped)),
    complete: (session, commit, checkpointIds) =>
      write((database) => {
        const number = sessionNumberOf(database, session)
        const known = new Set(checkpointIds)
        forgetCompactions(database, number, (id) => !known.has(id))
        statement(database, 'UPDATE session SET commitId = ?, cwd = ? WHERE number = ?').run(commit, session.cwd ?? null, number)
      }),
    forgetStream: (name, part, stream) =>
      write((database) => {
        const number = numberOf(database, name)
        if (number !== undefined) forgetStream(database, number, part, stream)
      }),
    forget: (names) =>
      write((database) => {
        for (const name of names) forgetSession(database, name)
      }),
    find: (request) => file.run((database) => findEntries(database, request), request),
    same: (fingerprints, request) => file.run((database) => sameEntries(database, fingerprints, request), request),
    async clear() {
      file.discard()
    },
    size: async () => ({ ...(await file.run(heldBy)), sizeBytes: file.sizeBytes() }),
    close: file.close,
  }
}

function readProgress(database: DatabaseSync): IndexProgress {
  const row = statement(database, 'SELECT token, waiting FROM progress').get()
  return { token: optionalTextOf(row, 'token'), waiting: waitingNames(textOf(row, 'waiting')) }
}

function waitingNames(text: string): readonly Key[] {
  try {
    const names: unknown = JSON.parse(text)
    return Array.isArray(names) ? names.map((name) => parseKey(String(name))) : []
  } catch (cause) {
    throw new DamagedIndexError('The search index does not name the sessions that wait.', { cause })
  }
}

function writeProgress(database: DatabaseSync, { token, waiting }: IndexProgress): void {
  statement(database, 'UPDATE progress SET token = ?, waiting = ?').run(token ?? null, JSON.stringify(waiting))
}

/** Streams of a part share what they have in common: its longest counts. */
function heldBy(database: DatabaseSync): { readonly entries: number; readonly sessions: number; readonly transcriptBytes: number } {
  const longest = 'SELECT session, max(bytes) AS bytes FROM stream GROUP BY session, part'
  const row = statement(database, `SELECT count(DISTINCT session) AS sessions, coalesce(sum(bytes), 0) AS bytes FROM (${longest})`).get()
  return { entries: entryCount(database), sessions: integerOf(row, 'sessions'), transcriptBytes: integerOf(row, 'bytes') }
}

function numberOf(database: DatabaseSync, name: Key): number | undefined {
  return optionalIntegerOf(statement(database, 'SELECT number FROM session WHERE name = ?').get(name), 'number')
}

function sessionProgress(database: DatabaseSync, name: Key): SessionProgress | undefined {
  const row = statement(database, 'SELECT number, commitId FROM session WHERE name = ?').get(name)
  if (row === undefined) return undefined
  const number = integerOf(row, 'number')
  const streams = statement(database, 'SELECT * FROM stream WHERE session = ? ORDER BY part, stream').all(number)
  const compactions = statement(database, 'SELECT checkpointId, record FROM compaction WHERE session = ?').all(number)
  return {
    commit: optionalTextOf(row, 'commitId'),
    streams: streams.map((stream) => ({
      part: textOf(stream, 'part'),
      stream: integerOf(stream, 'stream'),
      bytes: integerOf(stream, 'bytes'),
      resume: { start: integerOf(stream, 'resumeStart'), line: integerOf(stream, 'resumeLine') },
      digest: textOf(stream, 'digest'),
    })),
    checkpoints: new Map(compactions.map((compaction) => [textOf(compaction, 'checkpointId'), textOf(compaction, 'record')])),
  }
}
