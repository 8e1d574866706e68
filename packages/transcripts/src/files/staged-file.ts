import type { FileHandle } from 'node:fs/promises'

const syncedAtOnceBytes = 8 << 20

/** A file that is written from its beginning on, and can be shortened meanwhile. */
export interface StagedFile {
  write(bytes: Uint8Array): Promise<void>
  /** Shortens it to so many bytes, no more than it has. */
  cut(sizeBytes: number): Promise<void>
  /** Lets the disk begin, while more is made or what was written is looked at. What fails is met by `close`. */
  beginSync(): void
  /** Makes it durable. Throws where that fails, or failed before, and where the file has not the size of what was written. */
  close(): Promise<void>
}

/** A staged file on the handle of an empty one, which is closed with it. */
export function stagedFile(handle: FileHandle): StagedFile {
  let sizeBytes = 0
  let unsyncedBytes = 0
  let syncing: Promise<void> = Promise.resolve()
  const beginSync = (): void => {
    unsyncedBytes = 0
    syncing = syncing.then(() => handle.datasync())
    syncing.catch(() => undefined)
  }
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, sizeBytes)
        at += bytesWritten
        sizeBytes += bytesWritten
      }
      unsyncedBytes += bytes.length
      if (unsyncedBytes >= syncedAtOnceBytes) beginSync()
    },
    async cut(wantedBytes) {
      await handle.truncate(wantedBytes)
      sizeBytes = wantedBytes
    },
    beginSync,
    async close() {
      try {
        await syncing
        await handle.sync()
        const { size } = await handle.stat()
        if (size !== sizeBytes) throw new Error(`The file has ${size} bytes instead of the ${sizeBytes} that were written.`)
      } finally {
        await handle.close()
      }
    },
  }
}
