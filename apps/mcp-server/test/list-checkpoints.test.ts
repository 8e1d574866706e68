import { describe, expect, test } from 'vitest'
import { fakeCheckpoints, keep } from './fake-checkpoints.ts'
import { answerOf, errorOf, field, idsIn, registryFor } from './tool-calls.ts'

describe('list_checkpoints', () => {
  test('shows the newest first, with what a model needs to choose one', async () => {
    const { checkpoints } = fakeCheckpoints([keep(1), keep(2, { label: 'before the rewrite', pinned: true })])
    const { structured, text } = await answerOf(registryFor(checkpoints, { random: () => 'mark' }), 'list_checkpoints')
    expect(structured['checkpoints']).toEqual([
      {
        id: '00000002',
        agent: 'pi',
        session_key: 'session-a',
        created_at: '2026-11-20T09:02:00Z',
        reason: 'auto-threshold',
        status: 'complete',
        tokens_before: 190_000,
        tokens_after: 12_000,
        pinned: true,
        label: 'before the rewrite',
        summary: '<untrusted-mark>Summary 2: the parser was rewritten.</untrusted-mark>',
      },
      expect.objectContaining({ id: '00000001' }),
    ])
    expect(text).toContain(
      '00000002 · pi · session session-a · 2026-11-20T09:02:00Z · auto-threshold, complete · 190000 → 12000 tokens · pinned',
    )
  })

  test('says the same in the text and in the structured content', async () => {
    const { checkpoints } = fakeCheckpoints([keep(1), keep(2), keep(3)])
    const answer = await answerOf(registryFor(checkpoints), 'list_checkpoints', { limit: 2 })
    const leaves = JSON.stringify(answer.structured['checkpoints']).match(/(?<=:")[^"]+(?=")/g) ?? []
    expect(leaves.length).toBeGreaterThan(10)
    for (const leaf of leaves) expect(answer.text).toContain(leaf)
    expect(answer.text).toContain(field(answer, 'next_cursor'))
  })

  test('tells how to read on and how to go back', async () => {
    const { checkpoints } = fakeCheckpoints([keep(1)])
    const { text } = await answerOf(registryFor(checkpoints), 'list_checkpoints')
    expect(text).toContain('Next: get_checkpoint {"id":"00000001"}')
    expect(text).toContain('restore_checkpoint {"id":"00000001"}')
    const readOnly = await answerOf(registryFor(checkpoints, { readOnly: true }), 'list_checkpoints')
    expect(readOnly.text).not.toContain('restore_checkpoint')
  })

  test('cuts a summary to 200 characters, on one line, and leaves nothing invisible in it', async () => {
    const summary = `first\nsecond\u202e\u{e0041}\u0007 ${'x'.repeat(500)}`
    const { checkpoints } = fakeCheckpoints([keep(1, { summary })])
    const { structured } = await answerOf(registryFor(checkpoints, { random: () => 'mark' }), 'list_checkpoints')
    const [row] = structured['checkpoints'] as { summary: string }[]
    const quoted = row?.summary.replace(/<\/?untrusted-mark>/g, '') ?? ''
    expect(quoted).toHaveLength(200)
    expect(quoted).toMatch(/^first second x+…$/)
  })

  test('pages through everything once, by cursors that carry their filters', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7].map((number) => keep(number, number === 4 ? { agent: 'codex' } : {}))
    const registry = registryFor(fakeCheckpoints(all).checkpoints)
    const ids: string[] = []
    let args: object = { agent: 'pi', limit: 2 }
    for (let page = 0; page < 10; page++) {
      const answer = await answerOf(registry, 'list_checkpoints', args)
      ids.push(...idsIn(answer))
      if (answer.structured['next_cursor'] === undefined) break
      args = { cursor: field(answer, 'next_cursor'), limit: 2 }
    }
    expect(ids).toEqual(['00000007', '00000006', '00000005', '00000003', '00000002', '00000001'])
  })

  test.each(['x', 'bm9wZQ', Buffer.from('{"of":"get_checkpoint"}').toString('base64url')])('refuses %s as a cursor', async (cursor) => {
    const text = await errorOf(registryFor(fakeCheckpoints([]).checkpoints), 'list_checkpoints', { cursor })
    expect(text).toContain('ARGUMENT_INVALID: cursor is not one that list_checkpoints gave.')
    expect(text).toContain('next_cursor')
  })

  test('refuses filters that say something else than the cursor', async () => {
    const registry = registryFor(fakeCheckpoints([keep(1), keep(2)]).checkpoints)
    const cursor = field(await answerOf(registry, 'list_checkpoints', { agent: 'pi', limit: 1 }), 'next_cursor')
    expect(await errorOf(registry, 'list_checkpoints', { agent: 'codex', cursor })).toContain('agent says something else')
    expect(idsIn(await answerOf(registry, 'list_checkpoints', { agent: 'pi', cursor }))).toEqual(['00000001'])
  })

  test('says what to do where there is nothing', async () => {
    const registry = registryFor(fakeCheckpoints([]).checkpoints)
    expect((await answerOf(registry, 'list_checkpoints')).text).toContain('palimpsest scan')
    expect((await answerOf(registry, 'list_checkpoints', { agent: 'pi' })).text).toContain('list_checkpoints {} shows all')
  })

  test('a hundred checkpoints stay below 45,000 characters', async () => {
    const many = Array.from({ length: 100 }, (_, index) => {
      const sessionKey = '01a204f9-a071-74c8-97ba-1b635bc82b06'
      return keep(index, { sessionKey, agent: 'claude-code', summary: 'word '.repeat(200), label: 'a label of some length' })
    })
    const answer = await answerOf(registryFor(fakeCheckpoints(many).checkpoints), 'list_checkpoints', { limit: 100 })
    expect(idsIn(answer)).toHaveLength(100)
    expect(JSON.stringify(answer.structured).length).toBeLessThan(45_000)
    expect(answer.text.length).toBeLessThan(45_000)
  })
})
