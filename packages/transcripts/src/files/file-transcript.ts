import { lstat, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  type AbortOptions,
  CheckpointError,
  type OpenTranscript,
  type SidecarRule,
  sha256,
  type TranscriptOrigin,
  type TranscriptPart,
} from '@palimpsest/core'
import { errorCode, notARegularFile, unreadable } from './file-errors.ts'
import { isSegment } from './part-name.ts'
import { fillFrom, identityOf, openRegularFile, type RegularFile, readRange } from './regular-file.ts'
import { findSidecars, isStillThere, isStillWhole, type SidecarFile, sidecarPart } from './sidecar-files.ts'

const tailBytes = 64 << 10
const maxCompanionBytes = 16 << 20

/**
 * A transcript in a file. Opening fixes the size of the main part and of each sidecar; the file is opened for reading only, and never waited
 * for. The path may be a symbolic link to a regular file; sidecars and companions are never reached through one. `unchanged` is true while
 * the path still means the file that was opened, no shorter, not written without growing, with the same last 64 KiB before the size of then, and
 * while every sidecar is still its own file, no shorter, and not written without growing. Throws `TRANSCRIPT_UNREADABLE`.
 */
export function fileTranscript(path: string): TranscriptOrigin {
  const absolute = resolve(path)
  return { path: absolute, open: (options) => openTranscript(absolute, options ?? {}) }
}

async function openTranscript(
  path: string,
  options: AbortOptions & { readonly sidecars?: readonly SidecarRule[] | undefined },
): Promise<OpenTranscript> {
  options.signal?.throwIfAborted()
  const main = await openRegularFile(path, { followLinks: true })
  try {
    const sidecars = await findSidecars(dirname(path), options.sidecars ?? [], options)
    return transcriptOf(path, main, sidecars, await tailDigest(main, path))
  } catch (error) {
    await main.handle.close()
    throw error
  }
}

function transcriptOf(path: string, main: RegularFile, sidecars: readonly SidecarFile[], tail: string): OpenTranscript {
  let open = true
  const assertOpen = () => {
    if (!open) throw new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} was closed: open it again to read it.`, { path })
  }
  return {
    path,
    identity: main.identity,
    async *parts() {
      yield mainPart(path, main, assertOpen)
      for (const sidecar of sidecars) yield sidecarPart(sidecar)
    },
    companion: (name) => readCompanion(dirname(path), name),
    async unchanged() {
      assertOpen()
      const stats = await stat(path, { bigint: true }).catch(() => undefined)
      if (stats === undefined || !isStillWhole(main.identity, identityOf(stats))) return false
      for (const sidecar of sidecars) if (!(await isStillThere(sidecar))) return false
      return (await tailDigest(main, path).catch(() => undefined)) === tail
    },
    async written() {
      assertOpen()
      const { sizeBytes, modifiedAtMs } = identityOf(await main.handle.stat({ bigint: true }))
      return sizeBytes !== main.identity.sizeBytes || modifiedAtMs !== main.identity.modifiedAtMs
    },
    async close() {
      if (!open) return
      open = false
      await main.handle.close()
    },
  }
}

function mainPart(path: string, main: RegularFile, assertOpen: () => void): TranscriptPart {
  const { sizeBytes } = main.identity
  return {
    name: 'main',
    source: {
      sizeBytes,
      async read(start, end, options) {
        options?.signal?.throwIfAborted()
        assertOpen()
        return await readRange(main.handle, path, { start, end, sizeBytes })
      },
      async readInto(target, start, options) {
        options?.signal?.throwIfAborted()
        assertOpen()
        await fillFrom(main.handle, path, target, { start, sizeBytes })
      },
    },
  }
}

async function tailDigest(main: RegularFile, path: string): Promise<string> {
  const { sizeBytes } = main.identity
  return sha256(await readRange(main.handle, path, { start: Math.max(0, sizeBytes - tailBytes), end: sizeBytes, sizeBytes }))
}

/** A regular file of at most 16 MiB in the folder; `undefined` when there is none of that name. */
async function readCompanion(folder: string, name: string): Promise<Uint8Array | undefined> {
  if (!isSegment(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a file.`)
  const path = join(folder, name)
  try {
    const stats = await lstat(path)
    if (!stats.isFile()) throw notARegularFile(path, stats)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
  const file = await openRegularFile(path, { followLinks: false })
  try {
    const { sizeBytes } = file.identity
    if (sizeBytes <= maxCompanionBytes) return await readRange(file.handle, path, { start: 0, end: sizeBytes, sizeBytes })
    const message = `${path} has ${sizeBytes} bytes, more than the ${maxCompanionBytes} that are read of such a file: make it smaller.`
    throw new CheckpointError('TRANSCRIPT_UNREADABLE', message, { path })
  } finally {
    await file.handle.close()
  }
}
