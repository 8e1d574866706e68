import type { AgentId, CompactionReason } from '@palimpsest/core'
import { type HookAdapter, type HookInput, type HookRequest, optionalCount, optionalText, requiredPath } from '../hook-request.ts'

/**
 * pi and OpenClaw have no hook commands: an extension runs in them, and gives what it knows as
 * `{ "session_file", "reason"?: "manual" | "threshold" | "overflow", "leaf_id"?, "tokens_before"? }`. `before-compact` is
 * `session_before_compact`; `compact` is `session_compact`, when the file has the compaction; `session-end` is `session_shutdown`.
 */
export function piHooks(agent: AgentId): HookAdapter {
  return {
    agent,
    events: new Map<string, (input: HookInput) => HookRequest>([
      [
        'before-compact',
        (input) => ({
          kind: 'capture',
          transcript: transcriptOf(input),
          reason: reasonOf(input),
          leafId: optionalText(input, 'leaf_id'),
          tokensBefore: optionalCount(input, 'tokens_before'),
          mayBeMissing: false,
        }),
      ],
      ['compact', (input) => ({ kind: 'settle', transcript: transcriptOf(input), always: true })],
      ['session-start', (input) => ({ kind: 'settle', transcript: transcriptOf(input), always: false })],
      ['session-end', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: 'session-end', mayBeMissing: true })],
    ]),
    // It stands in the file's header, and OpenClaw's in another file.
    sessionKeyOf: () => undefined,
  }
}

function transcriptOf(input: HookInput): string {
  return requiredPath(input, 'session_file')
}

function reasonOf({ reason }: HookInput): CompactionReason {
  if (reason === 'manual') return 'manual'
  if (reason === 'overflow') return 'overflow-retry'
  return reason === 'threshold' ? 'auto-threshold' : 'unknown'
}
