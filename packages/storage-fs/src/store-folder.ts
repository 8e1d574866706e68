import { randomUUID } from 'node:crypto'
import { StorageError } from '@palimpsest/core'
import { type FileSystem, hasCode, removeQuietly, statsOf } from './file-system.ts'
import { Folders } from './folders.ts'
import type { Place } from './key-paths.ts'
import { allDone, once } from './once.ts'
import { publish, readAll, useFile, writeNewFile } from './published-file.ts'

const layoutName = 'layout'
const layoutVersion = 1
const temporaryFolder = 'tmp'
const temporaryLifeMs = 60 * 60 * 1000

/** The folder of a store and the one way in which something new appears in it. */
export class StoreFolder {
  readonly fs: FileSystem
  readonly folders: Folders
  readonly #root: string
  readonly #once = new Map<'layout' | 'begin' | 'sweep', Promise<void>>()
  #laidOut = false

  constructor(fs: FileSystem, root: string) {
    this.fs = fs
    this.folders = new Folders(fs, root)
    this.#root = root
  }

  /** A free path for something temporary. What a crash leaves there is swept an hour later. */
  temporary(): string {
    return this.folders.path(`${temporaryFolder}/${randomUUID()}`)
  }

  /** Throws when the store can't be read, or was laid out by a newer version. Writes nothing; a store that isn't there yet is fine. */
  checkLayout(): Promise<void> {
    return once(this.#once, 'layout', async () => {
      await this.#readLayout()
      if (!this.#laidOut) await this.#assertFolder()
    })
  }

  /**
   * Creates a file with these bytes, atomically and durably; `false` when the name was taken, which then is durable too. Folders are made as
   * needed. `meanwhile` runs beside the last wait for the disk, when the file has its name. When this rejects, the file is absent or whole.
   */
  async create(
    place: Place,
    bytes: Uint8Array,
    options: { readonly signal?: AbortSignal | undefined; readonly meanwhile?: () => Promise<void> } = {},
  ): Promise<boolean> {
    await once(this.#once, 'begin', () => this.#begin())
    options.signal?.throwIfAborted()
    const created = this.#createNow(place, bytes, options)
    await allDone(
      created,
      once(this.#once, 'sweep', () => this.#sweep()),
    )
    return created
  }

  async #createNow(
    place: Place,
    bytes: Uint8Array,
    options: { readonly signal?: AbortSignal | undefined; readonly meanwhile?: () => Promise<void> },
  ): Promise<boolean> {
    const from = this.temporary()
    try {
      await allDone(writeNewFile(this.fs, from, bytes, options.signal), this.folders.makeLasting(place.folder))
      options.signal?.throwIfAborted()
      const created = await this.#giveName(from, place)
      await allDone(this.folders.sync(place.folder), created ? options.meanwhile?.() : undefined, this.#unlinkQuietly(from))
      return created
    } catch (error) {
      await this.#unlinkQuietly(from)
      if (hasCode(error, 'ENOENT')) this.#lookAnew()
      throw error
    }
  }

  async #giveName(from: string, place: Place): Promise<boolean> {
    const to = this.folders.path(`${place.folder}${place.folder === '' ? '' : '/'}${place.name}`)
    try {
      return await publish(this.fs, from, to, this.temporary())
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      this.#lookAnew()
      await this.folders.makeLasting(place.folder)
      return publish(this.fs, from, to, this.temporary())
    }
  }

  /** Before the first write: the layout is ours, and there is a folder for temporary files. */
  async #begin(): Promise<void> {
    await this.checkLayout()
    if (!this.#laidOut) await this.folders.make('')
    await this.folders.make(temporaryFolder)
    if (this.#laidOut) return
    const bytes = new TextEncoder().encode(`palimpsest-fs ${layoutVersion}\n`)
    if (!(await this.#createNow({ folder: '', name: layoutName }, bytes, {}))) await this.#readLayout()
    this.#laidOut = true
  }

  async #readLayout(): Promise<void> {
    const path = this.folders.path(layoutName)
    const bytes = await useFile(this.fs, path, readAll)
    if (bytes === undefined) return
    const version = /^palimpsest-fs (\d+)\n$/.exec(new TextDecoder().decode(bytes))?.[1]
    if (version === undefined) throw new StorageError('unsupported', `${path} was not written by Palimpsest; name another folder.`)
    if (Number(version) > layoutVersion)
      throw new StorageError('newer', `${this.#root} has layout ${version}, made by a newer Palimpsest than this one; update it.`)
    this.#laidOut = true
  }

  async #assertFolder(): Promise<void> {
    try {
      await this.fs.readdir(this.#root)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }

  /** Removes what crashed writers left. Housekeeping: what fails here is left for the next one. */
  async #sweep(): Promise<void> {
    const names = await this.folders.names(temporaryFolder).catch(() => [])
    const sweepOne = async (name: string) => {
      const path = this.folders.path(`${temporaryFolder}/${name}`)
      const stats = await statsOf(this.fs, path).catch(() => undefined)
      if (stats !== undefined && Date.now() - stats.mtimeMs > temporaryLifeMs) await removeQuietly(this.fs, path)
    }
    await Promise.all(names.map(sweepOne))
  }

  async #unlinkQuietly(path: string): Promise<void> {
    await this.fs.unlink(path).catch(() => undefined)
  }

  #lookAnew(): void {
    this.folders.forget()
    this.#once.clear()
    this.#laidOut = false
  }
}
