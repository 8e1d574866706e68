import { CheckpointError, type Storage, StorageError } from '@palimpsest/core'
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
    throw openFailure(location.url, error)
  }
}

function openFailure(url: string, cause: unknown): CheckpointError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const kind = cause instanceof StorageError ? cause.kind : 'unavailable'
  const message = `The store ${url} can't be opened: ${reason}`
  const details = { operation: 'open' }
  switch (kind) {
    case 'newer':
      return new CheckpointError(
        'FORMAT_UNSUPPORTED',
        `${message} Upgrade palimpsest; nothing was changed.`,
        { found: 2, supported: 1 },
        { cause },
      )
    case 'refused':
    case 'unsupported':
    case 'too-large':
      return new CheckpointError('STORAGE_REFUSED', `${message} Check its permissions, or name another one with --store.`, details, {
        cause,
      })
    case 'unavailable':
    case 'key':
    case 'range':
    case 'closed':
      return new CheckpointError('STORAGE_UNAVAILABLE', `${message} Try again.`, details, { cause })
    default:
      return kind satisfies never
  }
}
