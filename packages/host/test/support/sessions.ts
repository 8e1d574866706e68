import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A session of pi's format with one message. */
export function piSession(id: string): string {
  return [
    { type: 'session', version: 3, id, timestamp: '2026-01-02T03:04:05.000Z', cwd: '/project' },
    {
      type: 'message',
      id: 'aaaaaaaa',
      parentId: null,
      timestamp: '2026-01-02T03:04:06.000Z',
      message: { role: 'user', content: 'hello', timestamp: 1_767_323_046_000 },
    },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}

/** The same, compacted once. */
export function compactedPiSession(id: string, compactedAt: string): string {
  const compaction = {
    type: 'compaction',
    id: 'bbbbbbbb',
    parentId: 'aaaaaaaa',
    timestamp: compactedAt,
    summary: 'They said hello.',
    firstKeptEntryId: 'aaaaaaaa',
    tokensBefore: 1000,
  }
  return `${piSession(id)}${JSON.stringify(compaction)}\n`
}

/** A session of Claude Code's format with one message. */
export function claudeCodeSession(sessionId: string): string {
  return `${JSON.stringify({
    parentUuid: null,
    isSidechain: false,
    userType: 'external',
    cwd: '/project',
    sessionId,
    version: '2.1.330',
    type: 'user',
    message: { role: 'user', content: 'hello' },
    uuid: '11111111-1111-4111-8111-111111111111',
    timestamp: '2026-01-02T03:04:05.000Z',
  })}\n`
}

/** A rollout of Codex with one message. */
export function codexRollout(sessionId: string): string {
  const timestamp = '2026-01-02T03:04:05.000Z'
  return [
    { timestamp, type: 'session_meta', payload: { id: sessionId, cwd: '/project' } },
    {
      timestamp,
      type: 'response_item',
      payload: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
    },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}

/** A database of OpenCode with sessions of one prompt each. Gives its path. */
export async function putOpenCodeDatabase(path: string, sessionIds: readonly string[]): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE session (id text, slug text, directory text, version text, time_created integer);
    CREATE TABLE message (id text, session_id text, time_created integer, data text);
    CREATE TABLE part (id text, message_id text, session_id text, data text)`)
  for (const id of sessionIds) {
    database.prepare('INSERT INTO session VALUES (?, ?, ?, ?, ?)').run(id, 'slug', '/project', '1.18.33', 1)
    database.prepare('INSERT INTO message VALUES (?, ?, ?, ?)').run(`msg_${id}`, id, 2, '{"role":"user"}')
    database.prepare('INSERT INTO part VALUES (?, ?, ?, ?)').run(`prt_${id}`, `msg_${id}`, id, '{"type":"text","text":"hello"}')
  }
  database.close()
  return path
}

/** Writes a file with the folders above it. */
export async function put(path: string, text: string | Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

/** A log of Gemini CLI with a turn; where it is `compacted`, with a compaction that keeps nothing, and a turn behind it. */
export function geminiSession(sessionId: string, cwd: string, compacted = false): string {
  const timestamp = '2026-01-02T03:04:05.000Z'
  const message = (id: string, type: string, text: string, fields: object = {}) => ({ id, timestamp, type, content: [{ text }], ...fields })
  const tokens = (total: number) => ({ tokens: { input: total - 10, output: 10, cached: 0, thoughts: 0, tool: 0, total } })
  const first = message(
    'c0',
    'user',
    `<session_context>\n- **Workspace Directories:**\n  - ${cwd}\n- **Directory Structure:**\n</session_context>`,
  )
  const summary = [message('s1', 'user', '<state_snapshot>hello was said</state_snapshot>'), message('x1', 'gemini', 'Got it.')]
  return [
    { sessionId, projectHash: 'ab12', startTime: timestamp, lastUpdated: timestamp, kind: 'main' },
    { $set: { messages: [first], lastUpdated: timestamp } },
    message('u1', 'user', 'hello'),
    message('g1', 'gemini', 'hello yourself', tokens(5000)),
    ...(compacted
      ? [
          { $set: { messages: [first, ...summary], lastUpdated: timestamp } },
          message('u2', 'user', 'more'),
          message('g2', 'gemini', 'yes', tokens(90)),
        ]
      : []),
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}

/** Events of Copilot CLI with a turn; where it is `compacted`, with a compaction by hand, and a turn behind it. */
export function copilotSession(sessionId: string, cwd: string, compacted = false): string {
  const event = (type: string, id: string, parentId: string | null, data: object) => ({
    type,
    data,
    id,
    timestamp: '2026-01-02T03:04:05.000Z',
    parentId,
  })
  const attempt = { compactionAttemptId: 'attempt', trigger: 'manual' }
  return [
    event('session.start', 'e0', null, { sessionId, version: 1, producer: 'copilot-agent', context: { cwd } }),
    event('user.message', 'u1', 'e0', { content: 'hello' }),
    event('assistant.message', 'a1', 'u1', { content: 'hello yourself', toolRequests: [] }),
    ...(compacted
      ? [
          event('session.compaction_start', 'c1', 'a1', attempt),
          event('session.compaction_complete', 's1', 'c1', {
            ...attempt,
            success: true,
            outcome: 'applied',
            preCompactionTokens: 5000,
            postCompactionTokens: 90,
            summaryContent: 'hello was said',
          }),
          event('user.message', 'u2', 's1', { content: 'more' }),
          event('assistant.message', 'a2', 'u2', { content: 'yes', toolRequests: [] }),
        ]
      : []),
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}
