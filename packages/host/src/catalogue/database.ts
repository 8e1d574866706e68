import { lstatSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import type { AbortOptions } from '@palimpsest/core'
import { busyCodes, busyTimeoutMs, createPrivately, deleteDerived, inodeOf, resultCode } from '@palimpsest/search-sqlite'
import { createTables, forgetOtherStore, schemaVersion, versionOf } from './schema.ts'
import { loadSqlite } from './sqlite.ts'

const busyTries = 200

/** SQLite's primary result codes for a file that can't be used now but may be sound: permission, busy, locked, memory, read-only, I/O, full, … */
const passingCodes: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 22, 23])

/** A database file that may be discarded at any time, by this process or another. */
export interface CatalogueDatabase {
  /**
   * Runs `work`, which is synchronous and may be run again. Opens the file when it has to; a damaged, foreign or differently versioned file is
   * deleted and begun again, and a file that another process has replaced is opened anew. Waits up to some seconds for other writers.
   */
  run<Value>(work: (database: DatabaseSync) => Value, options?: AbortOptions): Promise<Value>
  /** Opens the file anew at the next operation, and asks again whose it is. */
  renew(): void
  /** Deletes the file, so that every process begins again. Nothing happens after `close`. */
  discard(): void
  /** Idempotent; `run` throws afterwards. */
  close(): void
}

/** The database at `path`, not yet opened. `storeIdentity` is asked at each opening: what is known of another store is forgotten. */
export function catalogueDatabase(path: string, storeIdentity?: () => string): CatalogueDatabase {
  let opened: { readonly database: DatabaseSync; readonly inode: bigint | undefined } | undefined
  let closed = false

  const release = () => {
    const { database } = opened ?? {}
    opened = undefined
    database?.close()
  }
  const discard = () => {
    release()
    deleteDerived(path)
  }
  const current = () => {
    if (closed) throw new Error('The catalogue is closed.')
    if (opened !== undefined && inodeOf(path) !== opened.inode) release()
    opened ??= openDatabase(path, storeIdentity?.())
    return opened.database
  }
  return {
    async run(work, options = {}) {
      let renewed = false
      for (let tries = 1; ; tries += 1) {
        options.signal?.throwIfAborted()
        try {
          return work(current())
        } catch (error) {
          const code = resultCode(error)
          if (busyCodes.has(code) && tries < busyTries) {
            await wait(5 + Math.random() * 20)
            continue
          }
          if (closed || renewed) throw error
          renewed = true
          if (passingCodes.has(code)) release()
          else discard()
        }
      }
    },
    renew: release,
    discard() {
      if (!closed) discard()
    },
    close() {
      closed = true
      release()
    },
  }
}

/** A database in the memory of this process alone, with which nothing can go wrong. */
export function memoryDatabase(): CatalogueDatabase {
  const { DatabaseSync: Database } = loadSqlite()
  const database = new Database(':memory:')
  createTables(database)
  return {
    run: async (work, options) => {
      options?.signal?.throwIfAborted()
      return work(database)
    },
    renew: () => {},
    discard: () => {},
    close: () => database.close(),
  }
}

function openDatabase(path: string, storeIdentity: string | undefined): { database: DatabaseSync; inode: bigint | undefined } {
  const { DatabaseSync: Database } = loadSqlite()
  // A link would have tables made in somebody else's database; it goes as a damaged file does, and what it leads to stays.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw new Error('The catalogue is a link to somewhere else.')
  createPrivately(path)
  const inode = inodeOf(path)
  const database = new Database(path)
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`)
    if (versionOf(database) === 0) createTables(database)
    const version = versionOf(database)
    if (version !== schemaVersion) throw new Error(`The catalogue has version ${version}, not ${schemaVersion}.`)
    if (storeIdentity !== undefined) forgetOtherStore(database, storeIdentity)
    return { database, inode }
  } catch (error) {
    database.close()
    throw error
  }
}
