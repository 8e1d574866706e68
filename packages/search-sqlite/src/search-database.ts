import { lstatSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type AbortOptions, CheckpointError } from '@palimpsest/core'
import { DamagedIndexError } from './columns.ts'
import { busyCodes, busyTimeoutMs, createPrivately, deleteDerived, inodeOf, resultCode } from './derived-file.ts'
import { createTables, schemaVersion, versionOf } from './schema.ts'

const longestLogBytes = 256 * 1024

/** SQLite's primary result codes. */
const refusedCodes: ReadonlySet<number> = new Set([3, 8, 13, 14, 23])
const damageCodes: ReadonlySet<number> = new Set([11, 26])
/** Those of a file that may be sound, but not be written: permission, read-only, can't open. */
const unwritableCodes: ReadonlySet<number> = new Set([3, 8, 14])

type Sqlite = typeof import('node:sqlite')

/** The file of an index, which may be discarded at any time, by this process or another. */
export interface SearchDatabase {
  /**
   * Runs `work`, which is synchronous and may be run again. Opens the file when it has to; a damaged or foreign one is deleted and begun again,
   * one that another process has replaced is opened anew, one that can't be written is opened to be read. Waits some seconds for other writers.
   * Throws `STORAGE_UNAVAILABLE` where the file stays locked or can't be read, and where damage shows only in `work`: then the file was begun anew,
   * and what was answered before is to be asked again (`operation` is `begin the search index anew`). Throws `STORAGE_REFUSED` where it can't be written.
   */
  run<Value>(work: (database: DatabaseSync) => Value, options?: AbortOptions): Promise<Value>
  /** Deletes the file, so that every process begins again. Throws `STORAGE_REFUSED` where that can't be, or something else is in its place. */
  discard(): void
  /** Empties the log of what was written last into the file, once that is long and nobody reads. */
  fold(): Promise<void>
  /** Bytes of the file and what stands beside it. */
  sizeBytes(): number
  /** Idempotent; `run` throws afterwards. */
  close(): void
}

/** The `operation` of errors that say why the file can't be used, as it is. */
export const cannotBeUsed = 'use the search index'

/** A database in the memory of this process alone. */
export const inMemory = ':memory:'

/** How a database is opened. */
export interface SearchDatabaseOptions {
  /** How long it waits for other writers. */
  readonly busyMs: number
  readonly sqlite: () => Sqlite
  /** What older versions left: deleted once a database of this one is begun. */
  readonly olderPaths?: readonly string[]
}

/** The database at `path`, or one `inMemory`, not yet opened. */
export function searchDatabase(path: string, { busyMs, sqlite, olderPaths = [] }: SearchDatabaseOptions): SearchDatabase {
  let opened: { readonly database: DatabaseSync; readonly inode: bigint | undefined } | undefined
  let closed = false

  const release = () => {
    const { database } = opened ?? {}
    opened = undefined
    database?.close()
  }
  const discard = () => {
    release()
    if (path === inMemory) return
    try {
      refuseOther(path)
      deleteDerived(path)
    } catch (error) {
      throw error instanceof CheckpointError ? error : failure(path, 0, error)
    }
  }
  const current = () => {
    if (closed) throw new CheckpointError('STORAGE_UNAVAILABLE', 'The search index is closed.', { operation: 'search' })
    if (opened !== undefined && fileInode(path) !== opened.inode) release()
    opened ??= openDatabase(path, sqlite, olderPaths)
    return opened.database
  }
  const sizeOf = (suffix: string) => statSync(`${path}${suffix}`, { throwIfNoEntry: false })?.size ?? 0
  const run: SearchDatabase['run'] = async (work, options = {}) => {
    let renewed = false
    for (const began = performance.now(); ; ) {
      options.signal?.throwIfAborted()
      try {
        return work(current())
      } catch (error) {
        if (error instanceof CheckpointError) throw error
        const code = resultCode(error)
        if (busyCodes.has(code) && performance.now() - began < busyMs) {
          await wait(5 + Math.random() * 20)
          continue
        }
        if (isDamage(error, code)) {
          const wasAsked = opened !== undefined
          discard()
          if (wasAsked || renewed) throw begunAnew(path, error)
          renewed = true
          continue
        }
        // A transaction that could not be rolled back ends with its connection.
        release()
        throw code === 0 && !isOfFiles(error) ? error : failure(path, code, error)
      }
    }
  }
  return {
    run,
    async fold() {
      if (sizeOf('-wal') > longestLogBytes) await run((database) => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    },
    discard() {
      if (!closed) discard()
    },
    sizeBytes: () => sizeOf('') + sizeOf('-wal') + sizeOf('-shm'),
    close() {
      closed = true
      release()
    },
  }
}

interface OpenDatabase {
  readonly database: DatabaseSync
  readonly inode: bigint | undefined
}

function openDatabase(path: string, sqlite: () => Sqlite, olderPaths: readonly string[]): OpenDatabase {
  if (path !== inMemory) refuseOther(path)
  try {
    return openToWrite(path, sqlite, olderPaths)
  } catch (error) {
    if (!unwritableCodes.has(resultCode(error)) || !isWhole(path)) throw error
    return openToRead(path, sqlite)
  }
}

function openToWrite(path: string, sqlite: () => Sqlite, olderPaths: readonly string[]): OpenDatabase {
  const { DatabaseSync: Database } = sqlite()
  if (path !== inMemory) createPrivately(path)
  const inode = fileInode(path)
  const database = new Database(path)
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    // A new file can give pages back that it does not need. Of an existing one this asks for the lock, which another process may hold.
    if (versionOf(database) === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL')
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 1048576; PRAGMA wal_autocheckpoint = 4000',
    )
    if (versionOf(database) === 0) {
      createTables(database)
      for (const older of olderPaths) deleteDerived(older)
    }
    return { database: ofThisVersion(database), inode }
  } catch (error) {
    database.close()
    throw error
  }
}

/** In a folder that can't be written SQLite can't make the files that stand beside a log: it is told that nobody writes. */
function openToRead(path: string, sqlite: () => Sqlite): OpenDatabase {
  const { DatabaseSync: Database } = sqlite()
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  const inode = fileInode(path)
  const database = new Database(url, { readOnly: true })
  try {
    return { database: ofThisVersion(database), inode }
  } catch (error) {
    database.close()
    throw error
  }
}

function ofThisVersion(database: DatabaseSync): DatabaseSync {
  const version = versionOf(database)
  if (version !== schemaVersion) throw new DamagedIndexError(`The search index has version ${version}, not ${schemaVersion}.`)
  return database
}

/** Whether the file has everything in it: nothing is left in a log that only who may write could bring in. */
function isWhole(path: string): boolean {
  const sizeOf = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0
  return path !== inMemory && sizeOf(path) > 0 && sizeOf(`${path}-wal`) === 0
}

/** A folder, or a link to somewhere else, is no index of ours: it is neither followed nor deleted. Throws `STORAGE_REFUSED`. */
function refuseOther(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    const found = lstatSync(`${path}${suffix}`, { throwIfNoEntry: false })
    if (found === undefined || found.isFile()) continue
    const kind = found.isDirectory() ? 'a folder' : found.isSymbolicLink() ? 'a link to somewhere else' : 'no file'
    throw new CheckpointError(
      'STORAGE_REFUSED',
      `${path}${suffix}, where the search index belongs, is ${kind}. Nothing of it was touched. Move it away, then: palimpsest index --rebuild`,
      { operation: cannotBeUsed },
    )
  }
}

function fileInode(path: string): bigint | undefined {
  return path === inMemory ? undefined : inodeOf(path)
}

function failure(path: string, code: number, cause: unknown): CheckpointError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const details = { operation: cannotBeUsed }
  if (busyCodes.has(code)) {
    return new CheckpointError(
      'STORAGE_UNAVAILABLE',
      `The search index ${path} is locked by another process. Try again; if it stays locked, end that process, then: palimpsest index --rebuild`,
      details,
      { cause },
    )
  }
  if (isOfFiles(cause) && (cause.code === 'EEXIST' || cause.code === 'ENOTDIR')) {
    return new CheckpointError(
      'STORAGE_REFUSED',
      `The search index can't be kept in ${dirname(path)}: a file is in the place of this folder or of one above it. Move the file away, then: palimpsest index --rebuild`,
      details,
      { cause },
    )
  }
  const isRefused = refusedCodes.has(code) || (isOfFiles(cause) && refusedErrnos.has(cause.code))
  return new CheckpointError(
    isRefused ? 'STORAGE_REFUSED' : 'STORAGE_UNAVAILABLE',
    `The search index ${path} can't be used: ${message}. It holds nothing that is not stored elsewhere; once there is room and permission: palimpsest index --rebuild`,
    details,
    { cause },
  )
}

const refusedErrnos: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EISDIR'])

/** What was read before came from an index that is no more. */
function begunAnew(path: string, cause: unknown): CheckpointError {
  return new CheckpointError(
    'STORAGE_UNAVAILABLE',
    `The search index ${path} was damaged and has been deleted. Everything in it is stored elsewhere: run this again, and it is made anew.`,
    { operation: 'begin the search index anew' },
    { cause },
  )
}

/** Whether the file is none that can be used, ever: it is damaged, no database, or one of another version. */
function isDamage(error: unknown, code: number): boolean {
  if (error instanceof DamagedIndexError || damageCodes.has(code)) return true
  return code === 1 && error instanceof Error && /^no such (table|column)/.test(error.message)
}

function isOfFiles(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error
}
