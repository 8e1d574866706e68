import type { Catalogue } from './catalogue.ts'
import { CheckpointError } from './errors.ts'
import { checkFormat, ensureFormat } from './format.ts'
import { createKnownRecords, type KnownRecords } from './known-records.ts'
import { checkedRetention, type Retention } from './retention.ts'
import type { SearchIndex } from './search-index.ts'
import type { AbortOptions, Key, Storage } from './storage.ts'
import type { AgentId, TranscriptFiles, TranscriptReader } from './transcript.ts'

/** What the service is made of. */
export interface CheckpointsOptions {
  /** Opened by the caller, and closed by it. */
  readonly storage: Storage
  readonly readers: readonly TranscriptReader[]
  /** The files of agents; without it `branch` and `restore` refuse. */
  readonly files?: TranscriptFiles | undefined
  /** What is kept; by default everything. */
  readonly retention?: Retention | undefined
  /** A derived list over all sessions; without it every ledger is read. */
  readonly catalogue?: Catalogue | undefined
  /** Opened by the caller, and closed by it; without it `search` refuses. */
  readonly searchIndex?: SearchIndex | undefined
  /** Milliseconds since the epoch; `Date.now` unless a test needs another. */
  readonly now?: (() => number) | undefined
}

/** What every operation of one service works with. */
export interface Environment {
  readonly storage: Storage
  readonly files: TranscriptFiles | undefined
  readonly retention: Retention
  readonly catalogue: Catalogue | undefined
  readonly searchIndex: SearchIndex | undefined
  readonly readers: readonly TranscriptReader[]
  /** A long part is committed so many bytes at a time, so that a capture which is killed goes on from there. */
  readonly commitEveryBytes: number
  readonly knownRecords: KnownRecords
  /** The names of sessions by the digits of their digest that stand in checkpoint ids: no session loses its name. */
  readonly knownNames: Map<string, readonly Key[]>
  now(): number
  /** The reader of an agent, or `ARGUMENT_INVALID`. */
  readerOf(agent: AgentId): TranscriptReader
  /** The store's format was checked, once a service; throws `FORMAT_UNSUPPORTED`. */
  readable(options: AbortOptions): Promise<void>
  /** The same, and the format was written where there was none. */
  writable(options: AbortOptions): Promise<void>
}

/** Readers by agent, and the checks of the format made once. Throws `ARGUMENT_INVALID` for a retention that can't be one. */
export function createEnvironment(options: CheckpointsOptions): Environment {
  const { storage, readers, retention = {} } = options
  let readable = false
  let writable = false
  return {
    storage,
    readers,
    files: options.files,
    retention: checkedRetention(retention),
    catalogue: options.catalogue,
    searchIndex: options.searchIndex,
    commitEveryBytes: 256 * 1024 * 1024,
    knownRecords: createKnownRecords(),
    knownNames: new Map(),
    now: options.now ?? Date.now,
    readerOf(agent) {
      const reader = readers.find((candidate) => candidate.agent === agent)
      if (reader !== undefined) return reader
      const known = readers.map((candidate) => candidate.agent).join(', ')
      throw new CheckpointError('ARGUMENT_INVALID', `There is no reader for the agent ${JSON.stringify(agent)}. Known agents: ${known}.`, {
        argument: 'agent',
        expected: known,
      })
    },
    async readable(abort) {
      if (readable) return
      await checkFormat(storage, abort)
      readable = true
    },
    async writable(abort) {
      if (writable) return
      await ensureFormat(storage, abort)
      readable = true
      writable = true
    },
  }
}
