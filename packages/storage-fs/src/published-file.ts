import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { type FileSystem, type FileSystemFile, folderMode, hasCode, removeQuietly, statsOf, syncFolder } from './file-system.ts'

const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)
// Where a file is shaped like a folder (see `publish`), this is the name of its bytes.
const innerName = 'value'

/** Of every file that the adapter makes. */
export const fileMode = 0o600
const firstReadBytes = 32 * 1024
// What systems and file systems without hard links answer.
const linkRefusals = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/**
 * Gives a finished file a name, once: `false` when the name is taken, by whatever. Where hard links are refused, the file is put into a new
 * folder, and that is renamed: a folder can't be renamed over a file, nor over a folder that isn't empty. It is as atomic as a link, and both
 * exclude each other. `bundle` is a free name for that folder.
 */
export async function publish(fs: FileSystem, from: string, to: string, bundle: string): Promise<boolean> {
  try {
    await fs.link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!hasCode(error, ...linkRefusals)) throw error
  }
  return publishAsFolder(fs, from, to, bundle)
}

async function publishAsFolder(fs: FileSystem, from: string, to: string, bundle: string): Promise<boolean> {
  try {
    await fs.mkdir(bundle, { mode: folderMode })
    await fs.rename(from, `${bundle}/${innerName}`)
    await syncFolder(fs, bundle)
    await fs.rename(bundle, to)
    return true
  } catch (error) {
    await removeQuietly(fs, bundle)
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR') || (await statsOf(fs, to)) !== undefined) return false
    throw error
  }
}

/** Creates an empty file, for `emptyPublished`. It need not survive a crash. */
export async function createEmpty(fs: FileSystem, path: string): Promise<void> {
  const file = await fs.open(path, 'wx', fileMode)
  await file.close()
}

/** Takes the bytes away from a published file but leaves its name taken. `empty` is an empty file, which is used up or left. */
export async function emptyPublished(fs: FileSystem, path: string, empty: string): Promise<void> {
  try {
    await fs.rename(empty, path)
  } catch (error) {
    if (!hasCode(error, 'EISDIR', 'EEXIST', 'EPERM')) throw error
    await fs.rename(empty, `${path}/emptied`)
    await fs.unlink(`${path}/${innerName}`)
  }
}

/** Removes a published file. A folder leaves under its own name first, so that nobody sees half of it. */
export async function removePublished(fs: FileSystem, path: string, bundle: string): Promise<void> {
  try {
    await fs.unlink(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    if (!hasCode(error, 'EISDIR', 'EPERM') || (await statsOf(fs, path))?.isFile() === true) throw error
    await removeFolder(fs, path, bundle)
  }
}

async function removeFolder(fs: FileSystem, path: string, bundle: string): Promise<void> {
  try {
    await fs.rename(path, bundle)
  } catch (error) {
    // It was gone for a moment, whoever creates it anew right afterwards: unless what is missing is the folder that it should go to.
    if (hasCode(error, 'ENOENT') && (await statsOf(fs, dirname(bundle))) !== undefined) return
    throw error
  }
  await removeQuietly(fs, bundle)
}

/** The size of a published file; `undefined` when there is none. */
export async function publishedSize(fs: FileSystem, path: string): Promise<number | undefined> {
  const stats = await statsOf(fs, path)
  if (stats?.isFile() === true) return stats.size
  const inner = stats?.isDirectory() === true ? await statsOf(fs, `${path}/${innerName}`) : undefined
  return inner?.isFile() === true ? inner.size : undefined
}

/** Uses the file at `path`, or the one inside where it is shaped like a folder; `undefined` when there is none. */
export async function useFile<Result>(
  fs: FileSystem,
  path: string,
  use: (file: FileSystemFile) => Promise<Result | 'folder'>,
): Promise<Result | undefined> {
  const result = await useOneFile(fs, path, use)
  if (result !== 'folder') return result
  const inner = await useOneFile(fs, `${path}/${innerName}`, use)
  if (inner === 'folder') throw new Error(`${path}/${innerName} is a folder, it should be a file.`)
  return inner
}

async function useOneFile<Result>(
  fs: FileSystem,
  path: string,
  use: (file: FileSystemFile) => Promise<Result | 'folder'>,
): Promise<Result | 'folder' | undefined> {
  const file = await openFile(fs, path)
  if (file === undefined) return undefined
  try {
    return await use(file)
  } catch (error) {
    if (hasCode(error, 'EISDIR')) return 'folder'
    throw error
  } finally {
    await file.close()
  }
}

/** All bytes of an open file. Most are small, and their first read and their size are asked for at once. */
export async function readAll(file: FileSystemFile): Promise<Uint8Array | 'folder'> {
  const first = new Uint8Array(firstReadBytes)
  const [asked, began] = await Promise.allSettled([file.stat(), file.read(first, 0, first.byteLength, 0)])
  if (asked.status === 'rejected') throw asked.reason
  const stats = asked.value
  if (stats.isDirectory()) return 'folder'
  if (began.status === 'rejected') throw began.reason
  const { bytesRead } = began.value
  if (bytesRead === stats.size) return first.slice(0, bytesRead)
  const bytes = new Uint8Array(stats.size)
  bytes.set(first.subarray(0, Math.min(bytesRead, stats.size)))
  const readBytes = bytesRead + (await fill(file, bytes.subarray(bytesRead), bytesRead))
  if (readBytes < bytes.byteLength) throw new Error(`A file of ${stats.size} bytes ended after ${readBytes}.`)
  return bytes
}

/** Fills `bytes` from `start` on; gives how many there were. */
export async function fill(file: FileSystemFile, bytes: Uint8Array, start: number): Promise<number> {
  let at = 0
  while (at < bytes.byteLength) {
    const { bytesRead } = await file.read(bytes, at, bytes.byteLength - at, start + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return at
}

/** Creates a file (it must not exist), writes it, and forces it to the disk. Stops between writes when the signal is aborted. */
export async function writeNewFile(fs: FileSystem, path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  const pieceBytes = 8 * 1024 * 1024
  const file = await fs.open(path, 'wx', fileMode)
  try {
    for (let at = 0; at < bytes.byteLength; ) {
      signal?.throwIfAborted()
      at += (await file.write(bytes, at, Math.min(pieceBytes, bytes.byteLength - at), at)).bytesWritten
    }
    signal?.throwIfAborted()
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Opens a file for reading, never through a symbolic link; `undefined` when there is none. */
async function openFile(fs: FileSystem, path: string): Promise<FileSystemFile | undefined> {
  try {
    return await fs.open(path, readFlags)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
