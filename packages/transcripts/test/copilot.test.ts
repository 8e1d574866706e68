import { describe, expect, test } from 'vitest'
import { claudeCodeReader, geminiReader, openClawReader, piReader } from '../src/index.ts'
import { contextIn } from './contexts.ts'
import {
  applied,
  assistant,
  begun,
  cancelled,
  event,
  path,
  reader,
  sessionId,
  start,
  summaryRequest,
  twoCompactions,
  user,
} from './copilot-session.ts'
import { bytesOf, contextIds, newId, opened, readSession, rewritten } from './session-kit.ts'

const turn = [start(), user('u1', 'start'), assistant('a1', 'u1')]

describe('a compaction', () => {
  test('is the line that says it was applied, and its leaf is the one before it began', async () => {
    const { compactions } = await readSession(reader, twoCompactions())
    expect(compactions).toMatchObject([
      {
        boundary: { line: 15, entryId: 's1' },
        leafId: 'resume-1',
        reason: 'manual',
        tokensBefore: 10_815,
        tokensAfter: 744,
        summary: 'summary s1',
        keptEntryIds: [],
      },
      { boundary: { line: 21, entryId: 's2' }, leafId: 'hook-4', reason: 'auto-threshold', summary: 'summary s2' },
    ])
  })

  test.each([
    ['manual', 'manual'],
    ['threshold', 'auto-threshold'],
    ['memory_pressure', 'auto-threshold'],
    ['model_switch', 'auto-threshold'],
    ['context_limit_retry', 'overflow-retry'],
    ['of a later version', 'unknown'],
  ])('that %s set off has the reason %s', async (trigger, reason) => {
    const lines = [...turn, begun('c1', 'a1', 'x', trigger), applied('s1', 'c1', 'x', trigger)]
    expect((await readSession(reader, lines)).compactions).toMatchObject([{ reason }])
  })

  test('that was cancelled, or never ended, is none; nor does its end count for another attempt', async () => {
    const broken = [...turn, begun('c1', 'a1', 'x'), cancelled('s1', 'c1', 'x')]
    expect((await readSession(reader, broken)).compactions).toEqual([])
    expect((await readSession(reader, [...turn, begun('c1', 'a1', 'x')])).compactions).toEqual([])
    const second = [...broken, begun('c2', 's1', 'y'), user('u2', 'c2'), applied('s2', 'u2', 'y')]
    expect((await readSession(reader, second)).compactions).toMatchObject([{ boundary: { entryId: 's2' }, leafId: 's1' }])
    expect((await readSession(reader, [...turn, begun('c1', 'a1', 'x'), applied('s1', 'c1', 'y')])).compactions).toEqual([])
    expect(await contextIds(reader, broken)).toEqual(['u1', 'a1'])
  })
})

describe('the context', () => {
  test('behind a compaction by hand is its summary and what came after', async () => {
    expect(await contextIds(reader, twoCompactions(), 'context', 'hook-4')).toEqual(['s1', 'u2'])
    expect(await contextIds(reader, twoCompactions(), 'context', 'resume-1')).toEqual(['u1', 'a1', 't1', 'a2'])
  })

  test('behind one that ran beside an answer has that answer too', async () => {
    expect(await contextIds(reader, twoCompactions())).toEqual(['s2', 'a3', 'u3', 'a4'])
    expect(await contextIds(reader, twoCompactions(), 'all')).toEqual(['u1', 'a1', 't1', 'a2', 'u2', 'a3', 'u3', 'a4'])
  })

  test('has nothing of the client’s own request for a summary, whose events hang off nothing, and these never are the leaf', async () => {
    const lines = [...turn, begun('c1', 'a1', 'x'), ...summaryRequest('m')]
    const { entries } = await readSession(reader, lines)
    expect(entries.slice(-3).map(({ leafId, kind }) => [leafId, kind])).toEqual([
      [undefined, 'state'],
      [undefined, 'state'],
      [undefined, 'state'],
    ])
    expect(await contextIds(reader, lines)).toEqual(['u1', 'a1'])
  })

  test('has nothing of sub-agents, and begins anew where it was cleared', async () => {
    const lines = [
      ...turn,
      event('assistant.message', 'sub-1', 'a1', { content: 'aside', parentToolCallId: 'call_1' }),
      event('user.message', 'sub-2', 'sub-1', { content: 'aside' }, { agentId: 'agent-1' }),
      event('system.notification', 'n1', 'sub-2', { content: '<system_notification>done</system_notification>' }),
    ]
    expect(await contextIds(reader, lines)).toEqual(['u1', 'a1', 'n1'])
    const cleared = [...lines, event('session.context_cleared', 'clear', 'n1', { messagesCleared: 3 }), user('u2', 'clear')]
    expect(await contextIds(reader, cleared)).toEqual(['u2'])
    expect(await contextIds(reader, cleared, 'all')).toEqual(['u1', 'a1', 'n1', 'u2'])
  })

  test('follows the chain of parents, not the order of lines, and says where it is cut off', async () => {
    const lines = [...turn, user('u2', 'a1'), user('u3', 'a1')]
    expect(await contextIds(reader, lines)).toEqual(['u1', 'a1', 'u3'])
    const { index } = await readSession(reader, [...turn, user('u2', 'gone')])
    expect(contextIn(reader, index, 'u2', 'context')).toMatchObject({ entryIds: ['u2'], problems: [{ line: 3 }] })
  })

  test('passes events of later versions through as unknown entries', async () => {
    const { entries } = await readSession(reader, [...turn, event('dream.began', 'd1', 'a1', { of: 'sheep' }), user('u2', 'd1')])
    expect(entries[3]).toMatchObject({ kind: 'unknown', text: '{"of":"sheep"}' })
    expect(await contextIds(reader, [...turn, event('dream.began', 'd1', 'a1'), user('u2', 'd1')])).toEqual(['u1', 'a1', 'u2'])
  })
})

test('entries say what people and searches want to read', async () => {
  const { entries } = await readSession(reader, twoCompactions())
  const texts = new Map(entries.map(({ id, text, tool, role }) => [id, { text, tool, role }]))
  expect(texts.get('a1')).toEqual({ text: 'bash {"command":"echo hi"}', tool: 'bash', role: 'assistant' })
  expect(texts.get('t1')).toMatchObject({ text: 'hi', role: 'tool' })
  expect(texts.get('s1')).toMatchObject({ text: 'summary s1' })
  expect(texts.get('system')).toMatchObject({ text: 'You are the CLI.', role: 'system' })
})

test('events are claimed by their reader alone', async () => {
  const file = { path, siblings: new Set(['workspace.yaml']) }
  const others = [
    openClawReader(),
    piReader(),
    claudeCodeReader({ configFolder: '/home/dev/.claude' }),
    geminiReader({ folder: '/home/dev/.gemini', projectName: () => undefined }),
  ]
  const events = bytesOf(twoCompactions())
  expect(reader.detect(events, file)).toBe(true)
  expect(reader.detect(events.subarray(0, 60), file)).toBe(true)
  expect(others.map((other) => other.detect(events, file))).toEqual([false, false, false, false])
  expect(await reader.identify(await opened(events))).toEqual({ sessionKey: sessionId, sessionId, cwd: '/work/shop' })
})

describe('a new session', () => {
  const sidecars = {
    'workspace.yaml': Buffer.from(`id: ${sessionId}\ncwd: /work/shop\nname: 'Turn 1'\nuser_named: false\nsummary_count: 2\n`),
    'checkpoints/001-first.md': Buffer.from('summary s1'),
    'checkpoints/002-second.md': Buffer.from('summary s2'),
    'checkpoints/index.md': Buffer.from(
      '# Checkpoint History\n\n| # | Title | File |\n|---|---|---|\n| 1 | a | 001-first.md |\n| 2 | b | 002-second.md |\n',
    ),
    'plan.md': Buffer.from('do it'),
  }

  test('is the events before the compaction began, the first of them with its own id', async () => {
    const parts = await rewritten(reader, await opened(twoCompactions(), sidecars), { leafId: 'resume-1', name: 'it’s "back"' })
    const lines = (parts['main'] ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const first = start()
    expect(lines).toEqual([
      { ...first, data: { ...first.data, sessionId: newId, forkedFrom: { sessionId } } },
      ...twoCompactions().slice(1, 9),
    ])
    expect(parts['workspace.yaml']).toBe(`id: ${newId}\ncwd: /work/shop\nname: "it’s \\"back\\""\nuser_named: false\nsummary_count: 0\n`)
    expect(Object.keys(parts)).toEqual(['main', 'workspace.yaml', 'checkpoints/index.md', 'plan.md'])
    expect(parts['checkpoints/index.md']).not.toContain('001-first')
  })

  test('has the summaries of compactions that its events have', async () => {
    const parts = await rewritten(reader, await opened(twoCompactions(), sidecars), { leafId: 'hook-4' })
    expect(Object.keys(parts)).toContain('checkpoints/001-first.md')
    expect(Object.keys(parts)).not.toContain('checkpoints/002-second.md')
    expect(parts['workspace.yaml']).toContain("name: 'Turn 1'\nuser_named: false\nsummary_count: 1\n")
    expect(parts['checkpoints/index.md']).toContain('001-first.md')
    expect(parts['checkpoints/index.md']).not.toContain('002-second.md')
  })

  test('ends before a prompt that nobody answered, where that is wanted', async () => {
    const { main = '' } = await rewritten(reader, await opened(twoCompactions()), { leafId: 'hook-4', dropUnanswered: true })
    expect(await contextIds(reader, Buffer.from(main))).toEqual(['s1'])
    const whole = await rewritten(reader, await opened(twoCompactions()), { leafId: 'a4', dropUnanswered: true })
    expect(await contextIds(reader, Buffer.from(whole['main'] ?? ''))).toEqual(['s2', 'a3', 'u3', 'a4'])
  })

  test('is the exact bytes under its own id', async () => {
    const bytes = bytesOf(twoCompactions())
    const { main } = await rewritten(reader, await opened(bytes), { leafId: 'a4', sessionId })
    expect(main).toBe(new TextDecoder().decode(bytes))
  })

  test('is a folder of its own, with its sidecars in it', () => {
    const placed = reader.place({ sessionId: newId, createdAt: 0, cwd: '/work/shop', reason: 'auto-threshold' })
    const folder = `/home/dev/.copilot/session-state/${newId}`
    expect(placed).toMatchObject({ folder, fileName: 'events.jsonl', sidecarFolder: folder, resumeArgv: ['copilot', `--resume=${newId}`] })
    expect(placed.warnings).toHaveLength(1)
    expect(reader.place({ sessionId: newId, createdAt: 0, reason: 'manual' }).warnings).toEqual([])
  })

  test('takes nothing but known files from beside the events', () => {
    const [rule] = reader.sidecars('events.jsonl')
    for (const name of ['workspace.yaml', 'plan.md', 'checkpoints/001-a.md']) expect(rule?.pattern.test(name)).toBe(true)
    for (const name of ['session.db', 'events.jsonl', 'checkpoints/../x.md', '.workspace-fork.lock', 'files/a'])
      expect(rule?.pattern.test(name)).toBe(false)
    expect(reader.sidecars('0f729000.jsonl')).toEqual([])
  })
})
