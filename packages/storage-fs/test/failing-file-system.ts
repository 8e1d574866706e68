import type { FileSystem, FileSystemFile } from '../src/index.ts'

/** A call on a file system or an open file: `link`, `file.sync`, …, and the path it is about. */
export interface Call {
  readonly name: string
  readonly path: string
  readonly writes: boolean
}

/** An error as Node makes them. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made for a test`), { code })
}

/** A file system that asks `before` about every call; what that throws, or rejects with, is what the call fails with. */
export function watchedFileSystem(fs: FileSystem, before: (call: Call) => unknown): FileSystem {
  const watched = async <Result>(name: string, path: string, writes: boolean, call: () => Promise<Result>): Promise<Result> => {
    await before({ name, path, writes })
    return call()
  }
  return {
    open: (path, flags, mode) =>
      watched('open', path, flags === 'wx', async () => watchedFile(await fs.open(path, flags, mode), path, watched, flags === 'wx')),
    link: (existing, path) => watched('link', path, true, () => fs.link(existing, path)),
    rename: (from, to) => watched('rename', to, true, () => fs.rename(from, to)),
    unlink: (path) => watched('unlink', path, true, () => fs.unlink(path)),
    mkdir: (path, options) => watched('mkdir', path, true, () => fs.mkdir(path, options)),
    readdir: (path) => watched('readdir', path, false, () => fs.readdir(path)),
    lstat: (path) => watched('lstat', path, false, () => fs.lstat(path)),
    rm: (path, options) => watched('rm', path, true, () => fs.rm(path, options)),
  }
}

type Watched = <Result>(name: string, path: string, writes: boolean, call: () => Promise<Result>) => Promise<Result>

function watchedFile(file: FileSystemFile, path: string, watched: Watched, writes: boolean): FileSystemFile {
  return {
    write: (...how) => watched('file.write', path, true, () => file.write(...how)),
    read: (...how) => watched('file.read', path, false, () => file.read(...how)),
    stat: () => watched('file.stat', path, false, () => file.stat()),
    sync: () => watched('file.sync', path, writes, () => file.sync()),
    // The descriptor is given back even where closing is said to fail.
    close: async () => {
      await file.close()
      await watched('file.close', path, writes, async () => undefined)
    },
  }
}
