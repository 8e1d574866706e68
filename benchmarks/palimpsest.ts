import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Checkpoints, Storage } from '@palimpsest/core'
import type { FsStorageOptions } from '@palimpsest/storage-fs'

const folder = process.env['PALIMPSEST_BENCH_BUILD'] ?? ''

/** The packages of the build under test. */
const core: typeof import('@palimpsest/core') = await load('core')
const storageFs: typeof import('@palimpsest/storage-fs') = await load('storage-fs')
export const transcripts: typeof import('@palimpsest/transcripts') = await load('transcripts')

/** A service over a store in a folder, open. */
export interface Service {
  readonly storage: Storage
  readonly checkpoints: Checkpoints
}

/** A module of the build under test. */
export function load(name: string): ReturnType<typeof importFile> {
  return importFile(join(folder, 'node_modules/@palimpsest', name, 'dist/index.js'))
}

/** The service over a folder, with the readers of pi and Claude Code. */
export async function openService(store: string, options: Omit<FsStorageOptions, 'folder'> = {}): Promise<Service> {
  const storage = storageFs.createFsStorage({ folder: store, ...options })
  await storage.open()
  const readers = [
    transcripts.piReader({ agentFolder: join(store, '../agents/pi') }),
    transcripts.claudeCodeReader({ configFolder: join(store, '../agents/claude') }),
  ]
  return { storage, checkpoints: core.createCheckpoints({ storage, readers, files: transcripts.nodeTranscriptFiles() }) }
}

function importFile(path: string) {
  return import(pathToFileURL(path).href)
}
