import { diffCheckpoint } from './diff-checkpoint.ts'
import { getCheckpoint } from './get-checkpoint.ts'
import { listCheckpoints } from './list-checkpoints.ts'
import { registryOf, type ToolRegistry } from './registry.ts'
import { restoreCheckpoint } from './restore-checkpoint.ts'
import { type CheckpointsSource, type ScopeName, scopeOf } from './scope.ts'
import { scopedSearch } from './scoped-search.ts'
import { searchCheckpoints } from './search-checkpoints.ts'
import type { ToolSurroundings } from './tool-surroundings.ts'

/** What the tools of a server may do, and what they work on. */
export interface ToolRegistryOptions {
  /** Asked at a call, not before. */
  readonly checkpoints: CheckpointsSource
  readonly scope: ScopeName
  /** The absolute folder that the scope `project` means. */
  readonly projectFolder: string
  /** Whether a session may be put back in its own file. */
  readonly allowRestore: boolean
  /** Leaves every tool out that writes. */
  readonly readOnly: boolean
  /** A new mark for a fence; random unless a test needs another. */
  readonly random?: (() => string) | undefined
  /** Gets errors that nobody foresaw. By default nothing is logged. */
  readonly log?: ((message: string) => void) | undefined
}

/** The tools of a server, in a fixed order. */
export function createToolRegistry(options: ToolRegistryOptions): ToolRegistry {
  const { checkpoints, allowRestore, readOnly, random } = options
  const scope = scopeOf(options.scope, checkpoints, options.projectFolder)
  const search = scopedSearch(options.scope, checkpoints, options.projectFolder)
  const surroundings: ToolSurroundings = { checkpoints, scope, search, allowRestore, readOnly, random }
  const reading = [
    listCheckpoints(surroundings),
    getCheckpoint(surroundings),
    diffCheckpoint(surroundings),
    searchCheckpoints(surroundings),
  ]
  const tools = [...reading, ...(readOnly ? [] : [restoreCheckpoint(surroundings)])]
  return registryOf(tools, options.log ?? (() => undefined))
}
