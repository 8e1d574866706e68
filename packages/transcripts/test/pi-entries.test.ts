import { CheckpointError } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { openClawReader, piReader } from '../src/index.ts'
import { keptIn } from './contexts.ts'
import { all, assistant, bytesOf, compaction, header, opened, readSession, row, twoCompactions, user, versionOne } from './pi-sessions.ts'

const reader = piReader()

describe('entries', () => {
  test('lie side by side in file order, and are found again in the bytes', async () => {
    const bytes = bytesOf(twoCompactions())
    const { entries } = await readSession(bytes)
    expect(entries.map((entry) => entry.id)).toEqual(['s1', 'u1', 'a1', 'u2', 'a2', 'c1', 'u3', 'a3', 'c2', 'u4', 'a4'])
    expect(entries.map((entry) => entry.kind)).toEqual([
      'header',
      ...['message', 'message', 'message', 'message', 'summary'],
      ...['message', 'message', 'summary', 'message', 'message'],
    ])
    for (const entry of entries) {
      const { text, tool, createdAt, ...indexed } = entry
      expect(reader.entry(bytes.subarray(entry.start, entry.end), indexed)).toEqual(entry)
    }
    expect(entries.at(-1)).toMatchObject({
      line: 10,
      end: bytes.length,
      parentId: 'u4',
      leafId: 'a4',
      role: 'assistant',
      text: 'answer a4',
    })
  })

  test('of version 1 get ids by line, are each the child of the one before, and keep by place', async () => {
    const { entries } = await readSession(versionOne())
    expect(entries.map((entry) => [entry.id, entry.parentId])).toEqual([
      ['s0', undefined],
      ['L1', undefined],
      ['L2', 'L1'],
      ['L3', 'L2'],
      ['L4', 'L3'],
      ['L5', 'L4'],
      ['L6', 'L5'],
      ['L7', 'L6'],
    ])
    expect(entries[5]?.keeps).toEqual({ firstKeptEntryId: 'L3' })
    expect(entries[3]).toMatchObject({ kind: 'message', role: 'system', text: 'from a hook' })
  })

  test('of version 1 count only lines that parse, and lines that do not part them from nothing', async () => {
    const lines = versionOne()
    const { entries, bad } = await readSession([...lines.slice(0, 2), '{"torn', ...lines.slice(2)])
    expect(bad).toMatchObject([{ kind: 'bad', line: 2 }])
    expect(entries.map((entry) => entry.parentId)).toEqual([undefined, undefined, 'L1', 'L3', 'L4', 'L5', 'L6', 'L7'])
    expect(entries[5]?.keeps).toEqual({ firstKeptEntryId: 'L4' })
  })

  test('read on from any line are those of the whole part', async () => {
    for (const lines of [twoCompactions(), versionOne()]) {
      const transcript = await opened(lines)
      const whole = await all(reader.entries(transcript))
      for (const from of whole) {
        expect(await all(reader.entries(transcript, { from: { line: from.line, start: from.start } }))).toEqual(whole.slice(from.line))
      }
    }
  })

  test('with ids that stand twice get unique ones, and a parent is the last of its id before the child', async () => {
    const { entries } = await readSession([header(), user('u1', null), header(), user('u1', null), assistant('a1', 'u1')])
    expect(entries.map((entry) => [entry.id, entry.parentId])).toEqual([
      ['s1', undefined],
      ['u1', undefined],
      ['s1@L2', undefined],
      ['u1@L3', undefined],
      ['a1', 'u1@L3'],
    ])
  })

  test('without id or parent in a version 3 file, as a fork by pi 0.73 leaves them, are a list', async () => {
    const { entries } = await readSession([header(), ...versionOne().slice(1)])
    expect(entries.map((entry) => entry.parentId)).toEqual([undefined, undefined, 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'])
    expect(entries[5]?.keeps).toEqual({ firstKeptEntryId: 'L3' })
  })

  test('of unknown types pass, and move the leaf as in pi', async () => {
    const { entries } = await readSession([
      header(),
      row('from_tomorrow', 'x1', null, { note: 'new' }),
      row('label', 'l1', 'x1', { targetId: 'x1', label: 'here' }),
    ])
    expect(entries[1]).toMatchObject({ kind: 'unknown', leafId: 'x1', text: expect.stringContaining('new') })
    expect(entries[2]).toMatchObject({ kind: 'state', leafId: 'l1', parentId: 'x1', text: 'here' })
  })

  test("of OpenClaw: a leaf row moves the leaf to its target, side entries and metadata don't move it", async () => {
    const { entries } = await readSession(
      [
        header(),
        user('u1', null),
        assistant('a1', 'u1'),
        { type: 'leaf', targetId: 'u1' },
        { type: 'metadata', of: 'something' },
        { ...assistant('a2', 'u1'), appendMode: 'side' },
      ],
      openClawReader(),
    )
    expect(entries.map((entry) => entry.leafId)).toEqual([undefined, 'u1', 'a1', 'u1', undefined, undefined])
    expect(entries[4]?.parentId).toBe('u1')
  })

  test('say everything readable, who speaks, and which tool', async () => {
    const content = [
      { type: 'thinking', thinking: 'hmm' },
      { type: 'text', text: 'I look' },
      { type: 'toolCall', id: 't1', name: 'read', arguments: { path: 'a.ts' } },
    ]
    const { entries } = await readSession([
      header(),
      row('message', 'm1', null, { message: { role: 'assistant', content, errorMessage: 'late' } }),
      row('message', 'm2', 'm1', { message: { role: 'toolResult', toolName: 'read', content: [{ type: 'text', text: 'const a' }] } }),
      row('message', 'm3', 'm2', { message: { role: 'bashExecution', command: 'ls', output: 'a.ts' } }),
      row('custom_message', 'm4', 'm3', { customType: 'note', content: 'remember' }),
      row('branch_summary', 'm5', 'm4', { fromId: 'm1', summary: 'tried it' }),
      row('message', 'm6', 'm5'),
    ])
    expect(entries.slice(1).map(({ kind, role, tool, text }) => ({ kind, role, tool, text }))).toEqual([
      { kind: 'message', role: 'assistant', tool: 'read', text: 'hmm\nI look\nread {"path":"a.ts"}\nlate' },
      { kind: 'message', role: 'tool', tool: 'read', text: 'const a' },
      { kind: 'message', role: 'tool', tool: 'bash', text: '$ ls\na.ts' },
      { kind: 'message', role: 'system', tool: undefined, text: 'remember' },
      { kind: 'message', role: 'system', tool: undefined, text: 'tried it' },
      { kind: 'unknown', role: undefined, tool: undefined, text: '' },
    ])
  })

  test('behind torn, null, empty and wrongly encoded lines go on; each such line is reported with its place', async () => {
    const wrong = Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])
    const bytes = bytesOf([header(), user('u1', null), '{"type":"message","id":"x', 'null', '', wrong, assistant('a1', 'u1')])
    const { entries, bad } = await readSession(Buffer.concat([bytes, Buffer.from('{"type":"mess')]))
    expect(entries.map((entry) => entry.id)).toEqual(['s1', 'u1', 'a1'])
    expect(bad.map((line) => line.line)).toEqual([2, 3, 4, 5, 7])
    expect(bad.at(-1)?.end).toBe(bytes.length + 13)
  })

  test('with carriage returns and a byte order mark are read', async () => {
    const bytes = Buffer.concat([Buffer.from('\uFEFF'), bytesOf(twoCompactions(), '\r\n')])
    const { entries, bad } = await readSession(bytes)
    expect(entries).toHaveLength(11)
    expect(bad).toEqual([])
    expect((await reader.identify(await opened(bytes))).sessionId).toBe('s1')
  })
})

describe('compactions', () => {
  test('say their boundary, the leaf before it, and what they kept', async () => {
    const found = await all(reader.compactions(await opened(twoCompactions())))
    expect(found).toMatchObject([
      {
        boundary: { line: 5, entryId: 'c1' },
        leafId: 'a2',
        firstKeptEntryId: 'u2',
        tokensBefore: 1000,
        summary: 'summary c1',
        reason: 'unknown',
      },
      { boundary: { line: 8, entryId: 'c2' }, leafId: 'a3', firstKeptEntryId: 'c2' },
    ])
    expect(found[0]?.createdAt).toBe(Date.UTC(2026, 0, 2, 3, 4, 3))
    const { index } = await readSession(twoCompactions())
    expect(found.map((one) => keptIn(reader, index, one))).toEqual([['u2', 'a2'], []])
  })

  test('of version 1 have no entry id, and the entry before as leaf', async () => {
    const [found] = await all(reader.compactions(await opened(versionOne())))
    expect(found).toMatchObject({ leafId: 'L4', firstKeptEntryId: 'L3' })
    const { index } = await readSession(versionOne())
    expect(found && keptIn(reader, index, found)).toEqual(['L3', 'L4'])
    expect(found?.boundary).not.toHaveProperty('entryId')
  })

  test('from a line on are those of the whole part behind it', async () => {
    const transcript = await opened(twoCompactions())
    const found = await all(reader.compactions(transcript))
    const from = (line: number) => found.find((one) => one.boundary.line >= line)?.boundary ?? { line: 11, start: 1e9 }
    expect(await all(reader.compactions(transcript, { from: from(6) }))).toEqual(found.slice(1))
    const { entries } = await readSession(twoCompactions())
    expect(await all(reader.compactions(transcript, { from: entries[9] }))).toEqual([])
  })

  test('with a kept entry on another branch, or none, keep nothing', async () => {
    const lines = [
      header(),
      user('u1', null),
      assistant('a1', 'u1'),
      user('x1', 'u1'),
      compaction('c1', 'a1', 'x1'),
      compaction('c2', 'c1', 'nowhere'),
      compaction('c3', 'c2'),
    ]
    const { index } = await readSession(lines)
    expect((await all(reader.compactions(await opened(lines)))).map((one) => keptIn(reader, index, one))).toEqual([[], [], []])
  })

  test('without anything before them are passed over', async () => {
    expect(await all(reader.compactions(await opened([header(), compaction('c1', null)])))).toEqual([])
  })
})

describe('a session', () => {
  test.each([
    ['2026-01-01T00-00-00-000Z_abc-1.jsonl', 'abc-1'],
    ['C:\\pi\\2026-01-01T00-00-00-000Z_abc-1.jsonl', 'abc-1'],
    ['/x/abc-2.checkpoint.0f0f0f0f-0000-4000-8000-000000000000.jsonl', 'abc-2'],
    ['/x/abc-3.jsonl', 'abc-3'],
  ])('branched from %s has the parent %s', async (parentSession, sessionId) => {
    expect((await reader.identify(await opened([header({ parentSession })]))).parent).toEqual({ sessionId })
  })

  test.each([
    ['nothing', []],
    ['garbage first', ['garbage', user('u1', null)]],
    ['another first line', [user('u1', null), header()]],
    ['a header without id', [header({ id: '' })]],
  ])('with %s is not recognised', async (_name, lines) => {
    const error = await reader.identify(await opened(lines)).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CheckpointError)
    expect(error).toMatchObject({ code: 'TRANSCRIPT_UNRECOGNISED' })
  })

  test('whose header comes behind lines that do not parse is recognised, as pi does', async () => {
    expect((await reader.identify(await opened(['garbage', '', header()]))).sessionKey).toBe('s1')
  })

  test("of OpenClaw is named by sessions.json, where it has the session, its file's name first", async () => {
    const named = (registry: unknown, path?: string) =>
      opened([header()], {
        path,
        companions: { 'sessions.json': Buffer.from(typeof registry === 'string' ? registry : JSON.stringify(registry)) },
      })
    const rows = { 'agent:main:cron': { sessionId: 's1' }, ' agent:main:main ': { sessionId: 's1', sessionFile: '/x/s1.jsonl' } }
    const openClaw = openClawReader()
    expect((await openClaw.identify(await named(rows))).sessionKey).toBe('agent:main:cron')
    expect((await openClaw.identify(await named(rows, '/y/s1.jsonl'))).sessionKey).toBe(' agent:main:main ')
    const copy = '/y/s1.checkpoint.0f0f0f0f-0000-4000-8000-000000000000.jsonl'
    expect((await openClaw.identify(await named(rows, copy))).sessionKey).toBe(' agent:main:main ')
    expect((await openClaw.identify(await named({ other: { sessionId: 's2' } }))).sessionKey).toBe('s1')
    expect((await openClaw.identify(await named('{ torn'))).sessionKey).toBe('s1')
    expect((await openClaw.identify(await opened([header()]))).sessionKey).toBe('s1')
  })
})

describe('detection', () => {
  const head = bytesOf([header()])
  const file = (path: string, siblings: readonly string[] = []) => ({ path, siblings: new Set(siblings) })
  const openClaw = openClawReader({ stateFolder: '/data/claw' })

  test('a session is OpenClaw’s below its folder or beside its sessions.json, else pi’s', () => {
    const places = [
      file('/home/a/.pi/agent/sessions/x/1.jsonl'),
      file('/home/a/.openclaw/agents/m/sessions/1.jsonl'),
      file('/data/claw/1.jsonl'),
      file('/x/1.jsonl', ['sessions.json']),
    ]
    expect(places.map((place) => openClaw.detect(head, place))).toEqual([false, true, true, true])
    const pi = piReader({ openClawStateFolder: '/data/claw' })
    expect(places.map((place) => pi.detect(head, place))).toEqual([true, false, false, false])
  })

  test('the copies that OpenClaw made before compactions are its own wherever they lie, and say whose they are', () => {
    const copy = 's1.checkpoint.0f0f0f0f-0000-4000-8000-000000000000.jsonl'
    for (const path of [`/x/${copy}`, `/home/a/.openclaw/${copy}`]) {
      expect([reader.detect(head, file(path)), openClaw.detect(head, file(path))]).toEqual([false, true])
    }
    expect(openClaw.copies?.mainOf(copy)).toBe('s1.jsonl')
    expect(['s1.jsonl', 's1.checkpoint.1.jsonl', `${copy}.bak`].map((name) => openClaw.copies?.mainOf(name))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(reader.copies).toBeUndefined()
  })

  test('a header longer than the head is one, behind a byte order mark too; other files are none', () => {
    const long = bytesOf([header({ cwd: `/${'x'.repeat(100_000)}` })]).subarray(0, 65_536)
    expect(reader.detect(long, file('/x/1.jsonl'))).toBe(true)
    expect(reader.detect(Buffer.concat([Buffer.from('\uFEFF'), long]), file('/x/1.jsonl'))).toBe(true)
    for (const text of [
      '',
      '\n\n',
      'garbage\n',
      '{"type":"user","uuid":"1"}\n',
      '{"type":"session_meta"',
      '[1]',
      'null\n{"type":"user"}\n',
    ]) {
      expect(reader.detect(Buffer.from(text), file('/x/1.jsonl'))).toBe(false)
    }
  })
})
