import type { BranchResult } from './branch.ts'
import type { WithinSession } from './checkpoints.ts'

/** How a session is put back in place. */
export interface RestoreOptions extends WithinSession {
  /** Even though the file was written within the last minute. */
  readonly force?: boolean | undefined
  /** The session's file, where it is no longer where it was captured. */
  readonly path?: string | undefined
}

/** A session put back; `undo` is the checkpoint of what it was before. */
export interface RestoreResult extends BranchResult {
  readonly undo: string
}
