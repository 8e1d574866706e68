import type { SessionReference } from './checkpoint.ts'

/** What a compaction made of the context. Blank strings count as absent; token counts are whole numbers, at least 0. */
export interface Completion {
  readonly summary?: string | undefined
  readonly firstKeptEntryId?: string | undefined
  readonly tokensAfter?: number | undefined
  readonly postCompaction?: SessionReference | undefined
}
