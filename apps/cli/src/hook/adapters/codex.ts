import type { CompactionReason } from '@palimpsest/core'
import { type HookAdapter, type HookInput, type HookRequest, requiredPath } from '../hook-request.ts'

/**
 * Codex (0.145 to 0.169 were looked at). PreCompact runs when the rollout is whole on disk, PostCompact when it has the compaction; then comes
 * SessionStart with source `compact`. What SessionStart says goes to the model as JSON; anything else that says `continue: false` would end the turn.
 */
export const codexHooks: HookAdapter = {
  agent: 'codex',
  events: new Map<string, (input: HookInput) => HookRequest>([
    ['PreCompact', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: reasonOf(input), mayBeMissing: false })],
    ['PostCompact', (input) => ({ kind: 'settle', transcript: transcriptOf(input), always: true })],
    [
      'SessionStart',
      (input) =>
        input['source'] === 'compact'
          ? { kind: 'announce', transcript: transcriptOf(input), isRecorded: true }
          : { kind: 'settle', transcript: transcriptOf(input), always: false },
    ],
    ['SessionEnd', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: 'session-end', mayBeMissing: true })],
  ]),
  // It stands in the rollout's first line.
  sessionKeyOf: () => undefined,
  answer: (text) => JSON.stringify({ hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: text.trimEnd() } }),
}

function transcriptOf(input: HookInput): string {
  return requiredPath(input, 'transcript_path')
}

function reasonOf({ trigger }: HookInput): CompactionReason {
  if (trigger === 'manual') return 'manual'
  return trigger === 'auto' ? 'auto-threshold' : 'unknown'
}
