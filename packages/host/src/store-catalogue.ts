import { existsSync, readdirSync, statSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sha256Hex } from '@palimpsest/core'
import { type OpenCatalogue, openCatalogue } from './catalogue/open-catalogue.ts'
import type { StorageLocation } from './storage-url.ts'

/** The log of changes in a store's folder is begun anew now and then. */
const passingName = 'changes'

/**
 * The catalogue of a store, in a folder of the cache that is named after the store's real place, so that all links to it share one. `undefined` for a
 * memory store, which needs none, and where the cache can't be written.
 */
export async function catalogueOf(location: StorageLocation, cacheFolder: string): Promise<OpenCatalogue | undefined> {
  if (location.kind === 'memory') return undefined
  return openCatalogue({ folder: await derivedFolder(location, cacheFolder), storeIdentity: () => identityOf(location.folder) })
}

/** The folder for what is derived from a store, named after the store's real place, so that all links to it share one. */
export async function derivedFolder(location: Extract<StorageLocation, { kind: 'folder' }>, cacheFolder: string): Promise<string> {
  const url = pathToFileURL(await realPlace(location.folder)).href
  return join(cacheFolder, sha256Hex(new TextEncoder().encode(url)).slice(0, 32))
}

/** The path without links, of a folder that may not be there yet. */
async function realPlace(folder: string): Promise<string> {
  const parent = dirname(folder)
  if (parent === folder) return folder
  try {
    return await realpath(folder)
  } catch {
    return join(await realPlace(parent), basename(folder))
  }
}

/**
 * Differs between a store and one that was later made in its place, be it that the folder is another or what lies in it. Where the file system keeps
 * no time of birth, the inodes have to do.
 */
function identityOf(folder: string): string {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name !== passingName)
        .sort()
    : []
  return [folder, ...names.map((name) => join(folder, name))].map(birthOf).join(' ')
}

function birthOf(path: string): string {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (status === undefined) return ''
  const { ino, birthtimeNs, ctimeNs } = status
  return birthtimeNs === 0n || birthtimeNs === ctimeNs ? `${ino}` : `${ino}:${birthtimeNs}`
}
