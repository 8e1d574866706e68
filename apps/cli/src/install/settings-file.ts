import { lstat, mkdir, readFile, realpath, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SettingsRefused } from './json-entries.ts'
import { replaceFile, syncFolder } from './replace-file.ts'

/** A settings file as it is on the disk. */
export interface SettingsFile {
  /** Where it really is, behind every link. */
  readonly path: string
  /** `undefined` where there is none. */
  readonly text: string | undefined
  /** Its permissions, or those that a new one gets. */
  readonly mode: number
  /** Folders that are missing on the way to it, the outermost first. */
  readonly missingFolders: readonly string[]
}

/** The file was changed by somebody else between the look and the writing. */
export class SettingsChanged extends Error {
  override readonly name = 'SettingsChanged'
}

/** Reads a settings file. Throws `SettingsRefused` for what is no file or no UTF-8, else what the file system throws. */
export async function readSettingsFile(path: string): Promise<SettingsFile> {
  const { real, missingFolders } = await realPath(path)
  const stats = await lstat(real).catch(unlessMissing)
  if (stats === undefined) return { path: real, text: undefined, mode: 0o600, missingFolders }
  if (!stats.isFile()) throw new SettingsRefused('it is no regular file')
  const bytes = await readFile(real)
  return { path: real, text: decoded(bytes), mode: stats.mode & 0o7777, missingFolders }
}

/**
 * Makes a settings file say `after`, or takes it away where that is `undefined`; only as long as it still is what was read, else it throws
 * `SettingsChanged`. Atomic and durable; permissions stay.
 */
export async function writeSettingsFile(file: SettingsFile, after: string | undefined): Promise<void> {
  const check = async (): Promise<void> => {
    if ((await readSettingsFile(file.path)).text !== file.text) throw new SettingsChanged(`${file.path} was changed meanwhile`)
  }
  if (after !== undefined) {
    await mkdir(dirname(file.path), { recursive: true, mode: 0o700 })
    return replaceFile(file.path, after, file.mode, check)
  }
  await check()
  await rm(file.path, { force: true })
  await syncFolder(dirname(file.path))
}

/** Removes folders that are empty, the innermost first. */
export async function removeEmptyFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) {
    const isGone = await rmdir(folder).then(
      () => true,
      () => false,
    )
    if (!isGone) return
  }
}

/** Where a path leads behind links; what does not exist yet keeps its name. */
async function realPath(path: string): Promise<{ readonly real: string; readonly missingFolders: readonly string[] }> {
  const real = await realpath(path).catch(unlessMissing)
  if (real !== undefined) return { real, missingFolders: [] }
  const link = await lstat(path).catch(unlessMissing)
  if (link?.isSymbolicLink() === true) throw new SettingsRefused('it is a symbolic link to something that does not exist')
  const folder = dirname(path)
  if (folder === path) return { real: path, missingFolders: [] }
  const parent = await realPath(folder)
  const parentIsThere = (await lstat(parent.real).catch(unlessMissing)) !== undefined
  return {
    real: join(parent.real, basename(path)),
    missingFolders: parentIsThere ? parent.missingFolders : [...parent.missingFolders, parent.real],
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SettingsRefused('it is not UTF-8')
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
  throw error
}
