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
 * writer. One without is read with no lock at all, so that no file appears beside it; so is one whose log was left behind where no reader's mark can
 * be made for it, as on a disk that can only be read. What is read without locks is read once more where it was written meanwhile: what was made of it
 * is then given to `discard`. Throws `TRANSCRIPT_UNREADABLE`.
 */
export async function readDatabase<Result>(
  path: string,
  use: (database: DatabaseSync) => Promise<Result>,
  discard: (result: Result) => Promise<void> = async () => undefined,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await stateOf(path)
    const { result, access } = await readSomehow(path, before.isQuiet ? ['immutable'] : ['beside', 'logged'], use)
    if (access === 'beside' || (await stateOf(path)).written === before.written) return result
    await discard(result)
    if (attempt === attempts) throw failed(path, 'it was written each time it was read. Try again.')
  }
}

/**
 * How a database is opened: as one that nobody writes, its log passed over; as SQLite's readers are, with their mark in a file beside the log; with that
 * mark in memory, and no lock.
 */
type Access = 'immutable' | 'beside' | 'logged'

/** Reads by the first of the ways by which the database can be opened. */
async function readSomehow<Result>(
  path: string,
  [access, ...others]: readonly [Access, ...Access[]],
  use: (database: DatabaseSync) => Promise<Result>,
): Promise<{ readonly result: Result; readonly access: Access }> {
  const { DatabaseSync } = loadSqlite()
  let database: DatabaseSync | undefined
  let isOpen = false
  try {
    const url = pathToFileURL(path)
    if (access === 'immutable') url.searchParams.set('immutable', '1')
    // The files' own locks are not taken, and in that mode SQLite keeps what it knows of the log in memory.
    if (access === 'logged') url.searchParams.set('vfs', 'unix-none')
    database = new DatabaseSync(url, { readOnly: true })
    if (access === 'logged') database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA query_only = 1; BEGIN`)
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    isOpen = true
    return { result: await use(database), access }
  } catch (error) {
    if (error instanceof CheckpointError || !isSqliteError(error)) throw error
    const [next, ...rest] = others
    if (next === undefined || isOpen || !isUnopened(error)) throw failed(path, whyFailed(error), error)
    return await readSomehow(path, [next, ...rest], use)
  } finally {
    database?.close()
  }
}

/** What SQLite says where it could not make the files that its readers need. */
function isUnopened(error: unknown): boolean {
  return error instanceof Error && /unable to open database file|readonly database/.test(error.message) && process.platform !== 'win32'
}

/** Whether a database has neither a log nor a journal, and what changes when it is written. */
async function stateOf(path: string): Promise<{ readonly isQuiet: boolean; readonly written: string }> {
  const main = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (!main.isFile()) throw notARegularFile(path, await stat(path))
  const log = await sizeOf(`${path}-wal`)
  const journal = await sizeOf(`${path}-journal`)
  const isQuiet = log.size + journal.size === 0n
  const written = [main, log, journal].flatMap(({ size, mtimeNs }) => [size, mtimeNs])
  return { isQuiet, written: [main.ino, ...written].join(' ') }
}

async function sizeOf(path: string): Promise<{ readonly size: bigint; readonly mtimeNs: bigint }> {
  try {
    return await stat(path, { bigint: true })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { size: 0n, mtimeNs: 0n }
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
