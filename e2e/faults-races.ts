import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createFsStorage } from '@palimpsest/storage-fs'
import { type Acknowledged, assertRace, ended, startScript } from '../packages/host/test/faults/support/race.ts'
import { serviceOver } from '../packages/host/test/faults/support/service.ts'
import type { Course } from './suite.ts'

const writers = 4
const captures = 50
const script = join(import.meta.dirname, '../packages/host/test/faults/capturing-process.ts')

/** Processes that capture at once, while another one prunes all the time. */
export async function races(course: Course): Promise<void> {
  for (const sessions of [1, 20]) {
    await course.scenario(`${writers} processes capture into ${sessions} at once`, async ({ folder, check }) => {
      const store = join(folder, 'store')
      const service = serviceOver(createFsStorage({ folder: store }), folder)
      const acknowledged = await check(`each of ${writers * captures} captures is made, beside one that prunes`, async () => {
        const started = Array.from({ length: writers }, (_, writer) =>
          startScript(script, [store, String(writer), String(captures), String(sessions)]),
        )
        let isOver = false
        const racing = Promise.all(started.map(({ child }) => ended(child))).finally(() => {
          isOver = true
        })
        const [statuses, pruned] = await Promise.all([racing, pruning(service, () => isOver)])
        console.log(`     pruned ${pruned} times beside them`)
        if (statuses.some((status) => status !== 0)) throw new Error(`The writers ended with ${statuses.join(', ')}.`)
        return started.flatMap(({ lines }) => lines().map((line): Acknowledged => JSON.parse(line)))
      })
      await check('each is listed once and reads back exactly, bytes and entries', async () => {
        if (acknowledged.length !== writers * captures) throw new Error(`${acknowledged.length} were acknowledged.`)
        await assertRace(service, acknowledged)
      })
      await check('nothing is damaged, and after a pruning all is as it was', async () => {
        const { damaged } = await service.verify()
        if (damaged.length > 0) throw new Error(JSON.stringify(damaged).slice(0, 800))
        await service.prune({ trashMs: 0 })
        await assertRace(service, acknowledged)
      })
    })
  }
}

/** Prunes again and again until it is over; gives how often. A session whose first capture has not come to its end may have no ledger yet. */
async function pruning(service: ReturnType<typeof serviceOver>, isOver: () => boolean): Promise<number> {
  let times = 0
  while (!isOver()) {
    const { problems } = await service.prune({ trashMs: 0 })
    const wrong = problems.filter(({ message }) => !message.startsWith('It has no ledger'))
    if (wrong.length > 0) throw new Error(JSON.stringify(wrong))
    times += 1
    await wait(30)
  }
  return times
}
