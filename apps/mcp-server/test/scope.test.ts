import { describe, expect, test } from 'vitest'
import { fakeCheckpoints, keep } from './fake-checkpoints.ts'
import { answerOf, errorOf, field, idsIn, registryFor } from './tool-calls.ts'

const here = { cwd: '/home/dev/project' }
const elsewhere = { cwd: '/home/dev/other' }
const claude = (sessionKey: string) => ({ agent: 'claude-code', sessionKey, sessionId: sessionKey })

const store = fakeCheckpoints([
  keep(1, { ...here, ...claude('mine') }),
  keep(2, { ...here, ...claude('mine') }),
  keep(3, { ...here, ...claude('theirs') }),
  keep(4, { ...elsewhere, ...claude('far') }),
  keep(5, { ...here, ...claude('theirs'), reason: 'session-end', status: 'snapshot' }),
]).checkpoints
const me = { id: 'mine', agent: 'claude-code' }

describe('the scope `all`', () => {
  const registry = registryFor(store)

  test('shows everything, newest first', async () => {
    expect(idsIn(await answerOf(registry, 'list_checkpoints'))).toEqual(['00000005', '00000004', '00000003', '00000002', '00000001'])
  })

  test('puts the calling session first, through every page', async () => {
    const ids: string[] = []
    let args: object = { limit: 1 }
    for (let page = 0; page < 10; page++) {
      const answer = await answerOf(registry, 'list_checkpoints', args, me)
      ids.push(...idsIn(answer))
      if (answer.structured['next_cursor'] === undefined) break
      args = { limit: 1, cursor: field(answer, 'next_cursor') }
    }
    expect(ids).toEqual(['00000002', '00000001', '00000005', '00000004', '00000003'])
  })

  test('takes `latest` for the calling session where it has checkpoints, else for all', async () => {
    const wholeId = async (id: string, caller?: typeof me) =>
      (await answerOf(registry, 'get_checkpoint', { id }, caller)).structured['checkpoint']
    expect(await wholeId('latest', me)).toMatchObject({ id: '00000002', this_session: true })
    expect(await wholeId('latest~1', me)).toMatchObject({ id: '00000001' })
    expect(await errorOf(registry, 'get_checkpoint', { id: 'latest~2' }, me)).toContain('CHECKPOINT_NOT_FOUND')
    expect(await wholeId('latest')).toMatchObject({ id: '00000005' })
    expect(await wholeId('latest', { id: 'new', agent: 'claude-code' })).toMatchObject({ id: '00000005' })
  })
})

describe('the scope `project`', () => {
  const registry = registryFor(store, { scope: 'project' })

  test('lists the sessions of its folder alone', async () => {
    expect(idsIn(await answerOf(registry, 'list_checkpoints'))).toEqual(['00000005', '00000003', '00000002', '00000001'])
    expect(idsIn(await answerOf(registry, 'list_checkpoints', { session_key: 'far' }))).toEqual([])
  })

  test.each(['00000004', '0199aaaa-bbbb-7ccc-8ddd-000000000004', '99999999'])('finds no %s outside of it', async (id) => {
    for (const tool of ['get_checkpoint', 'restore_checkpoint']) {
      const text = await errorOf(registry, tool, { id })
      expect(text).toBe(
        `CHECKPOINT_NOT_FOUND: There is no checkpoint "${id}" in this project.\nNext: list_checkpoints {} shows the ids there are; this server shows no others.`,
      )
    }
  })

  test('counts only its own compactions for `latest`', async () => {
    const idOf = async (id: string) => (await answerOf(registry, 'get_checkpoint', { id })).structured['checkpoint']
    expect(await idOf('latest')).toMatchObject({ id: '00000003' })
    expect(await idOf('latest~2')).toMatchObject({ id: '00000001' })
    expect(await errorOf(registry, 'get_checkpoint', { id: 'latest~3' })).toContain('CHECKPOINT_NOT_FOUND')
  })

  test('does not name what lies outside when the end of an id is ambiguous', async () => {
    const twins = fakeCheckpoints([keep(100_000_007, here), keep(200_000_007, elsewhere), keep(300_000_007, here)]).checkpoints
    const text = await errorOf(registryFor(twins, { scope: 'project' }), 'get_checkpoint', { id: '00000007' })
    expect(text).toContain('CHECKPOINT_AMBIGUOUS')
    expect(text).toContain('000100000007')
    expect(text).not.toContain('000200000007')
    const one = fakeCheckpoints([keep(100_000_007, here), keep(200_000_007, elsewhere)]).checkpoints
    const { structured } = await answerOf(registryFor(one, { scope: 'project' }), 'get_checkpoint', { id: '00000007' })
    expect(structured['checkpoint']).toMatchObject({ whole_id: '0199aaaa-bbbb-7ccc-8ddd-000100000007' })
  })
})

describe('the scope `session`', () => {
  const registry = registryFor(store, { scope: 'session' })

  test('shows the calling session alone', async () => {
    const answer = await answerOf(registry, 'list_checkpoints', { limit: 2 }, me)
    expect(idsIn(answer)).toEqual(['00000002', '00000001'])
    expect(answer.structured['next_cursor']).toBeUndefined()
    expect(idsIn(await answerOf(registry, 'list_checkpoints', { session_key: 'theirs' }, me))).toEqual([])
    expect(idsIn(await answerOf(registry, 'list_checkpoints', { agent: 'codex' }, me))).toEqual([])
    expect(await errorOf(registry, 'get_checkpoint', { id: '00000003' }, me)).toContain('in this session')
    expect(await errorOf(registry, 'get_checkpoint', { id: 'latest', session_key: 'theirs' }, me)).toContain('in this session')
  })

  test('has no `latest` before the first compaction', async () => {
    expect(await errorOf(registry, 'get_checkpoint', {}, { id: 'new', agent: 'claude-code' })).toContain('CHECKPOINT_NOT_FOUND')
  })

  test.each(['list_checkpoints', 'get_checkpoint', 'restore_checkpoint'])(
    '%s says how to name the session when it is not known',
    async (tool) => {
      const text = await errorOf(registry, tool, tool === 'restore_checkpoint' ? { id: 'latest' } : {})
      expect(text).toContain('SESSION_NOT_FOUND')
      expect(text).toContain('CLAUDE_CODE_SESSION_ID')
    },
  )
})
