import { join } from 'node:path'
import type { Storage } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { newFolder } from './folders.ts'

/** A new, empty store: each call of what it gives is another instance on it, as another process would have. */
export type OpenStore = () => Promise<() => Storage>

export const openMemoryStore: OpenStore = async () => {
  const shared = createMemoryStore()
  return () => createMemoryStorage({ shared })
}

export const openFsStore: OpenStore = async () => {
  const folder = join(await newFolder(), 'store')
  return () => createFsStorage({ folder })
}
