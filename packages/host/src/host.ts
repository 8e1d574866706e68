import { homedir } from 'node:os'
import {
  type AgentId,
  type Checkpoints,
  createCheckpoints,
  type Storage,
  type TranscriptFiles,
  type TranscriptReader,
} from '@palimpsest/core'
import { nodeTranscriptFiles } from '@palimpsest/transcripts'
import { type DatabasePlace, knownAgents } from './agents.ts'
import type { Configuration } from './configuration.ts'
import { openStore } from './open-store.ts'
import { readConfiguration } from './read-configuration.ts'
import { type ScanMemory, scanMemory } from './scan-memory.ts'
import { searchIndexOf } from './search/store-search-index.ts'
import { catalogueOf } from './store-catalogue.ts'

/** Where a host takes its surroundings from. */
export interface HostOptions {
  /** By default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** By default `os.homedir()`. */
  readonly homeFolder?: string | undefined
  /** The storage URL of a flag: `file:///absolute`, `file:relative`, a plain path, `memory:`. Stands above environment and file. */
  readonly store?: string | undefined
}

/** Everything a program needs of this machine, put together. */
export interface Host {
  readonly checkpoints: Checkpoints
  /** Open. */
  readonly storage: Storage
  /** The store's absolute URL: `file:///…` or `memory:`. */
  readonly storeUrl: string
  readonly configuration: Configuration
  readonly readers: readonly TranscriptReader[]
  /** By agent, the folders below which its sessions lie, whether they are there or not. */
  readonly sessionFolders: ReadonlyMap<AgentId, readonly string[]>
  /** By agent, where its databases lie, whether they are there or not. */
  readonly databases?: ReadonlyMap<AgentId, DatabasePlace> | undefined
  readonly files: TranscriptFiles
  /** What earlier scans saw, for one scan; `undefined` where there is no catalogue to keep it in. */
  scanMemory?(): ScanMemory | undefined
  /** Idempotent. */
  close(): Promise<void>
}

/**
 * Reads the configuration and opens the store that it names. SQLite is loaded when the catalogue is first asked, transcripts are looked for when
 * `findTranscripts` is. Throws `ARGUMENT_INVALID`, `STORAGE_UNAVAILABLE`, `STORAGE_REFUSED`, `FORMAT_UNSUPPORTED`.
 */
export async function openHost(options: HostOptions = {}): Promise<Host> {
  const env = options.env ?? process.env
  const homeFolder = options.homeFolder ?? homedir()
  const flags = { store: options.store }
  const configuration = await readConfiguration({ env, homeFolder, currentFolder: process.cwd(), flags })
  const storage = await openStore(configuration.store)
  const catalogue = await catalogueOf(configuration.store, configuration.cacheFolder)
  const searchIndex = await searchIndexOf(configuration.store, configuration.cacheFolder)
  const { readers, sessionFolders, databases } = knownAgents(env, homeFolder)
  const files = nodeTranscriptFiles()
  const checkpoints = createCheckpoints({ storage, readers, files, retention: configuration.retention, catalogue, searchIndex })
  return {
    checkpoints,
    storage,
    storeUrl: configuration.store.url,
    configuration,
    readers,
    sessionFolders,
    databases,
    files,
    scanMemory: () => (catalogue === undefined ? undefined : scanMemory(catalogue, { checkpoints, readers, files })),
    async close() {
      await storage.close()
      catalogue?.close()
      searchIndex.close()
    },
  }
}
