import { geminiReader } from '../src/index.ts'

// Sessions as Gemini CLI 0.61.0 writes them, made by hand.

export const sessionId = 'b9f47197-bbbb-4d92-8990-dfe4a393965b'
export const path = `/home/dev/.gemini/tmp/proj/chats/session-2026-11-22T20-39-b9f47197.jsonl`
export const reader = geminiReader({ folder: '/home/dev/.gemini', projectName: (cwd) => (cwd === '/work/shop' ? 'shop' : undefined) })

const time = '2026-11-22T20:40:00.000Z'

export const metadata = (fields: object = {}) => ({
  sessionId,
  projectHash: 'ab12',
  startTime: time,
  lastUpdated: time,
  kind: 'main',
  ...fields,
})

export const user = (id: string, text = `ask ${id}`) => ({ id, timestamp: time, type: 'user', content: [{ text }] })

export const gemini = (id: string, total = 1000, fields: object = {}) => ({
  id,
  timestamp: time,
  type: 'gemini',
  content: `answer ${id}`,
  thoughts: [],
  tokens: { input: total - 20, output: 20, cached: 0, thoughts: 0, tool: 0, total },
  model: 'gemini-2.5-pro',
  ...fields,
})

export const info = (id: string) => ({ id, timestamp: time, type: 'info', content: 'a notice' })

export const context = () =>
  user('d0', '<session_context>\nToday is.\n- **Workspace Directories:**\n  - /work/shop\n- **Directory Structure:**\n</session_context>')

export const snapshot = (id: string, text = 'what was') => user(id, `<state_snapshot>\n${text}\n</state_snapshot>`)

export const answer = (id: string) => ({
  id,
  timestamp: time,
  type: 'gemini',
  content: [{ text: 'Got it. Thanks for the additional context!' }],
})

/** A message as the client lists it again: its content as parts. */
export const again = (message: object & { readonly content: unknown }, fields: object = {}) => ({
  ...message,
  content: typeof message.content === 'string' ? [{ text: message.content }] : message.content,
  ...fields,
})

export const list = (...messages: readonly object[]) => ({ $set: { messages, lastUpdated: time } })

export const touched = () => ({ $set: { lastUpdated: time } })

export const rewind = (id: string) => ({ $rewindTo: id })

/** Two turns, a compaction that keeps the second under new ids, a turn, a compaction that keeps nothing, a turn. */
export const twoCompactions = () => [
  metadata(),
  list(context()),
  user('u1'),
  touched(),
  gemini('g1'),
  user('u2'),
  gemini('g2', 2000),
  list(context(), snapshot('s1'), answer('x1'), again(user('u2'), { id: 'u2b' }), again(gemini('g2'), { id: 'g2b', tokens: undefined })),
  user('u3'),
  gemini('g3', 700),
  list(context(), snapshot('s2', 'and then'), answer('x2')),
  user('u4'),
  gemini('g4', 500),
]
