import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError, type TranscriptSource } from '@palimpsest/core'
import { assertInside, fillFrom } from '../files/regular-file.ts'

const memoryBytes = 4 << 20

/** Bytes that are written once and read in any order: in memory while they are few, else in a temporary file that has no name any more. */
export interface Spool {
  write(bytes: Uint8Array): Promise<void>
  /** What was written so far. */
  source(): TranscriptSource
  /** Gives everything back; idempotent. */
  close(): Promise<void>
}

/** An empty spool. Its file, where it needs one, is readable by this user alone. Throws `TRANSCRIPT_UNREADABLE` where none can be written. */
export function createSpool(): Spool {
  let pieces: Uint8Array[] = []
  let waitingBytes = 0
  let sizeBytes = 0
  let file: TemporaryFile | undefined
  const flush = async () => {
    file ??= await temporaryFile()
    const bytes = Buffer.concat(pieces)
    pieces = []
    waitingBytes = 0
    await file.handle.writeFile(bytes)
  }
  return {
    async write(bytes) {
      pieces.push(bytes)
      waitingBytes += bytes.length
      sizeBytes += bytes.length
      if (waitingBytes >= memoryBytes) await flush().catch(refuse)
    },
    source() {
      const inMemory = Buffer.concat(pieces)
      pieces = [inMemory]
      const flushedBytes = sizeBytes - inMemory.length
      const size = sizeBytes
      const readInto = async (target: Uint8Array, start: number) => {
        assertInside({ start, end: start + target.length, sizeBytes: size })
        const fromFile = Math.max(0, Math.min(target.length, flushedBytes - start))
        if (fromFile > 0 && file !== undefined)
          await fillFrom(file.handle, file.path, target.subarray(0, fromFile), { start, sizeBytes: size })
        const from = Math.max(0, start - flushedBytes)
        target.set(inMemory.subarray(from, from + target.length - fromFile), fromFile)
      }
      return {
        sizeBytes: size,
        async read(start, end, options) {
          options?.signal?.throwIfAborted()
          assertInside({ start, end, sizeBytes: size })
          const bytes = new Uint8Array(end - start)
          await readInto(bytes, start)
          return bytes
        },
        async readInto(target, start, options) {
          options?.signal?.throwIfAborted()
          await readInto(target, start)
        },
      }
    },
    async close() {
      const open = file
      file = undefined
      await open?.handle.close()
      if (open !== undefined) await rm(open.folder, { recursive: true, force: true })
    },
  }
}

interface TemporaryFile {
  readonly handle: FileHandle
  readonly folder: string
  readonly path: string
}

async function temporaryFile(): Promise<TemporaryFile> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-'))
  const path = join(folder, 'export')
  const handle = await open(path, 'wx+', 0o600)
  // Where an open file can be removed, nothing is left behind by a process that is killed.
  await rm(path).catch(() => undefined)
  return { handle, folder, path }
}

function refuse(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new CheckpointError(
    'TRANSCRIPT_UNREADABLE',
    `The export of the session found no room for a temporary file: ${why}. Make room in ${tmpdir()}.`,
    {},
    { cause },
  )
}
