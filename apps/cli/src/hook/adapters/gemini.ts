import type { CompactionReason } from '@palimpsest/core'
import { type HookAdapter, type HookInput, type HookRequest, requiredPath } from '../hook-request.ts'

/**
 * Gemini CLI (0.61.0 was looked at). PreCompress runs before every turn, whether it compacts or not: a capture that no compaction follows is replaced by a
 * later one. There is no hook after a compaction. In a resumed session SessionStart and SessionEnd may name a stub instead of the session's own log, so
 * that the one isn't used and nothing is captured at the other.
 */
export const geminiHooks: HookAdapter = {
  agent: 'gemini',
  events: new Map<string, (input: HookInput) => HookRequest>([
    ['PreCompress', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: reasonOf(input), mayBeMissing: true })],
    ['SessionEnd', (input) => ({ kind: 'settle', transcript: transcriptOf(input), always: true })],
  ]),
  // It stands in the log's first line.
  sessionKeyOf: () => undefined,
}

function transcriptOf(input: HookInput): string {
  return requiredPath(input, 'transcript_path')
}

function reasonOf({ trigger }: HookInput): CompactionReason {
  if (trigger === 'manual') return 'manual'
  return trigger === 'auto' ? 'auto-threshold' : 'unknown'
}
