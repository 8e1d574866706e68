import { describe, expect, test } from 'vitest'
import { fakeCheckpoints, keep } from './fake-checkpoints.ts'
import { answerOf, errorOf, registryFor } from './tool-calls.ts'

describe('restore_checkpoint', () => {
  test('makes a new session, and says the same in the text and in the structured content', async () => {
    const { checkpoints, calls } = fakeCheckpoints([keep(1)])
    const { text, structured } = await answerOf(registryFor(checkpoints), 'restore_checkpoint', { id: '00000001', drop_unanswered: true })
    expect(calls).toMatchObject({ branched: [{ id: '0199aaaa-bbbb-7ccc-8ddd-000000000001', dropUnanswered: true }], restored: [] })
    expect(structured).toMatchObject({
      checkpoint_id: '00000001',
      path: '/home/dev/.pi/agent/sessions/new.jsonl',
      session_id: 'session-new',
      resume: "pi --session '/home/dev/.pi/agent/sessions/new.jsonl'",
      warnings: ['The context is nearly full: pi compacts again at once.'],
    })
    expect(structured).not.toHaveProperty('undo')
    for (const value of Object.values(structured).flat()) expect(text).toContain(value)
  })

  test('replaces nothing unless the server was started with --allow-restore', async () => {
    const { checkpoints, calls } = fakeCheckpoints([keep(1)])
    const text = await errorOf(registryFor(checkpoints), 'restore_checkpoint', { id: '00000001', in_place: true })
    expect(text).toContain('TARGET_REFUSED')
    expect(text).toContain('--allow-restore')
    expect(calls).toMatchObject({ branched: [], restored: [] })
  })

  test('puts the session back in its own file where that is allowed, and names what undoes it', async () => {
    const { checkpoints, calls } = fakeCheckpoints([keep(1)])
    const registry = registryFor(checkpoints, { allowRestore: true })
    const { text, structured } = await answerOf(registry, 'restore_checkpoint', { id: '00000001', in_place: true })
    expect(calls.restored).toEqual(['0199aaaa-bbbb-7ccc-8ddd-000000000001'])
    expect(structured['undo']).toBe('deadbeef')
    expect(text).toContain('restore_checkpoint {"id":"deadbeef","in_place":true} undoes it')
  })

  test('needs an id, and takes no path', async () => {
    const registry = registryFor(fakeCheckpoints([keep(1)]).checkpoints, { allowRestore: true })
    expect(await errorOf(registry, 'restore_checkpoint', {})).toContain('id must be a string of 1 to 64 characters.')
    expect(await errorOf(registry, 'restore_checkpoint', { id: 'latest', to: '/etc' })).toContain('There is no argument "to".')
    expect(await errorOf(registry, 'restore_checkpoint', { id: 'latest', in_place: true, drop_unanswered: true })).toContain(
      'drop_unanswered',
    )
  })
})
