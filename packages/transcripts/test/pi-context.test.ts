import { describe, expect, test } from 'vitest'
import { piReader } from '../src/index.ts'
import { contextIn } from './contexts.ts'
import { assistant, compaction, contextIds, header, readSession, row, twoCompactions, user } from './pi-sessions.ts'

const reader = piReader()

describe('a context', () => {
  test('is every message up to a leaf before the first compaction', async () => {
    expect(await contextIds(twoCompactions(), 'a2')).toEqual(['u1', 'a1', 'u2', 'a2'])
  })

  test('is the last summary, what it kept and what came after it', async () => {
    expect(await contextIds(twoCompactions(), 'c1')).toEqual(['c1', 'u2', 'a2'])
    expect(await contextIds(twoCompactions(), 'a3')).toEqual(['c1', 'u2', 'a2', 'u3', 'a3'])
  })

  test('has nothing from before a compaction that kept nothing', async () => {
    expect(await contextIds(twoCompactions(), 'a4')).toEqual(['c2', 'u4', 'a4'])
  })

  test('leaves an earlier summary out that lies in what is kept', async () => {
    const lines = [...twoCompactions().slice(0, 8), compaction('c2', 'a3', 'u2'), user('u4', 'c2')]
    expect(await contextIds(lines, 'u4')).toEqual(['c2', 'u2', 'a2', 'u3', 'a3', 'u4'])
  })

  test('in the view all is every message on the branch, summaries left out', async () => {
    expect(await contextIds(twoCompactions(), 'a4', 'all')).toEqual(['u1', 'a1', 'u2', 'a2', 'u3', 'a3', 'u4', 'a4'])
  })

  test('follows the branch of the leaf, not the order of the file', async () => {
    const lines = [header(), user('u1', null), assistant('a1', 'u1'), user('u2', 'a1'), assistant('a2', 'u2'), user('u3', 'a1')]
    expect(await contextIds(lines, 'u3')).toEqual(['u1', 'a1', 'u3'])
    expect(await contextIds(lines, 'a1')).toEqual(['u1', 'a1'])
  })

  test('has messages of extensions and branch summaries, not what only notes something', async () => {
    const lines = [
      header(),
      user('u1', null),
      row('custom', 'x1', 'u1', { customType: 'state' }),
      row('custom_message', 'x2', 'x1', { content: 'hello' }),
      row('branch_summary', 'x3', 'x2', { fromId: 'u1', summary: 'was' }),
      row('branch_summary', 'x4', 'x3', { fromId: 'u1', summary: '' }),
      row('from_tomorrow', 'x5', 'x4'),
      row('label', 'x6', 'x5', { targetId: 'u1', label: 'here' }),
    ]
    expect(await contextIds(lines, 'x6')).toEqual(['u1', 'x2', 'x3'])
  })

  test('leaves out what the last edit of it omits, and keeps what it only replaces', async () => {
    const lines = [
      header(),
      user('u1', null),
      assistant('a1', 'u1'),
      assistant('a2', 'a1'),
      row('context_edit', 'e1', 'a2', { targetId: 'a1', replacement: null }),
      row('context_edit', 'e2', 'e1', { targetId: 'a2', replacement: null }),
      row('context_edit', 'e3', 'e2', { targetId: 'a2', replacement: { content: 'shorter' } }),
      user('x1', 'a2'),
    ]
    expect(await contextIds(lines, 'e3')).toEqual(['u1', 'a2'])
    expect(await contextIds(lines, 'e3', 'all')).toEqual(['u1', 'a1', 'a2'])
    expect(await contextIds(lines, 'x1')).toEqual(['u1', 'a1', 'a2', 'x1'])
  })

  test('after a compaction has no system message of before it', async () => {
    const lines = [
      header(),
      row('message', 'y1', null, { message: { role: 'system', content: 'be' } }),
      user('u1', 'y1'),
      compaction('c1', 'u1', 'y1'),
    ]
    expect(await contextIds(lines, 'u1')).toEqual(['y1', 'u1'])
    expect(await contextIds(lines, 'c1')).toEqual(['c1', 'u1'])
  })

  test('ends at a parent that is not there, and says where', async () => {
    const { index } = await readSession([
      header(),
      user('u1', null),
      '{"type":"message","id":"a1"',
      user('u2', 'a1'),
      assistant('a2', 'u2'),
    ])
    expect(contextIn(reader, index, 'a2', 'context')).toMatchObject({
      entryIds: ['u2', 'a2'],
      problems: [{ code: 'TRANSCRIPT_MALFORMED', line: 3 }],
    })
  })

  test.each([
    ['two entries', [header(), user('u1', 'a1'), assistant('a1', 'u1')]],
    ['one entry', [header(), assistant('a1', 'a1')]],
  ])('ends at a cycle of %s, and says so', async (_name, lines) => {
    const { entryIds, problems } = contextIn(reader, (await readSession(lines)).index, 'a1', 'context')
    expect(entryIds.at(-1)).toBe('a1')
    expect(problems).toMatchObject([{ code: 'TRANSCRIPT_MALFORMED', line: 1 }])
  })

  test('at a leaf that is not in the transcript, or is its header, is empty and says so', async () => {
    const { index } = await readSession(twoCompactions())
    for (const leafId of ['gone', 's1', ''])
      expect(contextIn(reader, index, leafId, 'context')).toMatchObject({ entryIds: [], problems: [{}] })
  })

  test('of a hundred thousand entries is found in a moment', async () => {
    const lines = [header(), ...Array.from({ length: 100_000 }, (_, at) => user(`e${at}`, at === 0 ? null : `e${at - 1}`))]
    const { index } = await readSession(lines)
    const started = performance.now()
    expect(contextIn(reader, index, 'e99999', 'context').entryIds).toHaveLength(100_000)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
