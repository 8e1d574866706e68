import { type HookAdapter, type HookInput, HookProblem, type HookRequest, optionalText, requiredPath } from '../hook-request.ts'

/**
 * OpenCode has no hook commands: a plugin runs in it, and gives `{ "database", "session_id" }`. `before-compact` is `experimental.session.compacting`, when the
 * request for the compaction is in the database already but isn't answered; `compact` is the event `session.compacted`.
 */
export const openCodeHooks: HookAdapter = {
  agent: 'opencode',
  events: new Map<string, (input: HookInput) => HookRequest>([
    // Why it runs is in the database only, and settles with the compaction.
    ['before-compact', (input) => ({ kind: 'capture', transcript: transcriptOf(input), reason: 'unknown', mayBeMissing: false })],
    ['compact', (input) => ({ kind: 'settle', transcript: transcriptOf(input), always: true })],
  ]),
  sessionKeyOf: () => undefined,
  fileOf: (transcript) => transcript.slice(0, transcript.lastIndexOf('#')),
}

function transcriptOf(input: HookInput): string {
  const sessionId = optionalText(input, 'session_id')
  if (sessionId === undefined || !/^\w+$/.test(sessionId)) throw new HookProblem('The hook’s input names no session: session_id.')
  return `${requiredPath(input, 'database')}#${sessionId}`
}
