import { describe, expect, test } from 'vitest'
import { claudeCodeReader, geminiProjectName, openClawReader, piReader } from '../src/index.ts'
import {
  again,
  answer,
  context,
  gemini,
  info,
  list,
  metadata,
  path,
  reader,
  rewind,
  sessionId,
  snapshot,
  touched,
  twoCompactions,
  user,
} from './gemini-session.ts'
import { all, bytesOf, contextIds, newId, opened, readSession, rewritten } from './session-kit.ts'

const turns = [metadata(), list(context()), user('u1'), gemini('g1', 1500), user('u2'), gemini('g2', 2000)]

describe('a compaction', () => {
  test('is a list that leaves live messages out and brings a snapshot, with what it says of tokens, time and what it kept', async () => {
    const { compactions, entries } = await readSession(reader, twoCompactions())
    expect(compactions).toMatchObject([
      {
        boundary: { line: 7, entryId: 's1' },
        leafId: 'g2',
        reason: 'unknown',
        tokensBefore: 2000,
        tokensAfter: 680,
        summary: '<state_snapshot>\nwhat was\n</state_snapshot>',
        keptEntryIds: ['d0', 'u2', 'g2'],
        firstKeptEntryId: 'u2',
        createdAt: Date.parse('2026-11-22T20:40:00.000Z'),
      },
      { boundary: { line: 10, entryId: 's2' }, leafId: 'g3', tokensBefore: 700, tokensAfter: 480, keptEntryIds: ['d0'] },
    ])
    expect(compactions[1]?.firstKeptEntryId).toBeUndefined()
    expect(entries[7]).toMatchObject({ kind: 'summary', id: 's1', parentId: 'g2', keeps: { keptEntryIds: ['d0', 'u2', 'g2'] } })
  })

  test('is none where a resume writes the whole list again, with the snapshot of an earlier one in it', async () => {
    const resumed = [
      ...twoCompactions(),
      { $set: { sessionId } },
      list(context(), snapshot('s2', 'and then'), answer('x2'), again(user('u4'))),
    ]
    expect((await readSession(reader, resumed)).compactions).toHaveLength(2)
  })

  test('is none where only a notice or a turn that was broken off is left out, or a snapshot comes and nothing goes', async () => {
    for (const lines of [
      [...turns, info('i1'), list(context(), user('u1'), gemini('g1'), user('u2'), gemini('g2'))],
      [...turns, user('u3'), list(context(), user('u1'), gemini('g1'), user('u2'), gemini('g2'))],
      [...turns, list(context(), user('u1'), gemini('g1'), user('u2'), gemini('g2'), snapshot('s1'))],
      [...turns, snapshot('said-by-the-user'), gemini('g3')],
    ]) {
      expect((await readSession(reader, lines)).compactions).toEqual([])
    }
  })

  test('is none at a hook: PreCompress fires on every turn, and a log without such a list has no compaction', async () => {
    for (let end = 1; end <= turns.length; end++) expect((await readSession(reader, turns.slice(0, end))).compactions).toEqual([])
  })

  test('keeps a call and its results, which it made two messages, as the one that they were', async () => {
    const call = {
      toolCalls: [
        { id: 'c1', name: 'read_file', args: { path: 'a' }, result: [{ functionResponse: { id: 'c1', response: { output: 'long' } } }] },
      ],
    }
    const lines = [
      ...turns,
      user('u3'),
      gemini('g3', 3000, { content: '', ...call }),
      list(
        context(),
        snapshot('s1'),
        answer('x1'),
        user('u3b', 'ask u3'),
        { ...again(gemini('g3b')), content: [{ functionCall: { id: 'c1', name: 'read_file', args: { path: 'a' } } }], tokens: undefined },
        { ...user('r3b'), content: [{ functionResponse: { id: 'c1', name: 'read_file', response: { output: 'cut' } } }] },
      ),
      gemini('g4'),
    ]
    expect((await readSession(reader, lines)).compactions).toMatchObject([{ keptEntryIds: ['d0', 'u3', 'g3'], firstKeptEntryId: 'u3' }])
    expect(await contextIds(reader, lines)).toEqual(['d0', 's1', 'u3', 'g3', 'g4'])
  })

  test('keeps the last of messages that say the same', async () => {
    const lines = [
      metadata(),
      list(context()),
      user('u1', 'go on'),
      gemini('g1', 10, { content: 'ok' }),
      user('u2', 'go on'),
      gemini('g2', 20, { content: 'ok' }),
      list(context(), snapshot('s1'), answer('x1'), user('u9', 'go on'), again(gemini('g9', 20, { content: 'ok' }))),
    ]
    expect((await readSession(reader, lines)).compactions).toMatchObject([{ keptEntryIds: ['d0', 'u2', 'g2'] }])
  })

  test('has no tokens after it while no request followed', async () => {
    const lines = twoCompactions().slice(0, 8)
    expect((await readSession(reader, lines)).compactions).toHaveLength(1)
    expect((await readSession(reader, lines)).compactions[0]?.tokensAfter).toBeUndefined()
  })
})

describe('the context', () => {
  test('is the list that the client would have: summaries, what they kept, and what came after', async () => {
    expect(await contextIds(reader, twoCompactions(), 'context', 'g3')).toEqual(['d0', 's1', 'u2', 'g2', 'u3', 'g3'])
    expect(await contextIds(reader, twoCompactions(), 'context', 'g2')).toEqual(['d0', 'u1', 'g1', 'u2', 'g2'])
    expect(await contextIds(reader, twoCompactions())).toEqual(['d0', 's2', 'u4', 'g4'])
  })

  test('of all is every message on the branch, without summaries', async () => {
    expect(await contextIds(reader, twoCompactions(), 'all')).toEqual(['d0', 'u1', 'g1', 'u2', 'g2', 'u3', 'g3', 'u4', 'g4'])
  })

  test('has a message that was written again once, at its place, as it was written last', async () => {
    const lines = [...turns.slice(0, 4), { ...gemini('g1'), content: 'more' }, user('u2'), { ...gemini('g1'), content: 'most' }]
    for (const view of ['context', 'all'] as const) expect(await contextIds(reader, lines, view)).toEqual(['d0', 'u1', 'g1@L6', 'u2'])
    const { entries } = await readSession(reader, lines)
    expect(entries[6]).toMatchObject({ id: 'g1@L6', text: 'most' })
  })

  test('ends before a message to which it was rewound, and is empty where that is unknown', async () => {
    expect(await contextIds(reader, [...turns, rewind('u2'), user('u3')])).toEqual(['d0', 'u1', 'g1', 'u3'])
    expect(await contextIds(reader, [...turns, rewind('u2'), user('u3')], 'all')).toEqual(['d0', 'u1', 'g1', 'u3'])
    expect(await contextIds(reader, [...turns, rewind('nobody'), user('u3')])).toEqual(['u3'])
  })

  test('is the same after a resume within the minute, which begins the same file anew and gives all messages back', async () => {
    const lines = [
      ...turns,
      metadata(),
      list(context()),
      { $set: { sessionId } },
      list(context(), ...turns.slice(2).map((line) => again(line as never))),
      user('u3'),
    ]
    expect(await contextIds(reader, lines)).toEqual(['d0', 'u1', 'g1', 'u2', 'g2', 'u3'])
    expect(await contextIds(reader, lines, 'all')).toEqual(['d0', 'u1', 'g1', 'u2', 'g2', 'u3'])
    expect((await readSession(reader, lines)).compactions).toEqual([])
  })

  test('has no notices of the client, and messages of a kind that is not known pass through as unknown entries', async () => {
    const { entries } = await readSession(reader, [
      ...turns,
      info('i1'),
      { id: 'n1', type: 'dream', content: 'of electric sheep' },
      { later: 1 },
    ])
    expect(entries.slice(-3).map(({ kind, text }) => [kind, text])).toEqual([
      ['state', 'a notice'],
      ['unknown', 'of electric sheep'],
      ['unknown', '{"later":1}'],
    ])
    expect(await contextIds(reader, [...turns, info('i1')])).toEqual(['d0', 'u1', 'g1', 'u2', 'g2'])
  })

  test('has the messages of a first line that carries them, as one entry', async () => {
    const lines = [metadata({ messages: [user('u1'), gemini('g1')] }), user('u2')]
    const { entries } = await readSession(reader, lines)
    expect(entries[0]).toMatchObject({ kind: 'message', id: 'u1', text: 'ask u1\nanswer g1' })
    expect(await contextIds(reader, lines)).toEqual(['u1', 'u2'])
  })
})

describe('recognition', () => {
  const file = { path, siblings: new Set<string>() }

  test('a log is claimed by its reader alone, and a log of another agent is not', async () => {
    const others = [openClawReader(), piReader(), claudeCodeReader({ configFolder: '/home/dev/.claude' })]
    const log = bytesOf(twoCompactions())
    expect(reader.detect(log, file)).toBe(true)
    expect(others.map((other) => other.detect(log, file))).toEqual([false, false, false])
    expect(reader.detect(log.subarray(0, 100), file)).toBe(true)
  })

  test('the log of a sub-agent is a part of its session and none itself', () => {
    expect(reader.detect(bytesOf([metadata({ kind: 'subagent' })]), file)).toBe(false)
    const [rule] = reader.sidecars('session-2026-11-22T20-39-b9f47197.jsonl')
    expect(rule?.folder).toBe('.')
    expect(rule?.pattern.test(`${sessionId}/9c1d.jsonl`)).toBe(true)
    expect(rule?.pattern.test('0f729000-bbbb-4d92-8990-dfe4a393965b/9c1d.jsonl')).toBe(false)
    expect(reader.sidecars('events.jsonl')).toEqual([])
  })

  test('the stub that a resume leaves behind is the session that was resumed, and records nothing', async () => {
    const stub = [metadata(), list(context()), metadata(), list(context())]
    expect(await reader.identify(await opened(stub))).toMatchObject({ sessionId, sessionKey: sessionId })
    expect((await readSession(reader, stub)).compactions).toEqual([])
    expect(await contextIds(reader, stub)).toEqual(['d0'])
  })

  test('the working directory is the workspace folder whose hash is the project, else the first', async () => {
    expect(await reader.identify(await opened(turns))).toMatchObject({ cwd: '/work/shop' })
    const two = user('d0', '<session_context>\n- **Workspace Directories:**\n  - /a\n  - /b\n- **Directory Structure:**\n')
    const projectHash = 'd2b1ac7ef2fae0a7b5f2d2aeb3c6a7e3b5f2' // of none of them
    expect(await reader.identify(await opened([metadata({ projectHash }), list(two)]))).toMatchObject({ cwd: '/a' })
    const { createHash } = await import('node:crypto')
    const ofB = createHash('sha256').update('/b').digest('hex')
    expect(await reader.identify(await opened([metadata({ projectHash: ofB }), list(two)]))).toMatchObject({ cwd: '/b' })
    expect((await reader.identify(await opened([metadata()]))).cwd).toBeUndefined()
  })
})

describe('a new session', () => {
  test('is the log up to the leaf with its own id in it, and says where it was forked from', async () => {
    const { main = '' } = await rewritten(reader, await opened([...turns, touched(), { $set: { sessionId } }, user('u3')]), {
      leafId: 'g2',
      name: 'again',
    })
    const lines = main
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      metadata({ sessionId: newId, forkedFrom: { sessionId } }),
      ...turns.slice(1),
      touched(),
      { $set: { sessionId: newId } },
      { $set: { summary: 'again' } },
    ])
    expect(await reader.identify(await opened(Buffer.from(main)))).toMatchObject({ sessionId: newId, parent: { sessionId } })
  })

  test('has every line but those that name the session byte for byte', async () => {
    const odd = '{"id":"u2", "type":"user","big":12345678901234567890,"content":[{"text":"\\u00e9"}]}'
    const { main = '' } = await rewritten(reader, await opened([...turns.slice(0, 4), odd, 'torn {']), { leafId: 'u2' })
    expect(main).toContain(`${odd}\ntorn {\n`)
  })

  test('is the exact bytes under its own id', async () => {
    const bytes = bytesOf(twoCompactions().slice(0, 7))
    const { main } = await rewritten(reader, await opened(bytes), { leafId: 'g2', sessionId })
    expect(main).toBe(new TextDecoder().decode(bytes))
  })

  test('takes a prompt back that nobody answered, where that is wanted', async () => {
    const asked = [...turns, user('u3')]
    const dropped = await rewritten(reader, await opened(asked), { leafId: 'u3', dropUnanswered: true })
    expect(dropped['main']?.trimEnd().split('\n').at(-1)).toBe('{"$rewindTo":"u3"}')
    expect(await contextIds(reader, Buffer.from(dropped['main'] ?? ''))).toEqual(['d0', 'u1', 'g1', 'u2', 'g2'])
    const kept = await rewritten(reader, await opened(turns), { leafId: 'g2', dropUnanswered: true })
    expect(kept['main']).not.toContain('rewindTo')
  })

  test('does not take results of tools for a prompt', async () => {
    const results = { ...user('r2'), content: [{ functionResponse: { id: 'c', name: 't', response: { output: 'x' } } }] }
    const { main } = await rewritten(reader, await opened([...turns, results]), { leafId: 'r2', dropUnanswered: true })
    expect(main).not.toContain('rewindTo')
  })

  test('is placed where the client looks: by its registry, with the first 8 characters of the id at the end', () => {
    const placed = reader.place({ sessionId: newId, createdAt: Date.UTC(2026, 0, 2, 3, 4), cwd: '/work/shop', reason: 'auto-threshold' })
    expect(placed).toMatchObject({
      folder: '/home/dev/.gemini/tmp/shop/chats',
      fileName: `session-2026-01-02T03-04-${newId}-9b8a7c6d.jsonl`,
      resumeArgv: ['gemini', '--resume', newId],
    })
    expect(placed.warnings.join('\n')).toContain('"sessionRetention":{"enabled":false}')
    expect(placed.warnings.join('\n')).toContain('compressionThreshold')
    const manual = reader.place({ sessionId: newId, createdAt: 0, cwd: '/work/Other Shop', reason: 'manual' })
    expect(manual.folder).toBe('/home/dev/.gemini/tmp/other-shop/chats')
    expect(manual.warnings.join('\n')).not.toContain('compressionThreshold')
    expect(manual.warnings.join('\n')).toContain('does not know the project')
  })

  test('is never placed outside by a registry that somebody else wrote', () => {
    expect(geminiProjectName('{"projects":{"/a":"shop"}}', '/a')).toBe('shop')
    for (const name of ['../x', '..', '', 'a/b', 7])
      expect(geminiProjectName(JSON.stringify({ projects: { '/a': name } }), '/a')).toBeUndefined()
    expect(geminiProjectName('not JSON', '/a')).toBeUndefined()
  })
})

test('a transcript read from any line on says what it says when it is read whole', async () => {
  const bytes = bytesOf(twoCompactions())
  const { entries } = await readSession(reader, bytes)
  for (const { line, start } of entries) {
    const rest = await all(reader.entries(await opened(bytes), { from: { line, start } }))
    expect(rest).toEqual(entries.slice(line))
  }
})
