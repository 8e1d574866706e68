import assert from 'node:assert/strict'
import type { Checkpoints, Storage } from '@palimpsest/core'
import { createFsStorage, type FileSystem } from '@palimpsest/storage-fs'
import { serviceOver } from './service.ts'

/** Where the store is in a file system of a test. */
const storeFolder = '/disk/store'
const temporaryFolder = `${storeFolder}/tmp`

/** Storage in a file system of a test. */
export function storageIn(fs: FileSystem): Storage {
  return createFsStorage({ folder: storeFolder, fs })
}

/** A service on the store as another process finds it, two hours later. */
export async function serviceIn(fs: FileSystem, agentFolder: string): Promise<Checkpoints> {
  const left = await fs.readdir(temporaryFolder).catch(() => [])
  return serviceOver(storageIn(aged(fs, new Set(left.map((name) => `${temporaryFolder}/${name}`)))), agentFolder)
}

/** Rejects unless nothing temporary is in the store, in which somebody has written since. */
export async function assertSwept(fs: FileSystem, where: string): Promise<void> {
  assert.deepEqual(await fs.readdir(temporaryFolder), [], `nothing temporary is left ${where}`)
}

/** The names of all files, and how long each is. */
export async function shapeOf(fs: FileSystem, path = '/disk'): Promise<string> {
  const shapes = (await fs.readdir(path)).map(async (name): Promise<string> => {
    const stats = await fs.lstat(`${path}/${name}`)
    // What lies among temporary files has a name of its own each time.
    if (path === temporaryFolder) return `temporary ${stats.size}`
    return stats.isDirectory() ? `${name}/(${await shapeOf(fs, `${path}/${name}`)})` : `${name} ${stats.size}`
  })
  return (await Promise.all(shapes)).sort().join(', ')
}

/** The same file system, as if these files were written two hours before. */
function aged(fs: FileSystem, paths: ReadonlySet<string>): FileSystem {
  return {
    open: (...call) => fs.open(...call),
    link: (...call) => fs.link(...call),
    rename: (...call) => fs.rename(...call),
    unlink: (...call) => fs.unlink(...call),
    mkdir: (...call) => fs.mkdir(...call),
    readdir: (path) => fs.readdir(path),
    rm: (...call) => fs.rm(...call),
    async lstat(path) {
      const stats = await fs.lstat(path)
      if (!paths.has(path)) return stats
      return {
        ino: stats.ino,
        size: stats.size,
        mtimeMs: stats.mtimeMs - 2 * 60 * 60 * 1000,
        isFile: () => stats.isFile(),
        isDirectory: () => stats.isDirectory(),
      }
    },
  }
}
