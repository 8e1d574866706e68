import { constants } from 'node:fs'

/** What of `node:fs/promises` the adapter uses, so that another file system, or a failing one, can be put in its place. */
export interface FileSystem {
  open(path: string, flags: string | number, mode?: number): Promise<FileSystemFile>
  link(existing: string, path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  mkdir(path: string, options: { readonly mode: number }): Promise<unknown>
  readdir(path: string): Promise<string[]>
  lstat(path: string): Promise<FileSystemStats>
  rm(path: string, options: { readonly recursive: true; readonly force: true }): Promise<void>
}

/** What of a `FileHandle` the adapter uses. */
export interface FileSystemFile {
  /** At `position`; with `null` where the file was opened to append, at its end. */
  write(bytes: Uint8Array, offset: number, length: number, position: number | null): Promise<{ readonly bytesWritten: number }>
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  stat(): Promise<FileSystemStats>
  sync(): Promise<void>
  close(): Promise<void>
}

/** What of `Stats` the adapter uses. */
export interface FileSystemStats {
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  isFile(): boolean
  isDirectory(): boolean
}

/** Forces the names in a folder to the disk. */
export async function syncFolder(fs: FileSystem, path: string): Promise<void> {
  // Windows flushes no folders; NTFS journals its names by itself.
  if (process.platform === 'win32') return
  const folder = await fs.open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What is at a path, not following a link; `undefined` when nothing is. */
export async function statsOf(fs: FileSystem, path: string): Promise<FileSystemStats | undefined> {
  try {
    return await fs.lstat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Removes what is left over, with what is in it. What can't be removed stays for the next sweep. */
export async function removeQuietly(fs: FileSystem, path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true }).catch(() => undefined)
}

/** Whether an error carries one of these codes of the operating system. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

/** Of every folder that the adapter makes. */
export const folderMode = 0o700
