import { copilotReader } from '../src/index.ts'

// Sessions as Copilot CLI 1.0.102 writes them, made by hand. The id of an event is its name, so that tests can be read.

export const sessionId = '0f729000-2aa3-4bba-82ba-cbea4be0dc9e'
export const path = `/home/dev/.copilot/session-state/${sessionId}/events.jsonl`
export const reader = copilotReader({ folder: '/home/dev/.copilot' })

export const event = (type: string, id: string, parentId: string | null, data: object = {}, fields: object = {}) => ({
  type,
  data,
  id,
  timestamp: '2026-11-22T21:06:33.270Z',
  parentId,
  ...fields,
})

export const start = (fields: object = {}) =>
  event('session.start', 'start', null, { sessionId, version: 1, producer: 'copilot-agent', context: { cwd: '/work/shop' }, ...fields })

export const user = (id: string, parentId: string) =>
  event('user.message', id, parentId, { content: `ask ${id}`, transformedContent: `now: ask ${id}` })

export const assistant = (id: string, parentId: string, data: object = {}) =>
  event('assistant.message', id, parentId, { content: `answer ${id}`, toolRequests: [], ...data })

export const begun = (id: string, parentId: string, attempt: string, trigger = 'manual') =>
  event('session.compaction_start', id, parentId, { compactionAttemptId: attempt, trigger, currentTokens: 10815 })

export const applied = (id: string, parentId: string, attempt: string, trigger = 'manual') =>
  event('session.compaction_complete', id, parentId, {
    success: true,
    outcome: 'applied',
    compactionAttemptId: attempt,
    preCompactionTokens: 10815,
    postCompactionTokens: 744,
    summaryContent: `summary ${id}`,
    trigger,
    checkpointNumber: 1,
  })

export const cancelled = (id: string, parentId: string, attempt: string) =>
  event('session.compaction_complete', id, parentId, {
    success: false,
    error: 'Compaction Cancelled',
    outcome: 'cancelled',
    compactionAttemptId: attempt,
    trigger: 'threshold',
  })

/** The client's own request for a summary is written beside the chain: its parents are null or nowhere. */
export const summaryRequest = (id: string) => [
  event('model.turn_started', `${id}-turn`, null),
  event('model.model_call_started', `${id}-call`, 'not-in-the-file'),
  event('model.messages_snapshot', `${id}-messages`, `${id}-call`, { messages: [{ role: 'user', content: 'please summarise' }] }),
]

/** Two turns, one with a tool, a compaction by hand, a turn, one that ran beside an answer, a turn. */
export const twoCompactions = () => [
  start(),
  user('u1', 'start'),
  event('system.message', 'system', 'u1', { role: 'system', content: 'You are the CLI.' }),
  assistant('a1', 'system', { content: '', toolRequests: [{ toolCallId: 'call_1', name: 'bash', arguments: { command: 'echo hi' } }] }),
  event('tool.execution_start', 'tool-start', 'a1', { toolCallId: 'call_1', toolName: 'bash' }),
  event('tool.execution_complete', 't1', 'tool-start', { toolCallId: 'call_1', success: true, result: { content: 'hi' } }),
  assistant('a2', 't1'),
  event('session.shutdown', 'end-1', 'a2'),
  event('session.resume', 'resume-1', 'end-1', { context: { cwd: '/work/shop' } }),
  begun('c1', 'resume-1', 'attempt-1'),
  event('hook.start', 'hook-1', 'c1'),
  event('hook.end', 'hook-2', 'hook-1'),
  ...summaryRequest('m1'),
  applied('s1', 'hook-2', 'attempt-1'),
  user('u2', 's1'),
  event('hook.start', 'hook-3', 'u2'),
  event('hook.end', 'hook-4', 'hook-3'),
  begun('c2', 'hook-4', 'attempt-2', 'threshold'),
  assistant('a3', 'c2'),
  applied('s2', 'a3', 'attempt-2', 'threshold'),
  user('u3', 's2'),
  assistant('a4', 'u3'),
]
