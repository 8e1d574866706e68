import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { CheckpointError, type FileIdentity, type TranscriptSource } from '@palimpsest/core'
import { notARegularFile, unreadable } from './file-errors.ts'

/** A regular file that is open for reading, and what it was when it was opened. */
export interface RegularFile {
  readonly handle: FileHandle
  readonly identity: FileIdentity
}

/**
 * Opens a regular file for reading; never waits for a pipe's other end. A symbolic link is followed unless `followLinks` is false. Throws
 * `TRANSCRIPT_UNREADABLE`.
 */
export async function openRegularFile(path: string, options: { readonly followLinks: boolean }): Promise<RegularFile> {
  try {
    // Some devices do things when they are opened: look first. The handle is looked at again, since the name may mean another file by then.
    const before = await stat(path)
    if (!before.isFile()) throw notARegularFile(path, before)
    const handle = await open(path, constants.O_RDONLY | nonBlocking | (options.followLinks ? 0 : noFollow))
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile()) throw notARegularFile(path, await handle.stat())
      return { handle, identity: identityOf(stats) }
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** A file that is opened for each read, as `sizeBytes` bytes. `check` may refuse what was opened; a link is never followed. */
export function reopenedSource(path: string, sizeBytes: number, check?: (file: RegularFile) => void): TranscriptSource {
  return {
    sizeBytes,
    async read(start, end, options) {
      options?.signal?.throwIfAborted()
      assertInside({ start, end, sizeBytes })
      const file = await openRegularFile(path, { followLinks: false })
      try {
        check?.(file)
        return await readRange(file.handle, path, { start, end, sizeBytes })
      } finally {
        await file.handle.close()
      }
    },
  }
}

/** What tells this state of a file from another. */
export function identityOf(stats: BigIntStats): FileIdentity {
  return {
    host: hostname(),
    device: String(stats.dev),
    inode: String(stats.ino),
    sizeBytes: Number(stats.size),
    modifiedAtMs: Number(stats.mtimeMs),
  }
}

/** Exactly the bytes from `start` to `end`. Throws `TRANSCRIPT_UNREADABLE` where the file has become shorter, and a `RangeError` for a range beyond `sizeBytes`. */
export async function readRange(
  handle: FileHandle,
  path: string,
  range: { start: number; end: number; sizeBytes: number },
): Promise<Uint8Array> {
  assertInside(range)
  const bytes = Buffer.allocUnsafeSlow(range.end - range.start)
  await fillFrom(handle, path, bytes, range)
  return bytes
}

/** Fills `target` with the bytes from `start` on. Throws as `readRange` does. */
export async function fillFrom(
  handle: FileHandle,
  path: string,
  target: Uint8Array,
  { start, sizeBytes }: { start: number; sizeBytes: number },
): Promise<void> {
  assertInside({ start, end: start + target.length, sizeBytes })
  for (let filled = 0; filled < target.length; ) {
    let bytesRead: number
    try {
      ;({ bytesRead } = await handle.read(target, filled, target.length - filled, start + filled))
    } catch (error) {
      throw unreadable(path, error)
    }
    if (bytesRead === 0)
      throw new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} became shorter while it was read. Try again.`, { path })
    filled += bytesRead
  }
}

/** Throws a `RangeError` for a range that does not lie within the size. */
export function assertInside({ start, end, sizeBytes }: { start: number; end: number; sizeBytes: number }): void {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end)
  if (whole && start >= 0 && start <= end && end <= sizeBytes) return
  throw new RangeError(`Bytes ${start} to ${end} are not within a part of ${sizeBytes} bytes.`)
}

// Windows has neither.
const nonBlocking = constants.O_NONBLOCK ?? 0
const noFollow = constants.O_NOFOLLOW ?? 0
