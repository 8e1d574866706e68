import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalogue } from '@palimpsest/core'
import { transaction } from '@palimpsest/search-sqlite'
import { markChanging, type Writer, writeProgress, writeSession } from './changes.ts'
import { type CatalogueDatabase, catalogueDatabase, memoryDatabase } from './database.ts'
import { checkpointsEndingIn, knownNames, knownProgress, markedNames, newestCheckpoints, newestSessions } from './queries.ts'
import { changingNames, commitCounts, type ScannedRow, scannedRow, writeScanned } from './scanned.ts'

/** A catalogue in a file. */
export interface OpenCatalogue extends Catalogue {
  /** What a scan saw of a file; `undefined` where none did, and where the file of the catalogue can't be used. */
  scanned(path: string): Promise<ScannedRow | undefined>
  /** Keeps what a scan saw, in the place of what was known of these paths. What can't be kept is looked at again. */
  writeScanned(rows: readonly ScannedRow[]): Promise<void>
  /** How many commits each session's ledger has, as far as the catalogue has come; `changing` are those of which that isn't sure. */
  commits(): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly changing: ReadonlySet<string> } | undefined>
  /** Idempotent. */
  close(): void
}

/** Where a catalogue lies, and of which store it is. */
export interface CatalogueOptions {
  /** Of this catalogue alone. Made where it doesn't exist, with mode 0700; `catalogue.sqlite` in it has 0600. */
  readonly folder: string
  /** Tells one store at a place from a later one at the same place; what was known of the other is forgotten. By default nobody looks. */
  readonly storeIdentity?: (() => string) | undefined
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined
}

/**
 * The catalogue of a store, shared by all processes of this machine, or `undefined` where its folder can't be written. SQLite is loaded and the
 * file opened at the first operation. A damaged file, or one of another version, is deleted and begun again: losing it loses nothing.
 */
export async function openCatalogue(options: CatalogueOptions): Promise<OpenCatalogue | undefined> {
  const path = join(options.folder, 'catalogue.sqlite')
  try {
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    await access(options.folder, constants.W_OK | constants.X_OK)
  } catch {
    return undefined
  }
  const file = catalogueDatabase(path, options.storeIdentity)
  const now = options.now ?? Date.now
  const id = randomUUID()
  const writer = (): Writer => ({ id, now: now() })
  let closed = false
  /** Where the file can't be used: who then asks how far it is finds that nothing is known, and so reports every session before asking for more. */
  let memory: CatalogueDatabase | undefined
  const database = () => memory ?? file
  return {
    async changing(name) {
      try {
        await file.run((opened) => markChanging(opened, name, writer()))
      } catch (error) {
        // Without the mark the catalogue would go on saying what is no longer so: better none, for every process.
        file.discard()
        throw error
      }
    },
    async progress(abort) {
      try {
        const known = await file.run(knownProgress, abort)
        memory?.close()
        memory = undefined
        return known
      } catch (error) {
        abort?.signal?.throwIfAborted()
        if (closed) throw error
        memory ??= memoryDatabase()
        return { token: undefined, unread: [] }
      }
    },
    // In memory no list relies on what another one found.
    caughtUp: async (from, progress) => {
      if (memory === undefined) await file.run((opened) => writeProgress(opened, from, progress))
    },
    names: (abort) => (memory === undefined ? file.run(knownNames, abort) : Promise.resolve(new Set())),
    changed: (session) => database().run((opened) => writeSession(opened, session, writer())),
    stale: (abort) => database().run(markedNames, abort),
    newest: (query) => database().run((opened) => newestCheckpoints(opened, query), query),
    endingIn: (suffix, query) => database().run((opened) => checkpointsEndingIn(opened, suffix, query.limit), query),
    sessions: (query) => database().run((opened) => newestSessions(opened, query), query),
    async scanned(path) {
      return memory === undefined ? await file.run((opened) => scannedRow(opened, path)).catch(() => undefined) : undefined
    },
    async writeScanned(rows) {
      if (memory !== undefined || closed) return
      // The first import has made the store meanwhile: what is written now is of that one.
      file.renew()
      await file.run((opened) => transaction(opened, () => writeScanned(opened, rows))).catch(() => undefined)
    },
    async commits() {
      if (memory !== undefined) return undefined
      return await file.run((opened) => ({ counts: commitCounts(opened), changing: changingNames(opened) })).catch(() => undefined)
    },
    close() {
      closed = true
      memory?.close()
      memory = undefined
      file.close()
    },
  }
}
