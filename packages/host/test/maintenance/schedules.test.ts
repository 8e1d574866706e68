import { setImmediate as tick } from 'node:timers/promises'
import type { Checkpoints, Storage } from '@palimpsest/core'
import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { bytesTranscript } from '@palimpsest/transcripts'
import { expect, test } from 'vitest'
// @boundaries-ignore looks below the public surface on purpose
import { decodeLedger, encodeLedger } from '../../../core/src/ledger.ts'
import { jsonl } from '../service/support/sessions.ts'
import { altered } from '../service/support/storages.ts'
import { openMemoryStore } from '../service/support/stores.ts'
import { openWorkshop, type Workshop } from '../service/support/workshop.ts'
import { missing, orphans } from './support/whole.ts'

/** Numbers that a seed decides. */
function random(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

/** Lets one call of the port through at a time, in an order that a seed decides. */
interface Scheduler {
  wrap(storage: Storage): Storage
  run(tasks: readonly (() => Promise<void>)[]): Promise<void>
}

function scheduler(next: () => number): Scheduler {
  const waiting: (() => void)[] = []
  const turn = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
  const scheduled =
    <Call extends readonly unknown[], Result>(run: (...call: Call) => Promise<Result>) =>
    async (...call: Call): Promise<Result> => {
      await turn()
      return run(...call)
    }
  return {
    wrap: (storage) =>
      altered(storage, {
        objects: {
          put: scheduled(storage.objects.put),
          get: scheduled(storage.objects.get),
          delete: scheduled(storage.objects.delete),
          list: scheduled(storage.objects.list),
        },
        refs: { read: scheduled(storage.refs.read), compareAndSwap: scheduled(storage.refs.compareAndSwap) },
      }),
    async run(tasks) {
      let left = tasks.length
      const done = Promise.all(
        tasks.map(async (task) => {
          try {
            await task()
          } finally {
            left -= 1
          }
        }),
      )
      while (left > 0) {
        await tick()
        if (waiting.length === 0 || (waiting.length < left && next() < 0.3)) continue
        waiting.splice(Math.floor(next() * waiting.length), 1)[0]?.()
      }
      await done
    },
  }
}

/** What a writer without a fence would see: every ledger says that nothing was ever swept. */
function withoutFence(storage: Storage): Storage {
  return altered(storage, {
    refs: {
      async read(name, options) {
        const found = await storage.refs.read(name, options)
        if (found === undefined || !name.startsWith('sessions/')) return found
        return { ...found, value: encodeLedger({ ...decodeLedger(name, found.value), fence: 0 }) }
      },
    },
  })
}

const agent = 'pi'

/** A transcript of so many turns; from turn `fork` on it says something else. */
function transcript(turns: number, fork: number): ReturnType<typeof bytesTranscript> {
  const lines: object[] = [{ type: 'session', version: 3, id: 's', cwd: '/home/dev/s' }]
  for (let at = 0; at < turns; at += 1) {
    const content = `${at < fork ? 'one' : `other ${fork}`} ${at}`
    lines.push({ type: 'message', id: `u${at}`, parentId: at === 0 ? null : `u${at - 1}`, message: { role: 'user', content } })
  }
  return bytesTranscript({ main: jsonl(lines) })
}

interface Outcome {
  readonly missing: readonly string[]
  readonly orphans: readonly string[]
  readonly wrong: number
}

/** Captures, completions, deletions and prunes of one session at once, in an order that the seed decides; then a last prune. */
async function play(workshop: Workshop, seed: number, hasFence: boolean): Promise<Outcome> {
  const next = random(seed)
  const shared = createMemoryStore()
  const storage = () => createMemoryStorage({ shared })
  const { wrap, run } = scheduler(next)
  const service = (own: Storage): Checkpoints => workshop.service({ storage: wrap(own) })
  const told = new Map<string, Buffer>()
  const writer = (): Checkpoints => service(hasFence ? storage() : withoutFence(storage()))
  const capture = async (): Promise<void> => {
    const origin = transcript(1 + Math.floor(next() * 12), Math.floor(next() * 12))
    const writing = writer()
    const pending = await writing.capture({ agent, transcript: origin, reason: next() < 0.5 ? 'requested' : 'manual' })
    const main = await origin.open()
    for await (const part of main.parts()) told.set(pending.checkpoint.id, Buffer.from(await part.source.read(0, part.source.sizeBytes)))
    const fate = next()
    if (pending.outcome !== 'captured') return
    if (fate < 0.3 && pending.checkpoint.status === 'pending') await pending.complete({ summary: 's' }).catch(ignoreGone)
    else if (fate < 0.4 && pending.checkpoint.status === 'pending') await pending.abandon().catch(ignoreGone)
    else if (fate < 0.6) await writing.delete([pending.checkpoint.id]).catch(ignoreGone)
  }
  const prune = async (): Promise<void> => {
    for (let times = 0; times < 4; times += 1) await service(storage()).prune({ trashMs: 0, retention: { maxCheckpoints: 3 } })
  }
  await run([capture, prune, capture, prune, capture])
  const last = workshop.service({ storage: storage() })
  await last.prune({ trashMs: 0 })
  let wrong = 0
  for (const { id } of (await last.list({ limit: 1000 })).checkpoints) {
    const bytes = await Array.fromAsync(last.raw(id)).catch(() => undefined)
    if (bytes === undefined || told.get(id)?.equals(Buffer.concat(bytes)) !== true) wrong += 1
  }
  return { missing: await missing(storage()), orphans: await orphans(storage()), wrong }
}

function ignoreGone(error: unknown): void {
  const isGone = error instanceof Error && 'code' in error && (error.code === 'CHECKPOINT_NOT_FOUND' || error.code === 'ARGUMENT_INVALID')
  if (!isGone) throw error
}

test('beside captures in 200 random schedules no checkpoint loses an object, and the last prune leaves no orphan', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  for (let seed = 1; seed <= 200; seed += 1) {
    const { missing: gone, orphans: left, wrong } = await play(workshop, seed, true)
    expect({ seed, gone, left, wrong }).toEqual({ seed, gone: [], left: [], wrong: 0 })
  }
})

test('for writers that heed no fence the same schedules break checkpoints', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  let broken = 0
  for (let seed = 1; seed <= 60; seed += 1) {
    const outcome = await play(workshop, seed, false).catch(() => ({ missing: ['failed'], wrong: 0 }))
    if (outcome.missing.length + outcome.wrong > 0) broken += 1
  }
  expect(broken).toBeGreaterThan(6)
})
