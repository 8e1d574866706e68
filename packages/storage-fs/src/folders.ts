import { dirname } from 'node:path'
import { StorageError } from '@palimpsest/core'
import { type FileSystem, folderMode, hasCode, statsOf, syncFolder } from './file-system.ts'
import { allDone, once } from './once.ts'

const rememberedFolders = 10_000

/**
 * The folders below the root of a store, each looked at once by an instance: one that is a symbolic link, or no folder, is refused, so that
 * nothing outside is read or written. Names are relative to the root; `''` is the root, which may be a link.
 */
export class Folders {
  readonly #fs: FileSystem
  readonly #root: string
  readonly #found = new Set<string>()
  readonly #made = new Map<string, Promise<void>>()
  readonly #lasting = new Map<string, Promise<void>>()

  constructor(fs: FileSystem, root: string) {
    this.#fs = fs
    this.#root = root
  }

  /** The path for the file system. */
  path(folder: string): string {
    return folder === '' ? this.#root : `${this.#root}/${folder}`
  }

  /** Whether a folder is there. Throws `refused` when it, or one above it, is something else than a folder. */
  async holds(folder: string): Promise<boolean> {
    if (this.#found.has(folder)) return true
    const unknown = chainOf(folder).filter((each) => !this.#found.has(each))
    const stats = await Promise.all(unknown.map((each) => statsOf(this.#fs, this.path(each))))
    for (const [at, each] of unknown.entries()) {
      const found = stats[at]
      if (found === undefined) return false
      if (!found.isDirectory()) throw new StorageError('refused', `${this.path(each)} is a symbolic link or no folder; move it away.`)
      if (this.#found.size >= rememberedFolders) this.#found.clear()
      this.#found.add(each)
    }
    return true
  }

  /** The names in a folder; none when it is absent. */
  async names(folder: string): Promise<readonly string[]> {
    if (!(await this.holds(folder))) return []
    try {
      return await this.#fs.readdir(this.path(folder))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  }

  /** Makes a folder and those above it where they are missing. */
  make(folder: string): Promise<void> {
    if (this.#made.size >= rememberedFolders) this.#made.clear()
    return once(this.#made, folder, () => this.#makeNow(folder))
  }

  /** The same, and forces all their names to the disk: even those that were there, since whoever made them may have died before. */
  async makeLasting(folder: string): Promise<void> {
    if (this.#lasting.size >= rememberedFolders) this.#lasting.clear()
    const lasting = chainOf(folder).map((each) =>
      once(this.#lasting, each, async () => {
        await this.make(each)
        await this.sync(parentOf(each))
      }),
    )
    await allDone(this.make(folder), ...lasting)
  }

  /** Forces the names in a folder to the disk. */
  sync(folder: string): Promise<void> {
    return syncFolder(this.#fs, this.path(folder))
  }

  /** Looks at every folder anew: one of them was removed behind our back. */
  forget(): void {
    this.#found.clear()
    this.#made.clear()
    this.#lasting.clear()
  }

  async #makeNow(folder: string): Promise<void> {
    if (folder === '') return makeWithParents(this.#fs, this.#root)
    if (await this.holds(folder)) return
    await this.make(parentOf(folder))
    await makeOne(this.#fs, this.path(folder))
    if (!(await this.holds(folder))) throw new Error(`${this.path(folder)} vanished while it was made`)
  }
}

/** `a`, `a/b`, `a/b/c`. */
function chainOf(folder: string): readonly string[] {
  if (folder === '') return []
  return folder.split('/').map((_, at, segments) => segments.slice(0, at + 1).join('/'))
}

function parentOf(folder: string): string {
  return folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : ''
}

async function makeOne(fs: FileSystem, path: string): Promise<boolean> {
  try {
    await fs.mkdir(path, { mode: folderMode })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Makes the root and what is missing above it, durably. */
async function makeWithParents(fs: FileSystem, path: string): Promise<void> {
  const parent = dirname(path)
  try {
    if (await makeOne(fs, path)) await syncFolder(fs, parent)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || parent === path) throw error
    await makeWithParents(fs, parent)
    if (await makeOne(fs, path)) await syncFolder(fs, parent)
  }
}
