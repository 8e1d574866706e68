import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Checkpoints, isCheckpointError, sha256Hex } from '@palimpsest/core'
import { openHost } from '../packages/host/src/host.ts'
import { bytesOf, listedIds } from '../packages/host/test/faults/support/kept.ts'
import { ended, startScript } from '../packages/host/test/faults/support/race.ts'
import type { Course } from './suite.ts'

/** Each is the life of one process; two live at a time. */
const rounds = 220
const lanes = 2
/** A worker is killed when it has said so many lines at most, and so many milliseconds later at most. */
const mostLines = 8
const longestDelayMs = 15
const script = join(import.meta.dirname, 'faults-child.ts')

/** What a worker says before it is killed: that a checkpoint is there, that it is about to go, and that it is gone. */
export type Said =
  | { readonly is: 'ready' }
  | { readonly is: 'kept'; readonly id: string; readonly digest: string }
  | { readonly is: 'going' | 'gone'; readonly id: string }

/** Everything that was said so far. */
interface Known {
  readonly kept: Map<string, string>
  readonly going: Set<string>
  readonly gone: Set<string>
}

/** Processes that are killed with SIGKILL while they capture, complete, import, take back and delete. */
export async function kills(course: Course): Promise<void> {
  await course.scenario('workers that are killed', async ({ folder, check }) => {
    const store = join(folder, 'store')
    const home = join(folder, 'home')
    const known: Known = { kept: new Map(), going: new Set(), gone: new Set() }
    await mkdir(home)
    await check(`${rounds} rounds lose nothing that was acknowledged, and every session can be listed after each`, async () => {
      let round = 0
      const lane = async (worker: number): Promise<void> => {
        while (round < rounds) {
          round += 1
          const where = `after round ${round}`
          const heard = await killedWorker([store, home, String(worker), String(round)])
          for (const said of heard) learn(said, known)
          await inHost(store, home, (checkpoints) => assertRound(checkpoints, known, heard, where))
        }
      }
      await Promise.all(Array.from({ length: lanes }, (_, worker) => lane(worker)))
      console.log(`     ${rounds} killed, ${known.kept.size} checkpoints acknowledged, ${known.gone.size} gone`)
      if (known.kept.size < rounds) throw new Error('The workers were killed before they could do anything.')
    })
    await check('all of them read back exactly, and nothing is damaged', async () => {
      await inHost(store, home, async (checkpoints) => {
        await assertKnown(checkpoints, known, 'in the end')
        assertNothing((await checkpoints.verify()).damaged, 'damaged')
        await checkpoints.verify({ repair: true })
        await assertKnown(checkpoints, known, 'after repairing')
      })
    })
    await check('pruning takes nothing of it away, and leaves nothing to prune', async () => {
      await inHost(store, home, async (checkpoints) => {
        const report = await checkpoints.prune({ trashMs: 0 })
        assertNothing(report.problems, 'not pruned')
        console.log(`     ${report.orphanedObjects} objects were left by the killed, ${report.freedBytes} bytes freed`)
        await assertKnown(checkpoints, known, 'after pruning')
        assertNothing((await checkpoints.verify()).damaged, 'damaged after pruning')
        const again = await checkpoints.prune({ trashMs: 0 })
        if (again.freedBytes > 0) throw new Error(`A second pruning freed ${again.freedBytes} bytes.`)
      })
    })
  })
}

/** Starts a worker and kills it at a moment of its own; gives what it said. */
async function killedWorker(argv: readonly string[]): Promise<readonly Said[]> {
  const { child, lines } = startScript(script, argv)
  const wanted = 1 + Math.floor(Math.random() * mostLines)
  for (let waits = 0; lines().length < wanted && child.exitCode === null && waits < 6000; waits += 1) await wait(5)
  await wait(Math.random() * longestDelayMs)
  child.kill('SIGKILL')
  await ended(child)
  if (child.signalCode !== 'SIGKILL') throw new Error(`A worker ended by itself, with ${child.exitCode}.`)
  return lines().map((line): Said => JSON.parse(line))
}

function learn(said: Said, known: Known): void {
  if (said.is === 'kept') known.kept.set(said.id, said.digest)
  else if (said.is === 'going') known.going.add(said.id)
  else if (said.is === 'gone') known.gone.add(said.id)
}

/** Looks as another process would, with a catalogue that was there all the time. */
async function inHost(store: string, home: string, look: (checkpoints: Checkpoints) => Promise<void>): Promise<void> {
  const host = await openHost({ store, homeFolder: home, env: {} })
  try {
    await look(host.checkpoints)
  } finally {
    await host.close()
  }
}

/** Rejects unless what a worker was told is there reads back exactly, and the newest checkpoints are listed and can be read. */
async function assertRound(checkpoints: Checkpoints, known: Known, heard: readonly Said[], where: string): Promise<void> {
  for (const said of heard) if (said.is === 'kept') await assertDigest(checkpoints, known, said.id, said.digest, where)
  const page = await checkpoints.list({ limit: 20 })
  assertNothing(page.problems, `sessions can't be listed ${where}`)
  assertNothing(
    page.checkpoints.filter(({ id, problem }) => problem !== undefined || known.gone.has(id)),
    `listed that shouldn't be ${where}`,
  )
  for (const { id } of page.checkpoints.slice(0, 5)) await checkpoints.read(id, { view: 'raw', limit: 5 }).catch(unlessGone)
}

/** Rejects unless everything that was acknowledged is listed, once, and reads back exactly; what was about to go may be gone. */
async function assertKnown(checkpoints: Checkpoints, known: Known, where: string): Promise<void> {
  const ids = await listedIds(checkpoints, where)
  const listed = new Set(ids)
  if (listed.size !== ids.length) throw new Error(`A checkpoint is listed twice ${where}.`)
  for (const id of known.gone) if (listed.has(id)) throw new Error(`${id} is there ${where}, though it was deleted or taken back.`)
  for (const [id, digest] of known.kept) {
    if (!listed.has(id) && !known.going.has(id)) throw new Error(`${id} is not listed ${where}.`)
    await assertDigest(checkpoints, known, id, digest, where)
  }
}

async function assertDigest(checkpoints: Checkpoints, known: Known, id: string, digest: string, where: string): Promise<void> {
  try {
    if (sha256Hex(await bytesOf(checkpoints, id)) !== digest) throw new Error(`${id} reads back otherwise ${where}.`)
  } catch (error) {
    if (!known.going.has(id) || !isCheckpointError(error, 'CHECKPOINT_NOT_FOUND')) throw error
  }
}

/** What the other worker takes back meanwhile is not there. */
function unlessGone(error: unknown): void {
  if (!isCheckpointError(error, 'CHECKPOINT_NOT_FOUND')) throw error
}

function assertNothing(found: readonly unknown[], what: string): void {
  if (found.length > 0) throw new Error(`${found.length} ${what}: ${JSON.stringify(found).slice(0, 800)}`)
}
