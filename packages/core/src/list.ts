import type { Checkpoint } from './checkpoint.ts'
import type { AbortOptions } from './storage.ts'

/** Which checkpoints, and which page of them. */
export interface ListQuery extends AbortOptions {
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
  /** Only sessions of this project folder. */
  readonly cwd?: string | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** 1 to 1000, by default 50. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined
}

/** A page of checkpoints, newest first. */
export interface CheckpointPage {
  readonly checkpoints: readonly ListedCheckpoint[]
  readonly nextCursor?: string | undefined
}

/** A checkpoint in a list; with `problem` where its record could not be read, so that the list goes on. */
export interface ListedCheckpoint extends Checkpoint {
  readonly problem?: string | undefined
}

/** Which sessions, and which page of them. */
export interface SessionQuery extends AbortOptions {
  readonly agent?: string | undefined
  readonly cwd?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** What is kept of a session. */
export interface SessionSummary {
  readonly agent: string
  readonly sessionKey: string
  readonly sessionId: string
  readonly cwd?: string | undefined
  readonly checkpointCount: number
  readonly oldestAt: number
  readonly newestAt: number
  /** Raw bytes of all streams of all parts, each byte once. */
  readonly rawBytes: number
  /** What they take in storage, records not counted. */
  readonly storedBytes: number
}

/** A page of sessions, the one with the newest checkpoint first. */
export interface SessionPage {
  readonly sessions: readonly SessionSummary[]
  readonly nextCursor?: string | undefined
  /** Ledgers that could not be read: their names and why. The rest is listed. */
  readonly problems: readonly { readonly name: string; readonly message: string }[]
}
