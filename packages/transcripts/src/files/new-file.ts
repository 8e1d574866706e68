import { link, lstat, mkdir, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CheckpointError, type Placement, type TranscriptTarget } from '@palimpsest/core'
import { errorCode, refused, taken } from './file-errors.ts'
import { isSegment } from './part-name.ts'
import { identityOf } from './regular-file.ts'
import { isSameFile } from './sidecar-files.ts'
import { createStaging, makeFoldersFor, refuse, type StagedPart, syncFolder } from './staging.ts'

/**
 * A target for a new session. Its sidecars appear first, its main part last; each appears whole, under a name that nobody had. When one of them is
 * taken, those that have appeared are removed again.
 */
export async function createNewFile(placement: Placement, options: { readonly modeFrom?: string | undefined }): Promise<TranscriptTarget> {
  const folder = resolve(placement.folder)
  const path = join(folder, placement.fileName)
  if (!isSegment(placement.fileName)) {
    throw new CheckpointError('TARGET_REFUSED', `${JSON.stringify(placement.fileName)} can't be the name of a session file.`, { path })
  }
  const firstNewFolder = await makeFolder(folder).catch(refuse(folder))
  if (await exists(path)) throw taken(path)
  const staging = await createStaging(path, await narrowMode(options.modeFrom))
  const removeFolders = () => removeEmpty(folder, firstNewFolder)
  return {
    write: staging.write,
    cut: staging.cut,
    written: staging.written,
    async commit() {
      const parts = await staging.finish()
      const { sidecarFolder } = placement
      await appear(parts, path, sidecarFolder === undefined ? undefined : resolve(folder, sidecarFolder)).catch(refuse(path))
      // The session is there: an empty folder that can't be removed changes nothing about that.
      await staging.remove().catch(() => undefined)
      for (const changed of foldersBetween(folder, firstNewFolder)) await syncFolder(changed).catch(refuse(path))
      return { path }
    },
    async discard() {
      await staging.remove()
      await removeFolders()
    },
  }
}

/** Makes a folder with those above it. Gives the first that is new. */
async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    return await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    // On a disk that can only be read Node says that the folder itself is missing: making one at a time says what is wrong.
    if (errorCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error
    const first = await makeFolder(dirname(folder))
    await mkdir(folder, { mode: 0o700 })
    return first ?? folder
  }
}

async function appear(parts: readonly StagedPart[], path: string, sidecarFolder: string | undefined): Promise<void> {
  const main = parts.find((part) => part.name === 'main')
  if (main === undefined) throw new CheckpointError('TARGET_REFUSED', `No main part was written for ${path}.`, { path })
  const appeared: string[] = []
  const made: string[] = []
  try {
    for (const part of parts.filter((other) => other !== main)) {
      if (sidecarFolder === undefined) throw new CheckpointError('TARGET_REFUSED', `${path} has no folder for its sidecars.`, { path })
      made.push(...(await makeFoldersFor(sidecarFolder, part.name)))
      const target = join(sidecarFolder, part.name)
      await linkOrRename(part.path, target)
      appeared.push(target)
    }
    for (const changed of new Set([...appeared, ...made].map((each) => dirname(each)))) await syncFolder(changed)
    await linkOrRename(main.path, path)
  } catch (error) {
    for (const each of appeared) await unlink(each).catch(() => undefined)
    for (const each of made.reverse()) await rmdir(each).catch(() => undefined)
    throw error
  }
}

/** Gives a file its name, unless that is taken. Where the file system knows no links, the name is looked for and the file renamed to it. */
async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    // Over a network a link can be made and its answer be lost.
    if (await areOneFile(from, to)) return
    const code = errorCode(error)
    if (code === 'EEXIST') throw taken(to, error)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw refused(to, error)
    if (await exists(to)) throw taken(to, error)
    await rename(from, to)
  }
}

async function areOneFile(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([one, other].map((path) => lstat(path, { bigint: true }).catch(() => undefined)))
  return left !== undefined && right !== undefined && isSameFile(identityOf(left), identityOf(right))
}

async function narrowMode(modeFrom: string | undefined): Promise<number> {
  if (modeFrom === undefined) return 0o600
  // A source that is gone says nothing about its mode.
  const stats = await stat(modeFrom).catch(() => undefined)
  return stats === undefined ? 0o600 : stats.mode & 0o600
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw refused(path, error)
  }
}

/** From the target's folder up to the parent of the first that is new: those in which an entry was made. */
function foldersBetween(folder: string, firstNewFolder: string | undefined): readonly string[] {
  const folders = [folder]
  const last = firstNewFolder === undefined ? folder : dirname(firstNewFolder)
  for (let at = folder; at !== last && at !== dirname(at); ) {
    at = dirname(at)
    folders.push(at)
  }
  return folders
}

/** Removes the folders that were made, as far as nobody has put anything there meanwhile. */
async function removeEmpty(folder: string, firstNewFolder: string | undefined): Promise<void> {
  if (firstNewFolder === undefined) return
  for (const each of foldersBetween(folder, firstNewFolder).slice(0, -1)) {
    const removed = await rmdir(each).then(
      () => true,
      () => false,
    )
    if (!removed) return
  }
}
