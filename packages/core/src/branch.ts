import type { Checkpoint } from './checkpoint.ts'
import type { WithinSession } from './checkpoints.ts'

/** Where the new session goes, and what is left out of it. */
export interface BranchOptions extends WithinSession {
  /** A folder, instead of the one where the agent looks. */
  readonly to?: string | undefined
  /** Leaves a last prompt out that was never answered. */
  readonly dropUnanswered?: boolean | undefined
  /** The new session's name, where the agent shows one. */
  readonly name?: string | undefined
}

/** A new session, ready for its agent. */
export interface BranchResult {
  readonly checkpoint: Checkpoint
  readonly path: string
  readonly sessionId: string
  /** The command that opens it, quoted for a POSIX shell. */
  readonly resume: string
  readonly resumeArgv: readonly string[]
  readonly warnings: readonly string[]
}
