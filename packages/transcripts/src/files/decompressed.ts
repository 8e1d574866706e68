import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { type AbortOptions, CheckpointError, type TranscriptSource } from '@palimpsest/core'
import { unreadable } from './file-errors.ts'
import { assertInside, fillFrom, type RegularFile, readRange } from './regular-file.ts'

/** More than this is kept on disk while it is read. */
const memoryBytes = 16 << 20

/** A file that holds more than this is refused: it is no session, or made to fill a disk. */
const maxDecompressedBytes = 8 * 2 ** 30

/**
 * The bytes that a zstd file holds, read to their end once. Up to 16 MiB of them are kept in memory; more lie in a file without a name (0600, in the
 * system's folder for such) until `close`. Throws `TRANSCRIPT_UNREADABLE` for what is damaged, cut off, or holds more than `maxBytes`.
 */
export async function decompressedSource(
  file: RegularFile,
  path: string,
  options: AbortOptions & { readonly maxBytes?: number | undefined },
): Promise<{ readonly source: TranscriptSource; close(): Promise<void> }> {
  const { maxBytes = maxDecompressedBytes, signal } = options
  const { sizeBytes: compressedBytes } = file.identity
  let pieces: Uint8Array[] = []
  let waitingBytes = 0
  let spilledBytes = 0
  let spill: FileHandle | undefined
  const spillOver = async () => {
    spill ??= await namelessFile()
    await spill.writeFile(Buffer.concat(pieces))
    spilledBytes += waitingBytes
    pieces = []
    waitingBytes = 0
  }
  try {
    if (compressedBytes > 0) {
      await pipeline(
        file.handle.createReadStream({ autoClose: false, start: 0, end: compressedBytes - 1 }),
        createZstdDecompress(),
        async (raw: AsyncIterable<Uint8Array>) => {
          for await (const piece of raw) {
            if (spilledBytes + waitingBytes + piece.length > maxBytes) throw tooLarge(path, maxBytes)
            pieces.push(piece)
            waitingBytes += piece.length
            if (waitingBytes > memoryBytes) await spillOver()
          }
        },
        { signal },
      )
    }
    if (spill !== undefined) await spillOver()
  } catch (error) {
    await spill?.close()
    signal?.throwIfAborted()
    throw unreadable(path, error)
  }
  return spill === undefined ? inMemory(Buffer.concat(pieces)) : onDisk(spill, path, spilledBytes)
}

function inMemory(bytes: Uint8Array): { source: TranscriptSource; close(): Promise<void> } {
  const sizeBytes = bytes.length
  const source: TranscriptSource = {
    sizeBytes,
    async read(start, end) {
      assertInside({ start, end, sizeBytes })
      return new Uint8Array(bytes.subarray(start, end))
    },
  }
  return { source, close: async () => undefined }
}

function onDisk(handle: FileHandle, path: string, sizeBytes: number): { source: TranscriptSource; close(): Promise<void> } {
  const source: TranscriptSource = {
    sizeBytes,
    read: (start, end) => readRange(handle, path, { start, end, sizeBytes }),
    readInto: (target, start) => fillFrom(handle, path, target, { start, sizeBytes }),
  }
  return { source, close: () => handle.close() }
}

async function namelessFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `palimpsest-${randomBytes(12).toString('hex')}`)
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  // Gone when it is closed, whatever becomes of this process. Windows removes no open file.
  await unlink(path).catch(() => undefined)
  return handle
}

function tooLarge(path: string, maxBytes: number): CheckpointError {
  const message = `${path} holds more than ${maxBytes} bytes, which is more than is read of a compressed file: decompress it and name that file.`
  return new CheckpointError('TRANSCRIPT_UNREADABLE', message, { path })
}
