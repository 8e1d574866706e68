import type { IndexedSession } from './corpus.ts'

/** Something that finds entries: the product, or its peer. */
export interface RecallEngine {
  readonly name: EngineName
  /** What it took to index everything it searches. */
  readonly index: IndexCost
  /** The keys of the entries found, best first, at most `limit`. The query is taken as a person pasted it. */
  search(query: string, limit: number): Promise<readonly FoundEntry[]>
  close(): Promise<void>
}

export type EngineName = 'plain' | 'palimpsest'

/** A hit. */
export interface FoundEntry {
  /** As `entryKey` makes it. */
  readonly key: string
  readonly session: string
  /** For people who look at misses. */
  readonly text: string
}

/** What an index costs. */
export interface IndexCost {
  readonly ms: number
  readonly sizeBytes: number
  /** Bytes of the transcripts that it covers. */
  readonly transcriptBytes: number
}

/** The sessions that an engine is to index. */
export interface EngineInput {
  readonly sessions: readonly IndexedSession[]
  readonly transcriptBytes: number
  /** Empty, for the engine alone. */
  readonly folder: string
}
