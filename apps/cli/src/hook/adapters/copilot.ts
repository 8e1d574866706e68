import { join } from 'node:path'
import type { CompactionReason } from '@palimpsest/core'
import { type HookAdapter, type HookInput, HookProblem, type HookRequest, optionalText } from '../hook-request.ts'

/** The client writes its events some tenths of a second late, beside the hook: a compaction in the background may end right before the session does. */
const lateMs = 1_500

/**
 * Copilot CLI (1.0.102 was looked at). `preCompact` names the events file and why; the others name the session alone, whose file lies in the agent's
 * own folder. When `preCompact` runs, the line that a compaction began may be in the file or not.
 */
export const copilotHooks: HookAdapter = {
  agent: 'copilot',
  events: new Map<string, (input: HookInput, home: string | undefined) => HookRequest>([
    [
      'preCompact',
      (input, home) => ({ kind: 'capture', transcript: transcriptOf(input, home), reason: reasonOf(input), mayBeMissing: false }),
    ],
    ['sessionStart', (input, home) => ({ kind: 'settle', transcript: transcriptOf(input, home), always: false })],
    ['sessionEnd', (input, home) => ({ kind: 'settle', transcript: transcriptOf(input, home), always: true, lateMs })],
  ]),
  // It stands in the first event.
  sessionKeyOf: () => undefined,
}

function transcriptOf(input: HookInput, home: string | undefined): string {
  const path = optionalText(input, 'transcriptPath')
  if (path !== undefined) return path
  const sessionId = optionalText(input, 'sessionId')
  if (sessionId === undefined || home === undefined || !/^[\w-]+$/.test(sessionId))
    throw new HookProblem('The hook’s input names no transcript: it has no transcriptPath, and no sessionId with --home.')
  return join(home, 'session-state', sessionId, 'events.jsonl')
}

function reasonOf({ trigger }: HookInput): CompactionReason {
  if (trigger === 'manual') return 'manual'
  if (trigger === 'context_limit_retry') return 'overflow-retry'
  return typeof trigger === 'string' ? 'auto-threshold' : 'unknown'
}
