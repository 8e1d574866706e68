import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CheckpointError, type PartName, type Transcript, type TranscriptSource } from '@palimpsest/core'
import { errorCode, refused } from './file-errors.ts'
import { removeLeftovers, stagingName } from './leftovers.ts'
import { isSidecarName } from './part-name.ts'
import { assertInside, fillFrom, openRegularFile, readRange } from './regular-file.ts'
import { type StagedFile, stagedFile } from './staged-file.ts'

/** A part that was written, under a name that nobody looks for. */
export interface StagedPart {
  readonly name: PartName
  readonly path: string
  readonly sizeBytes: number
}

/** A folder beside a target, in which its parts are written before they appear. Nothing outside it is touched. */
export interface Staging {
  write(part: PartName, bytes: Uint8Array): Promise<void>
  /** Shortens the part that is being written to so many bytes, no more than it has. */
  cut(part: PartName, sizeBytes: number): Promise<void>
  written(): Transcript
  /** Makes everything written durable, and gives the parts in the order in which they came. Nothing can be written any more. */
  finish(): Promise<readonly StagedPart[]>
  /** Removes the folder with all that is left in it. */
  remove(): Promise<void>
}

/** Makes the folder (0700), and removes old ones that killed processes left beside it. The parts get `mode`. Throws `TARGET_REFUSED`. */
export async function createStaging(targetPath: string, mode: number): Promise<Staging> {
  await removeLeftovers(dirname(targetPath))
  const folder = join(dirname(targetPath), stagingName(basename(targetPath), randomBytes(6).toString('hex')))
  await mkdir(folder, { mode: 0o700 }).catch(refuse(targetPath))
  const parts = new Map<PartName, { name: PartName; path: string; sizeBytes: number }>()
  let current: { readonly name: PartName; readonly file: StagedFile } | undefined
  let finished = false
  const readers = partReaders()
  const endCurrent = async () => {
    const file = current?.file
    current = undefined
    await file?.close()
  }
  const begin = async (name: PartName) => {
    if (parts.has(name)) throw new TypeError(`The part ${name} was written before: parts come one after the other.`)
    if (name !== 'main' && !isSidecarName(name)) throw wrongName(name)
    await endCurrent()
    const path = name === 'main' ? join(folder, 'main') : join(folder, 'sidecars', name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode)
    current = { name, file: stagedFile(handle) }
    parts.set(name, { name, path, sizeBytes: 0 })
    await handle.chmod(mode)
  }
  return {
    async write(name, bytes) {
      if (finished) throw new TypeError('The target is committed or discarded: nothing more can be written to it.')
      try {
        if (current?.name !== name) await begin(name)
        await current?.file.write(bytes)
      } catch (error) {
        throw error instanceof TypeError ? error : refused(targetPath, error)
      }
      const part = parts.get(name)
      if (part !== undefined) part.sizeBytes += bytes.length
    },
    async cut(name, sizeBytes) {
      const part = parts.get(name)
      if (current?.name !== name || part === undefined || sizeBytes > part.sizeBytes) {
        throw new TypeError(`The part ${name} can't be cut to ${sizeBytes} bytes: it is not being written, or has less.`)
      }
      await current.file.cut(sizeBytes).catch(refuse(targetPath))
      part.sizeBytes = sizeBytes
    },
    written() {
      current?.file.beginSync()
      return stagedTranscript(() => [...parts.values()], readers.open)
    },
    async finish() {
      finished = true
      await readers.close()
      await endCurrent().catch(refuse(targetPath))
      return [...parts.values()]
    },
    async remove() {
      finished = true
      await readers.close()
      await endCurrent().catch(() => undefined)
      await rm(folder, { recursive: true, force: true }).catch(refuse(targetPath))
    },
  }
}

/** Makes the entries of a folder durable, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle
  try {
    handle = await open(folder, constants.O_RDONLY)
  } catch (error) {
    // Windows opens no folder.
    if (errorCode(error) === 'EPERM' || errorCode(error) === 'EISDIR') return
    throw error
  }
  try {
    await handle.sync()
  } catch (error) {
    if (errorCode(error) !== 'EINVAL' && errorCode(error) !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}

/**
 * Makes the folders on the way from `folder` to a part's name, each a real folder (0700 where it is new), and gives those that it made, the
 * outermost first. Throws `TARGET_REFUSED` where one is a link or no folder.
 */
export async function makeFoldersFor(folder: string, name: PartName): Promise<readonly string[]> {
  const made: string[] = []
  const steps = name.split('/').slice(0, -1)
  for (const path of [folder, ...steps.map((_step, at) => join(folder, ...steps.slice(0, at + 1)))]) {
    const created = await mkdir(path, { mode: 0o700 }).then(
      () => true,
      (error: unknown) => (errorCode(error) === 'EEXIST' ? false : refuse(path)(error)),
    )
    if (created) made.push(path)
    else if (!(await lstat(path)).isDirectory()) throw notAFolder(path)
  }
  return made
}

/** A handler that throws `TARGET_REFUSED`. */
export function refuse(path: string): (error: unknown) => never {
  return (error) => {
    throw refused(path, error)
  }
}

/** What was written is read back in many slices: one handle a part, until nothing can be written any more. */
function partReaders(): { open(part: StagedPart): Promise<FileHandle>; close(): Promise<void> } {
  const handles = new Map<PartName, Promise<FileHandle>>()
  return {
    open({ name, path }) {
      const opened = handles.get(name) ?? openRegularFile(path, { followLinks: false }).then(({ handle }) => handle)
      opened.catch(() => handles.delete(name))
      handles.set(name, opened)
      return opened
    },
    async close() {
      const opened = [...handles.values()]
      handles.clear()
      for (const handle of opened) await (await handle.catch(() => undefined))?.close()
    },
  }
}

function stagedTranscript(parts: () => readonly StagedPart[], open: (part: StagedPart) => Promise<FileHandle>): Transcript {
  return {
    async *parts() {
      for (const { name, path, sizeBytes } of parts()) yield { name, source: stagedSource({ name, path, sizeBytes }, open) }
    },
  }
}

function stagedSource(part: StagedPart, open: (part: StagedPart) => Promise<FileHandle>): TranscriptSource {
  const { path, sizeBytes } = part
  return {
    sizeBytes,
    async read(start, end, options) {
      options?.signal?.throwIfAborted()
      assertInside({ start, end, sizeBytes })
      return readRange(await open(part), path, { start, end, sizeBytes })
    },
    async readInto(target, start, options) {
      options?.signal?.throwIfAborted()
      await fillFrom(await open(part), path, target, { start, sizeBytes })
    },
  }
}

function wrongName(name: string): CheckpointError {
  const message = `${JSON.stringify(name)} can't be the name of a part: nothing is written under it.`
  return new CheckpointError('TARGET_REFUSED', message, {})
}

function notAFolder(path: string): CheckpointError {
  return new CheckpointError('TARGET_REFUSED', `${path} is a link or a file, not a folder: move it away, or name another folder.`, { path })
}
