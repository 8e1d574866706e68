import type { AgentId, CompactionReason } from '@palimpsest/core'

/** The JSON that an agent gives its hook, not yet checked. */
export type HookInput = Readonly<Record<string, unknown>>

/**
 * What an event of an agent asks for.
 *
 * - `capture`: keep the transcript as it is now. Where a session may end before it began, a missing transcript is no problem.
 * - `complete`: the compaction happened, and the transcript does not record it yet.
 * - `announce`: the agent's context was compacted; it is told where the rest is. The transcript may not record it yet, unless `isRecorded`.
 * - `settle`: checkpoints that wait for their compaction get it from the transcript; with `always` also compactions that none waits for; where one still
 *   waits, the transcript is looked at again for `lateMs`.
 */
export type HookRequest =
  | {
      readonly kind: 'capture'
      readonly transcript: string
      readonly reason: CompactionReason
      readonly leafId?: string | undefined
      readonly tokensBefore?: number | undefined
      readonly mayBeMissing: boolean
    }
  | { readonly kind: 'complete'; readonly transcript: string; readonly reason: CompactionReason; readonly summary?: string | undefined }
  | { readonly kind: 'announce'; readonly transcript: string; readonly isRecorded: boolean }
  | { readonly kind: 'settle'; readonly transcript: string; readonly always: boolean; readonly lateMs?: number }

/**
 * The hooks of one agent. Everything that is known of their names and of their JSON is here; another agent is another one of these, in a file of
 * its own and in the list of `adapters/index.ts`. It is part of the fast path: it loads nothing, zod neither.
 */
export interface HookAdapter {
  readonly agent: AgentId
  /** By the event's name on the command line; `home` is the value of `--home`. Throws a `HookProblem` for an input that can't be right. */
  readonly events: ReadonlyMap<string, (input: HookInput, home: string | undefined) => HookRequest>
  /** The session's key, where the reader of this agent takes it from the path alone; else `undefined`. */
  sessionKeyOf(transcript: string): string | undefined
  /** The file that a transcript is in, where its name is more than a path. */
  fileOf?(transcript: string): string
  /** What the agent wants to be given instead of plain text. */
  answer?(text: string): string
}

/** Why a hook did nothing; it goes into the log. */
export class HookProblem extends Error {
  override readonly name = 'HookProblem'
  readonly code = 'HOOK_INVALID'
}

/** The path of the transcript, which an event can't do without. */
export function requiredPath(input: HookInput, field: string): string {
  const path = optionalText(input, field)
  if (path !== undefined) return path
  throw new HookProblem(`The hook's input names no transcript: ${field} is ${typeof input[field]}.`)
}

/** A field that is a string with anything in it, else `undefined`. */
export function optionalText(input: HookInput, field: string): string | undefined {
  const value = input[field]
  return typeof value === 'string' && value.trim() !== '' && !value.includes('\0') ? value : undefined
}

/** A field that is a whole number of at least 0, else `undefined`. */
export function optionalCount(input: HookInput, field: string): number | undefined {
  const value = input[field]
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
