import type { AbortOptions } from './storage.ts'
import type { AgentId, TranscriptOrigin } from './transcript.ts'

/** A transcript whose compactions are to be kept. */
export interface ImportRequest extends AbortOptions {
  readonly agent: AgentId
  readonly transcript: TranscriptOrigin
  /** Also what was deleted before. */
  readonly again?: boolean | undefined
}

/** Something in a transcript that was passed over, kept byte for byte. */
export interface ImportProblem {
  readonly code: 'TRANSCRIPT_MALFORMED'
  readonly line?: number | undefined
  readonly message: string
}

/** What an import found. */
export interface ImportResult {
  readonly agent: AgentId
  readonly sessionKey: string
  readonly sessionId: string
  readonly cwd?: string | undefined
  /** The checkpoint of each compaction, oldest first; deleted ones are not among them. */
  readonly checkpointIds: readonly string[]
  /** How many of them this import made, and how many pending ones it completed. */
  readonly created: number
  readonly completed: number
  /** Bytes that this import added to storage for the transcript, compressed. */
  readonly storedBytes: number
  /** The first 100; `problemCount` counts all. */
  readonly problems: readonly ImportProblem[]
  readonly problemCount: number
}
