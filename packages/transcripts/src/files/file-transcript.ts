import { lstat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type AbortOptions, CheckpointError, type OpenTranscript, type SidecarRule, type TranscriptOrigin } from '@palimpsest/core'
import { openRollout } from '../codex/rollout-chain.ts'
import { rolloutName } from '../codex/rollout-name.ts'
import { errorCode, notARegularFile, unreadable } from './file-errors.ts'
import { type MainFile, openMainFile } from './main-file.ts'
import { isSegment } from './part-name.ts'
import { openRegularFile, readRange } from './regular-file.ts'
import { findSidecars, isStillThere, type SidecarFile, sidecarPart } from './sidecar-files.ts'

const maxCompanionBytes = 16 << 20

/**
 * A transcript in a file. Opening fixes the size of the main part and of each sidecar; the file is opened for reading only, and never waited
 * for. The path may be a symbolic link to a regular file; sidecars and companions are never reached through one. `unchanged` is true while
 * the path still means the file that was opened, no shorter, not written without growing, with the same last 64 KiB before the size of then, and
 * while every sidecar is still its own file, no shorter, and not written without growing. A `.zst` file is its decompressed bytes, and a rollout of
 * Codex that goes on from another one is as much of that, then its own: neither has an identity. Throws `TRANSCRIPT_UNREADABLE`.
 */
export function fileTranscript(path: string): TranscriptOrigin {
  const absolute = resolve(path)
  return { path: absolute, open: (options) => openTranscript(absolute, options ?? {}) }
}

async function openTranscript(
  path: string,
  options: AbortOptions & { readonly sidecars?: readonly SidecarRule[] | undefined },
): Promise<OpenTranscript> {
  const main = rolloutName(path) === undefined ? await openMainFile(path, options) : await openRollout(path, options)
  try {
    return transcriptOf(path, main, await findSidecars(dirname(path), options.sidecars ?? [], options))
  } catch (error) {
    await main.close()
    throw error
  }
}

function transcriptOf(path: string, main: MainFile, sidecars: readonly SidecarFile[]): OpenTranscript {
  let open = true
  const assertOpen = () => {
    if (!open) throw new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} was closed: open it again to read it.`, { path })
  }
  return {
    path,
    ...(main.identity === undefined ? {} : { identity: main.identity }),
    files: main.files,
    async *parts() {
      yield { name: 'main', source: main.source }
      for (const sidecar of sidecars) yield sidecarPart(sidecar)
    },
    companion: (name) => readCompanion(dirname(path), name),
    async unchanged() {
      assertOpen()
      for (const sidecar of sidecars) if (!(await isStillThere(sidecar))) return false
      return await main.unchanged()
    },
    async written() {
      assertOpen()
      return await main.written()
    },
    async close() {
      open = false
      await main.close()
    },
  }
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
