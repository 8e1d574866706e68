import type { SearchIndex } from '@palimpsest/core'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { loadSqlite } from '../catalogue/sqlite.ts'
import type { StorageLocation } from '../storage-url.ts'
import { derivedFolder } from '../store-catalogue.ts'

/** The search index of a store, beside its catalogue; of a memory store in memory too. Nothing is opened before it is first used. */
export async function searchIndexOf(location: StorageLocation, cacheFolder: string): Promise<SearchIndex> {
  const folder = location.kind === 'memory' ? undefined : await derivedFolder(location, cacheFolder)
  return createSqliteSearchIndex({ folder, sqlite: loadSqlite })
}
