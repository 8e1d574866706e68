import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { CheckpointError } from '@palimpsest/core'
import { errorCode, notARegularFile, unreadable } from '../files/file-errors.ts'
import { loadSqlite } from '../sqlite.ts'

const busyTimeoutMs = 5_000
const attempts = 3

/**
 * Runs `use` in one read transaction on a database that its agent may have open and be writing: what it sees is one moment. Nothing is
 * written, and no writer is waited for or kept waiting. A database with a write-ahead log is opened as SQLite's readers are, beside the
 * writer. One without is read with no lock at all, so that no file appears beside it, and once more where it was written meanwhile: what was
 * made of it is then given to `discard`. Throws `TRANSCRIPT_UNREADABLE`.
 */
export async function readDatabase<Result>(
  path: string,
  use: (database: DatabaseSync) => Promise<Result>,
  discard: (result: Result) => Promise<void> = async () => undefined,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await stateOf(path)
    const result = await readOnce(path, before.isQuiet, use)
    if (!before.isQuiet || (await stateOf(path)).written === before.written) return result
    await discard(result)
    if (attempt === attempts) throw failed(path, 'it was written each time it was read. Try again.')
  }
}

async function readOnce<Result>(path: string, isQuiet: boolean, use: (database: DatabaseSync) => Promise<Result>): Promise<Result> {
  const { DatabaseSync } = loadSqlite()
  let database: DatabaseSync | undefined
  try {
    const url = pathToFileURL(path)
    if (isQuiet) url.searchParams.set('immutable', '1')
    database = new DatabaseSync(url, { readOnly: true })
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA query_only = 1; BEGIN`)
    return await use(database)
  } catch (error) {
    throw error instanceof CheckpointError || !isSqliteError(error) ? error : failed(path, whyFailed(error), error)
  } finally {
    database?.close()
  }
}

/** Whether a database has neither a log nor a journal, and what changes when it is written. */
async function stateOf(path: string): Promise<{ readonly isQuiet: boolean; readonly written: string }> {
  const main = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (!main.isFile()) throw notARegularFile(path, await stat(path))
  const log = await sizeOf(`${path}-wal`)
  const journal = await sizeOf(`${path}-journal`)
  return { isQuiet: log + journal === 0, written: [main.ino, main.size, main.mtimeNs, log, journal].join(' ') }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw unreadable(path, error)
  }
}

function isSqliteError(error: unknown): boolean {
  return errorCode(error) === 'ERR_SQLITE_ERROR'
}

function whyFailed(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (/locked|busy/i.test(message)) return 'its agent keeps it locked. Try again in a moment.'
  if (/not a database|malformed/i.test(message)) return `it is no SQLite database, or a damaged one (${message}).`
  return `${message}. Check that this user may read it and the files beside it.`
}

function failed(path: string, why: string, cause?: unknown): CheckpointError {
  return new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} can't be read: ${why}`, { path }, cause === undefined ? {} : { cause })
}
