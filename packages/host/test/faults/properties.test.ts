import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { commitCount } from './support/all-or-nothing.ts'
import { losingAnswers } from './support/faulty-storage.ts'
import { anySteps, checkProperty, takeSteps } from './support/random-session.ts'
import { serviceOver } from './support/service.ts'

test('whatever happens to a session, every checkpoint that is there reads back exactly', async () => {
  const folder = await temporaryFolder()
  await checkProperty(anySteps(16), { runs: 40 }, (steps) => takeSteps(serviceOver(createMemoryStorage(), folder), steps))
})

test('also where the answer to every third swap is lost', async () => {
  const folder = await temporaryFolder()
  await checkProperty(anySteps(12), { runs: 15 }, async (steps) => {
    const shared = createMemoryStore()
    await takeSteps(serviceOver(losingAnswers(createMemoryStorage({ shared }), 3), folder), steps)
    // Rejects where a commit was made twice.
    await commitCount(createMemoryStorage({ shared }))
  })
})

test('the same check finds a storage that forgets an object', async () => {
  const folder = await temporaryFolder()
  const shared = createMemoryStore()
  const steps = [
    { kind: 'append', turns: 1, textLength: 9 },
    { kind: 'capture', reason: 'requested' },
    { kind: 'append', turns: 1, textLength: 9 },
  ] as const
  const forget = async (): Promise<void> => {
    const [key] = shared.objects.keys()
    if (key !== undefined) shared.objects.delete(key)
  }
  await expect(takeSteps(serviceOver(createMemoryStorage({ shared }), folder), steps, forget)).rejects.toThrow()
})
