import { stat } from 'node:fs/promises'
import { type AbortOptions, CheckpointError, type FileIdentity, sha256, type TranscriptSource } from '@palimpsest/core'
import { decompressedSource } from './decompressed.ts'
import { fillFrom, identityOf, openRegularFile, type RegularFile, readRange } from './regular-file.ts'
import { isStillWhole } from './sidecar-files.ts'

const tailBytes = 64 << 10

/** The file of a main part, open. */
export interface MainFile {
  readonly source: TranscriptSource
  /** None where the bytes of the source are not those of one file: then it can't be replaced, or known again by its tail. */
  readonly identity: FileIdentity | undefined
  /** Those it was read from; `undefined` where one that belongs to it was not found. */
  readonly files: readonly string[] | undefined
  /** Whether the path still means the file that was opened, no shorter, not written without growing, with the same last 64 KiB before the size of then. */
  unchanged(): Promise<boolean>
  /** Whether anything was written to the file that was opened since then. */
  written(): Promise<boolean>
  close(): Promise<void>
}

/**
 * Opens a file for reading only; its size is fixed at that moment. The path may be a symbolic link to a regular file. A `.zst` file is its
 * decompressed bytes. Throws `TRANSCRIPT_UNREADABLE`.
 */
export async function openMainFile(path: string, options: AbortOptions): Promise<MainFile> {
  options.signal?.throwIfAborted()
  const file = await openRegularFile(path, { followLinks: true })
  try {
    const tail = await tailDigest(file, path)
    const state = { files: [path], unchanged: () => isUnchanged(path, file, tail), written: () => isWritten(file) }
    if (!path.endsWith('.zst')) return { ...plainFile(path, file), ...state }
    const { source, close } = await decompressedSource(file, path, options)
    const closeBoth = async () => {
      await close()
      await file.handle.close()
    }
    return { identity: undefined, ...state, ...guarded(path, source, closeBoth) }
  } catch (error) {
    await file.handle.close()
    throw error
  }
}

function plainFile(path: string, file: RegularFile): Omit<MainFile, 'files' | 'unchanged' | 'written'> {
  const { sizeBytes } = file.identity
  const source: TranscriptSource = {
    sizeBytes,
    read: (start, end) => readRange(file.handle, path, { start, end, sizeBytes }),
    readInto: (target, start) => fillFrom(file.handle, path, target, { start, sizeBytes }),
  }
  return { identity: file.identity, ...guarded(path, source, () => file.handle.close()) }
}

/** Refuses what is asked for after the end, and closes once. */
function guarded(path: string, source: TranscriptSource, close: () => Promise<void>): Pick<MainFile, 'source' | 'close'> {
  let open = true
  const assertOpen = (options: AbortOptions | undefined) => {
    options?.signal?.throwIfAborted()
    if (!open) throw new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} was closed: open it again to read it.`, { path })
  }
  const { readInto } = source
  return {
    source: {
      sizeBytes: source.sizeBytes,
      async read(start, end, options) {
        assertOpen(options)
        return await source.read(start, end, options)
      },
      ...(readInto === undefined
        ? {}
        : {
            async readInto(target: Uint8Array, start: number, options?: AbortOptions) {
              assertOpen(options)
              await readInto(target, start, options)
            },
          }),
    },
    async close() {
      if (!open) return
      open = false
      await close()
    },
  }
}

async function isUnchanged(path: string, file: RegularFile, tail: string): Promise<boolean> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined)
  if (stats === undefined || !isStillWhole(file.identity, identityOf(stats))) return false
  return (await tailDigest(file, path).catch(() => undefined)) === tail
}

async function isWritten({ handle, identity }: RegularFile): Promise<boolean> {
  const { sizeBytes, modifiedAtMs } = identityOf(await handle.stat({ bigint: true }))
  return sizeBytes !== identity.sizeBytes || modifiedAtMs !== identity.modifiedAtMs
}

async function tailDigest(file: RegularFile, path: string): Promise<string> {
  const { sizeBytes } = file.identity
  return sha256(await readRange(file.handle, path, { start: Math.max(0, sizeBytes - tailBytes), end: sizeBytes, sizeBytes }))
}
