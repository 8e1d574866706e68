import type { CompactionReason, SessionReference } from './checkpoint.ts'
import type { AbortOptions } from './storage.ts'
import type { Transcript } from './transcript.ts'

/** What is known of the compaction before which an agent made a copy of a session. */
export interface CopiedCompaction {
  /** Tells this copy from every other one of the agent's: however often it is seen, it is one checkpoint. */
  readonly copyId: string
  /** Passed over where the copy has no such entry. */
  readonly leafId?: string | undefined
  readonly createdAt?: number | undefined
  readonly reason?: CompactionReason | undefined
  readonly tokensBefore?: number | undefined
  readonly tokensAfter?: number | undefined
  readonly summary?: string | undefined
  readonly firstKeptEntryId?: string | undefined
  readonly postCompaction?: SessionReference | undefined
}

/** Copies of whole sessions that an agent made before their compactions, each a file of its own beside the session's. */
export interface SessionCopies {
  /** The name of the session's own file, where a file of this name is a copy of it; `undefined` for any other. */
  mainOf(fileName: string): string | undefined
  /** What is known of the compaction that followed the last line of a copy. Never throws on what says so. */
  compaction(transcript: Transcript, options?: AbortOptions): Promise<CopiedCompaction>
}
