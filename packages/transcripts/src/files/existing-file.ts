import { constants } from 'node:fs'
import { chown, type FileHandle, lstat, open, realpath, rename, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CheckpointError, type FileIdentity, type TranscriptTarget } from '@palimpsest/core'
import { errorCode, notARegularFile, refused } from './file-errors.ts'
import { identityOf } from './regular-file.ts'
import { createStaging, makeFoldersFor, refuse, type StagedPart, syncFolder } from './staging.ts'

const quietMs = 60_000
const lineFeed = 0x0a

interface Conditions {
  readonly expected: FileIdentity
  readonly force: boolean
}

/**
 * A target that takes an existing session's place. The conditions are looked at now and again right before the rename. Sidecars take their
 * places first. The file keeps its mode, and its owner where this user may give files away.
 */
export async function replaceFile(
  path: string,
  options: Conditions & { readonly sidecarFolder?: string | undefined },
): Promise<TranscriptTarget> {
  const real = await unchangedFile(path, options)
  const before = await stat(real).catch(refuse(real))
  const staging = await createStaging(real, before.mode & 0o777)
  return {
    write: staging.write,
    cut: staging.cut,
    written: staging.written,
    async commit() {
      const parts = await staging.finish()
      const main = parts.find((part) => part.name === 'main')
      if (main === undefined) throw new CheckpointError('TARGET_REFUSED', `No main part was written for ${real}.`, { path: real })
      await unchangedFile(path, options)
      try {
        await replaceSidecars(parts, options.sidecarFolder === undefined ? undefined : resolve(dirname(real), options.sidecarFolder), real)
        await chown(main.path, before.uid, before.gid).catch(() => undefined)
        await rename(main.path, real)
      } catch (error) {
        throw refused(real, error)
      }
      await syncFolder(dirname(real)).catch((error: unknown) => {
        const message = `${real} was replaced, but that could not be forced to the disk: after a power failure it may be the old one.`
        throw new CheckpointError('TARGET_REFUSED', message, { path: real }, { cause: error })
      })
      // The file is in its place: an empty folder that can't be removed changes nothing about that.
      await staging.remove().catch(() => undefined)
      return { path: resolve(path) }
    },
    discard: staging.remove,
  }
}

/** Appends whole lines, and makes them durable. What could not be written whole is taken back. */
export async function appendToFile(path: string, bytes: Uint8Array, options: Conditions): Promise<void> {
  const real = await unchangedFile(path, options)
  let handle: FileHandle
  try {
    handle = await open(real, constants.O_RDWR | constants.O_APPEND | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw refused(real, error)
  }
  try {
    assertUnchanged(path, identityOf(await handle.stat({ bigint: true })), options)
    const { sizeBytes } = options.expected
    const [last] = sizeBytes === 0 ? [lineFeed] : (await handle.read(Buffer.alloc(1), 0, 1, sizeBytes - 1)).buffer
    const start = last === lineFeed ? [] : [lineFeed]
    const end = bytes.at(-1) === lineFeed || bytes.length === 0 ? [] : [lineFeed]
    try {
      await handle.writeFile(Buffer.concat([Buffer.from(start), bytes, Buffer.from(end)]))
      await handle.sync()
    } catch (error) {
      await handle.truncate(sizeBytes).catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw refused(real, error)
  } finally {
    await handle.close()
  }
}

/** The real path of a file that still is what was expected, and is not in use. */
async function unchangedFile(path: string, options: Conditions): Promise<string> {
  try {
    const real = await realpath(path)
    const stats = await lstat(real, { bigint: true })
    if (!stats.isFile()) throw notARegularFile(real, await lstat(real))
    assertUnchanged(path, identityOf(stats), options)
    return real
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw conflict(path, 'is not there any more', 'Look again, or make a branch instead.', error)
    throw refused(path, error)
  }
}

function assertUnchanged(path: string, found: FileIdentity, { expected, force }: Conditions): void {
  const same =
    found.device === expected.device &&
    found.inode === expected.inode &&
    found.sizeBytes === expected.sizeBytes &&
    found.modifiedAtMs === expected.modifiedAtMs
  if (!same) throw conflict(path, 'was written or replaced since it was read', 'Close the session in its agent and try again.')
  if (!force && Date.now() - found.modifiedAtMs < quietMs) {
    throw conflict(path, 'was written within the last minute', 'Close the session in its agent and wait a minute, or use force.')
  }
}

async function replaceSidecars(parts: readonly StagedPart[], sidecarFolder: string | undefined, path: string): Promise<void> {
  const changed = new Set<string>()
  for (const part of parts) {
    if (part.name === 'main') continue
    if (sidecarFolder === undefined) throw new CheckpointError('TARGET_REFUSED', `${path} has no folder for its sidecars.`, { path })
    for (const made of await makeFoldersFor(sidecarFolder, part.name)) changed.add(dirname(made))
    const target = join(sidecarFolder, part.name)
    await rename(part.path, target)
    changed.add(dirname(target))
  }
  for (const folder of changed) await syncFolder(folder)
}

function conflict(path: string, what: string, hint: string, cause?: unknown): CheckpointError {
  return new CheckpointError('CHECKPOINT_CONFLICT', `${path} ${what}. ${hint}`, { path }, cause === undefined ? {} : { cause })
}
