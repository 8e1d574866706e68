import { describe, expect, test } from 'vitest'
import { openClawReader, piReader } from '../src/index.ts'
import { contextIn } from './contexts.ts'
import {
  assistant,
  bytesOf,
  compaction,
  contextIds,
  header,
  type Line,
  opened,
  readSession,
  rewriteOptions,
  rewritten,
  row,
  textLines,
  twoCompactions,
  user,
  versionOne,
} from './pi-sessions.ts'

const reader = piReader()

/** The texts that a session shows at its own leaf, wherever it is. */
async function textsAtLeaf(content: readonly Line[] | Uint8Array, leafId?: string): Promise<string[]> {
  const { index, entries } = await readSession(content)
  const leaf = leafId ?? entries.findLast((entry) => entry.leafId !== undefined)?.leafId ?? ''
  const { entryIds, problems } = contextIn(reader, index, leaf, 'context')
  expect(problems).toEqual([])
  return entryIds.map((id) => entries[index.positionOf(id) ?? -1]?.text ?? '')
}

describe('a rewritten session', () => {
  test('is a new header and the lines to the leaf, byte for byte, the leaf last', async () => {
    const lines = [
      header(),
      user('u1', null),
      assistant('a1', 'u1'),
      user('x1', 'u1'),
      user('u2', 'a1'),
      assistant('a2', 'u2'),
      user('u3', 'x1'),
    ]
    const [first, ...rest] = textLines(await rewritten(lines, 'a2', { parent: { sessionId: 's1', path: '/old/s1.jsonl' } }))
    expect(JSON.parse(first ?? '')).toEqual({
      type: 'session',
      version: 3,
      id: 'new-session',
      timestamp: '2026-06-06T00:00:00.000Z',
      cwd: '/home/dev/app',
      parentSession: '/old/s1.jsonl',
    })
    expect(rest).toEqual([...[1, 2, 4, 5].map((at) => JSON.stringify(lines[at])), ''])
  })

  test('shows at its leaf what the old one shows there, for every leaf', async () => {
    for (const lines of [twoCompactions(), versionOne()]) {
      const { entries } = await readSession(lines)
      for (const { id } of entries.slice(1)) {
        expect(await textsAtLeaf(await rewritten(lines, id))).toEqual(await textsAtLeaf(lines, id))
      }
    }
  })

  test('of version 1 has ids, and every other byte of its messages', async () => {
    const lines = textLines(await rewritten(versionOne(), 'L7'))
    expect(lines[2]).toBe(
      '{"type":"message", "timestamp":"2026-01-02T03:04:02.000Z", "message":{"role":"assistant","content":[],"big":12345678901234567890},"id":"00000002","parentId":"00000001"}',
    )
    const parsed = lines.slice(1, -1).map((line) => JSON.parse(line))
    expect(parsed.map(({ id, parentId }) => [id, parentId])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((at) => [`0000000${at}`, at === 1 ? null : `0000000${at - 1}`]),
    )
    expect(parsed[2].message).toEqual({ role: 'custom', content: 'from a hook' })
    expect(parsed[4]).toMatchObject({ type: 'compaction', firstKeptEntryId: '00000003', summary: 'what was' })
    expect(parsed[4]).not.toHaveProperty('firstKeptEntryIndex')
  })

  test('of version 2 has the roles of version 3, and every other line as it was', async () => {
    const lines = [header({ version: 2 }), user('u1', null), row('message', 'h1', 'u1', { message: { role: 'hookMessage', content: 'x' } })]
    const made = textLines(await rewritten(lines, 'h1'))
    expect(made[1]).toBe(JSON.stringify(lines[1]))
    expect(JSON.parse(made[2] ?? '')).toMatchObject({ id: 'h1', parentId: 'u1', message: { role: 'custom' } })
  })

  test('has unique ids where the old one has not, and references that follow them', async () => {
    const lines = [
      header(),
      user('u1', null),
      header(),
      user('u1', 'u1', 'again'),
      assistant('a1', 'u1'),
      row('context_edit', 'e1', 'a1', { targetId: 'u1', replacement: null }),
      compaction('c1', 'e1', 'u1'),
      user('u2', 'c1'),
    ]
    const bytes = await rewritten(lines, 'u2')
    const { entries, bad } = await readSession(bytes)
    expect(bad).toEqual([])
    expect(entries.map((entry) => entry.id)).toEqual(['new-session', 'u1', '00000003', 'a1', 'e1', 'c1', 'u2'])
    expect(await textsAtLeaf(bytes)).toEqual(await textsAtLeaf(lines, 'u2'))
    expect(await textsAtLeaf(bytes)).toEqual(['summary c1', 'answer a1', 'ask u2'])
  })

  test('has the labels of its entries as pi knows them, from any branch, and its name, with the leaf still last', async () => {
    const lines = [
      header(),
      user('u1', null),
      row('label', 'l1', 'u1', { targetId: 'u1', label: 'old' }),
      assistant('a1', 'l1'),
      row('label', 'l2', 'a1', { targetId: 'u1', label: 'new' }),
      row('label', 'l3', 'l2', { targetId: 'a1', label: 'good' }),
      row('label', 'l4', 'l3', { targetId: 'l3', label: 'elsewhere' }),
    ]
    const made = textLines(await rewritten(lines, 'a1', { name: ' before ' }))
      .slice(1, -1)
      .map((line) => JSON.parse(line))
    expect(made.map(({ id, type }) => [id, type])).toEqual([
      ['u1', 'message'],
      ['l1', 'label'],
      ['00000007', 'label'],
      ['00000008', 'label'],
      ['00000009', 'session_info'],
      ['a1', 'message'],
    ])
    expect(made[2]).toMatchObject({ parentId: 'l1', targetId: 'u1', label: 'new', timestamp: '2026-01-02T03:04:04.000Z' })
    expect(made[3]).toMatchObject({ parentId: '00000007', targetId: 'a1', label: 'good' })
    expect(made[4]).toMatchObject({ parentId: '00000008', name: 'before' })
    expect(await contextIds(await rewritten(lines, 'a1', { name: 'before' }), 'a1')).toEqual(['u1', 'a1'])
  })

  test('ends in a line feed where the old one did not, behind a byte order mark too', async () => {
    const bytes = bytesOf(twoCompactions(), '\r\n')
    const made = await rewritten(Buffer.concat([Buffer.from('\uFEFF'), bytes.subarray(0, -2)]), 'a4')
    expect(
      Buffer.from(made)
        .subarray(textLines(made)[0]?.length ?? 0)
        .toString(),
    ).toBe(`\n${Buffer.from(bytes).subarray(JSON.stringify(header()).length + 2, -2)}\n`)
  })

  test('has no byte order mark in the middle, behind which pi would not read the line', async () => {
    const lines = [header(), user('u1', null), `\uFEFF${JSON.stringify(assistant('a1', 'u1'))}`, user('u2', 'a1')]
    expect(textLines(await rewritten(lines, 'u2'))[2]).toBe(JSON.stringify(assistant('a1', 'u1')))
  })

  test('leaves out prompts that were never answered, where that is asked for', async () => {
    const lines = [header(), user('u1', null), assistant('a1', 'u1'), user('u2', 'a1'), row('custom', 'x1', 'u2'), user('u3', 'x1')]
    expect((await readSession(await rewritten(lines, 'u3', { dropUnanswered: true }))).entries.at(-1)?.id).toBe('a1')
    expect((await readSession(await rewritten(lines, 'a1', { dropUnanswered: true }))).entries.at(-1)?.id).toBe('a1')
    expect((await readSession(await rewritten(lines, 'u3'))).entries.at(-1)?.id).toBe('u3')
  })

  test('of several megabytes comes in bounded pieces', async () => {
    const long = 'x'.repeat(3 << 20)
    const lines = [
      header(),
      user('u1', null, long),
      assistant('a1', 'u1'),
      ...Array.from({ length: 2000 }, (_, at) => user(`e${at}`, at === 0 ? 'a1' : `e${at - 1}`, 'y'.repeat(1000))),
    ]
    const sizes: number[] = []
    const pieces: Uint8Array[] = []
    for await (const { bytes } of reader.rewrite(await opened(lines), rewriteOptions('e1999'))) {
      sizes.push(bytes.length)
      pieces.push(bytes)
    }
    expect(Math.max(...sizes)).toBeLessThan(1.5 * 2 ** 20)
    expect(textLines(Buffer.concat(pieces)).slice(1)).toEqual([...lines.slice(1).map((line) => JSON.stringify(line)), ''])
  })

  test.each([
    ['a cycle', [header(), user('u1', 'a1'), assistant('a1', 'u1')]],
    ['a parent that is not there', [header(), assistant('a1', 'gone')]],
    ['a leaf that is not there', [header(), user('u1', null)]],
  ])('of %s is refused before its first byte', async (_name, lines) => {
    const pieces = reader.rewrite(await opened(lines), rewriteOptions('a1'))[Symbol.asyncIterator]()
    await expect(pieces.next()).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
  })

  test('of no session is refused', async () => {
    await expect(rewritten([user('u1', null)], 'u1')).rejects.toMatchObject({ code: 'TRANSCRIPT_UNRECOGNISED' })
  })
})

describe('a session put back in its file', () => {
  const inPlace = async (lines: readonly Line[], leafId: string, fields = {}) =>
    reader.inPlace(await opened(lines), rewriteOptions(leafId, fields))

  test('gets one label line, after which its leaf shows what it showed', async () => {
    const result = await inPlace(twoCompactions(), 'a2')
    if (result.mode !== 'append') throw new Error(result.mode)
    const [line, ...more] = textLines(result.bytes)
    expect(more).toEqual([''])
    expect(JSON.parse(line ?? '')).toEqual({
      type: 'label',
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      parentId: 'a2',
      timestamp: '2026-06-06T00:00:00.000Z',
      targetId: 'a2',
      label: 'restored 2026-06-06T00:00:00.000Z',
    })
    const restored = Buffer.concat([bytesOf(twoCompactions()), result.bytes])
    expect(await textsAtLeaf(restored)).toEqual(await textsAtLeaf(twoCompactions(), 'a2'))
    expect(await inPlace([...twoCompactions(), line ?? ''], 'a2')).not.toEqual(result)
  })

  test('of version 1, or with ids that pi would take for others, is replaced', async () => {
    expect(await inPlace(versionOne(), 'L4')).toEqual({ mode: 'replace' })
    expect(await inPlace([header(), user('u1', null), user('u1', null), assistant('a1', 'u1')], 'a1')).toEqual({ mode: 'replace' })
  })

  test('is refused where the leaf is not in it, or its branch is broken', async () => {
    expect(await inPlace(twoCompactions(), 'gone')).toMatchObject({ mode: 'refused', message: expect.stringContaining('gone') })
    expect(await inPlace([header(), assistant('a1', 'a1')], 'a1')).toMatchObject({ mode: 'refused' })
    expect(await inPlace([user('u1', null)], 'u1')).toMatchObject({ mode: 'refused' })
  })

  test('as itself keeps its own parent', async () => {
    const [first] = textLines(await rewritten([header({ parentSession: '/x/p.jsonl' }), user('u1', null)], 'u1', { sessionId: 's1' }))
    expect(JSON.parse(first ?? '')).toMatchObject({ id: 's1', parentSession: '/x/p.jsonl' })
  })
})

describe('the place of a session', () => {
  const options = { sessionId: 'abc', createdAt: Date.UTC(2026, 5, 6, 7, 8, 9, 10), cwd: '/home/dev/my:app' }

  test('of pi is the folder of its cwd, and the command opens the file there', () => {
    expect(piReader({ agentFolder: '/home/dev/.pi/agent' }).place({ ...options, reason: 'manual' })).toEqual({
      folder: '/home/dev/.pi/agent/sessions/--home-dev-my-app--',
      fileName: '2026-06-06T07-08-09-010Z_abc.jsonl',
      resumeArgv: ['pi', '--session', '/home/dev/.pi/agent/sessions/--home-dev-my-app--/2026-06-06T07-08-09-010Z_abc.jsonl'],
      warnings: [],
    })
  })

  test('is another folder where one is named, and a mistake where none is known', () => {
    expect(reader.place({ ...options, to: '/tmp/here' }).folder).toBe('/tmp/here')
    expect(() => reader.place(options)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => reader.place({ ...options, to: '/tmp', sessionId: '../x' })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })

  test.each(['auto-threshold', 'overflow-retry', 'timeout-retry', 'unknown'] as const)(
    'warns of the next compaction after %s, with the setting',
    (reason) => {
      expect(piReader({ agentFolder: '/a' }).place({ ...options, reason }).warnings).toEqual([
        expect.stringContaining('{"compaction":{"enabled":false}} into /a/settings.json'),
      ])
    },
  )

  test('of OpenClaw is its agent’s folder, with what must be registered', () => {
    const place = openClawReader({ stateFolder: '/home/dev/.openclaw' }).place({ ...options, reason: 'manual' })
    expect(place).toMatchObject({ folder: '/home/dev/.openclaw/agents/main/sessions', fileName: 'abc.jsonl' })
    expect(place.warnings).toEqual([expect.stringContaining('/home/dev/.openclaw/agents/main/sessions/sessions.json')])
    expect(place.resumeArgv).toEqual(['openclaw', 'tui', '--session', 'agent:main:restored:abc'])
  })
})
