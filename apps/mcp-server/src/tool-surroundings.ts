import type { CheckpointsSource, Scope } from './scope.ts'
import type { ScopedSearch } from './scoped-search.ts'

/** What each tool is made with. */
export interface ToolSurroundings {
  readonly checkpoints: CheckpointsSource
  readonly scope: Scope
  readonly search: ScopedSearch
  /** Whether a session may be put back in its own file. */
  readonly allowRestore: boolean
  /** Whether tools that write are left out. */
  readonly readOnly: boolean
  /** A new mark for a fence; random unless a test needs another. */
  readonly random: (() => string) | undefined
}
