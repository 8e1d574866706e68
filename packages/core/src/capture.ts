import type { Checkpoint, CompactionReason } from './checkpoint.ts'
import type { Completion } from './completion.ts'
import type { AbortOptions } from './storage.ts'
import type { AgentId, TranscriptOrigin } from './transcript.ts'

/** What to capture, and what the caller knows of it. */
export interface CaptureRequest extends AbortOptions {
  readonly agent: AgentId
  readonly transcript: TranscriptOrigin
  /** By default `unknown`. */
  readonly reason?: CompactionReason | undefined
  /** By default what the reader identifies. Never trimmed. */
  readonly sessionKey?: string | undefined
  readonly sessionId?: string | undefined
  /** Milliseconds since the epoch; by default now. */
  readonly createdAt?: number | undefined
  /** By default the leaf that the transcript's last line says. */
  readonly leafId?: string | undefined
  readonly tokensBefore?: number | undefined
  readonly label?: string | undefined
}

/** A capture that is stored and waits for its compaction. */
export interface PendingCheckpoint {
  /** `unchanged`: these bytes were already kept, and `checkpoint` is the one that has them. */
  readonly outcome: 'captured' | 'unchanged'
  readonly checkpoint: Checkpoint
  /** Bytes that this capture added to storage for the transcript, compressed. */
  readonly storedBytes: number
  /** Confirms it. */
  complete(completion?: Completion, options?: AbortOptions): Promise<Checkpoint>
  /** Takes it back; a capture that was `unchanged` has nothing to take back. */
  abandon(options?: AbortOptions): Promise<void>
}
