import type { CompactionReason } from '@palimpsest/core'
import { type HookAdapter, type HookInput, type HookRequest, optionalText, requiredPath } from '../hook-request.ts'

const uuidName = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Claude Code (2.1.197 and 2.1.330 were looked at). Around a compaction it runs PreCompact, SessionStart with source `compact`, PostCompact, and
 * writes the boundary only after all of them: at PreCompact the transcript is what it was, at the two others a few lines longer. None of the
 * inputs has token counts, which the boundary says later.
 */
export const claudeCodeHooks: HookAdapter = {
  agent: 'claude-code',
  events: new Map<string, (input: HookInput) => HookRequest>([
    ['PreCompact', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: reasonOf(input), mayBeMissing: false })],
    ['PostCompact', (input) => ({ kind: 'complete', transcript: transcriptOf(input), reason: reasonOf(input), summary: summaryOf(input) })],
    [
      'SessionStart',
      (input) =>
        input['source'] === 'compact'
          ? { kind: 'announce', transcript: transcriptOf(input), isRecorded: false }
          : { kind: 'settle', transcript: transcriptOf(input), always: false },
    ],
    // A session that was opened and left again has no transcript.
    ['SessionEnd', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: 'session-end', mayBeMissing: true })],
  ]),
  sessionKeyOf(transcript) {
    const name = (transcript.split(/[\\/]/).pop() ?? '').replace(/\.jsonl$/, '')
    return uuidName.test(name) ? name : undefined
  },
}

function transcriptOf(input: HookInput): string {
  return requiredPath(input, 'transcript_path')
}

function reasonOf({ trigger }: HookInput): CompactionReason {
  if (trigger === 'manual') return 'manual'
  return trigger === 'auto' ? 'auto-threshold' : 'unknown'
}

/** The summary as the model wrote it: what stands between its tags, where it has them. */
function summaryOf(input: HookInput): string | undefined {
  const text = optionalText(input, 'compact_summary')
  return /<summary>([\s\S]*)<\/summary>/.exec(text ?? '')?.[1]?.trim() ?? text
}
