import { join } from 'node:path'
import { createFsStorage } from '@palimpsest/storage-fs'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { losingAnswers } from '../packages/host/test/faults/support/faulty-storage.ts'
import { anySteps, checkProperty, takeSteps } from '../packages/host/test/faults/support/random-session.ts'
import { serviceOver } from '../packages/host/test/faults/support/service.ts'
import type { Course } from './suite.ts'

const timeMs = 30_000

/** Whatever happens to a session, every checkpoint that is there reads back exactly: as long as there is time. */
export async function properties(course: Course): Promise<void> {
  await course.scenario('a session to which anything happens', async ({ folder, also }) => {
    let runs = 0
    const run = async (of: () => ReturnType<typeof serviceOver>, maxLength: number): Promise<void> => {
      runs = 0
      await checkProperty(anySteps(maxLength), { timeMs }, async (steps) => {
        await takeSteps(of(), steps)
        runs += 1
      })
      console.log(`     ${runs} sequences of at most ${maxLength} steps`)
    }
    await also('reads back exactly from memory', () => run(() => serviceOver(createMemoryStorage(), folder), 40))
    await also('and where answers are lost', () => run(() => serviceOver(losingAnswers(createMemoryStorage(), 3), folder), 25))
    await also('and from a folder', () => run(() => serviceOver(createFsStorage({ folder: join(folder, `store-${runs}`) }), folder), 25))
  })
}
