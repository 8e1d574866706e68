import { type Storage, storageFailure } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import type { StorageLocation } from './storage-url.ts'

/**
 * The storage at a location, open; a memory store is a new and empty one each time. Throws `STORAGE_REFUSED`, `STORAGE_UNAVAILABLE`,
 * `FORMAT_UNSUPPORTED`.
 */
export async function openStore(location: StorageLocation): Promise<Storage> {
  const storage = location.kind === 'memory' ? createMemoryStorage() : createFsStorage({ folder: location.folder })
  try {
    await storage.open()
    return storage
  } catch (error) {
    await storage.close().catch(() => undefined)
    throw storageFailure(`be opened at ${location.url}`, error)
  }
}
