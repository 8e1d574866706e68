import type { Checkpoints, Storage } from '@palimpsest/core'
import { createMemoryStorage, createMemoryStore, type MemoryStore } from '@palimpsest/storage-memory'
import { expect, test } from 'vitest'
// @boundaries-ignore looks below the public surface on purpose
import { decodeLedger, type Ledger } from '../../../core/src/ledger.ts'
import { altered } from '../service/support/storages.ts'
import { openMemoryStore } from '../service/support/stores.ts'
import { of, openWorkshop, type Workshop } from '../service/support/workshop.ts'
import { everything, missing, orphans } from './support/whole.ts'

class Crash extends Error {}

/** The same storage, on which nothing works any more after so many writes: with `lands`, the last of them was still made. */
function crashingAfter(storage: Storage, writes: number, lands: boolean): { readonly storage: Storage; crashed(): boolean } {
  let left = writes
  let isDown = false
  const live =
    <Call extends readonly unknown[], Result>(run: (...call: Call) => Promise<Result>, isWrite: boolean) =>
    async (...call: Call): Promise<Result> => {
      if (!isDown && isWrite && left === 0) {
        isDown = true
        if (lands) await run(...call)
      }
      if (isDown) throw new Crash('the machine is gone')
      if (isWrite) left -= 1
      return run(...call)
    }
  const { objects, refs } = storage
  return {
    crashed: () => isDown,
    storage: altered(storage, {
      objects: {
        put: live(objects.put, true),
        get: live(objects.get, false),
        delete: live(objects.delete, true),
        list: live(objects.list, false),
      },
      refs: { read: live(refs.read, false), compareAndSwap: live(refs.compareAndSwap, true), list: live(refs.list, false) },
    }),
  }
}

function copyOf(store: MemoryStore): MemoryStore {
  return { objects: new Map(store.objects), refs: new Map(store.refs), swaps: store.swaps }
}

/** Runs `work` on a copy of a store that goes down before, or just after, each of its writes; then once more on what was left. */
async function atEveryWrite(
  workshop: Workshop,
  store: MemoryStore,
  work: (service: Checkpoints) => Promise<unknown>,
  check: (service: Checkpoints, storage: Storage) => Promise<void>,
): Promise<number> {
  for (let writes = 0; ; writes += 1) {
    let ended = false
    for (const lands of [false, true]) {
      const shared = copyOf(store)
      const crashing = crashingAfter(createMemoryStorage({ shared }), writes, lands)
      await work(workshop.service({ storage: crashing.storage })).catch((error: unknown) => {
        if (!crashing.crashed()) throw error
      })
      ended = !crashing.crashed()
      const storage = createMemoryStorage({ shared })
      expect(await missing(storage)).toEqual([])
      const service = workshop.service({ storage })
      await work(service)
      await check(service, storage)
    }
    if (ended) return writes
  }
}

function ledgersOf(store: MemoryStore): readonly Ledger[] {
  return [...store.refs].filter(([name]) => name !== 'format').map(([name, { value }]) => decodeLedger(name, value))
}

test('prune that crashes before or after any of its writes loses nothing, and is finished by the next one', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  const store = createMemoryStore()
  const service = workshop.service({ storage: createMemoryStorage({ shared: store }) })
  const file = await workshop.pi()
  const text = (turn: number) => `${turn} `.repeat(2000)
  for (let turn = 0; turn < 3; turn += 1) {
    await file.turn(text(turn))
    await service.capture({ ...of(file), reason: 'requested' })
  }
  const longer = Buffer.from(file.bytes()).toString()
  await file.rewrite(Buffer.from(longer.replace('2 2 2', '9 9 9')))
  await service.capture({ ...of(file), reason: 'requested' })
  await service.pin('latest')
  const other = await workshop.pi('other')
  await other.turn(text(7))
  await service.capture({ ...of(other), reason: 'requested' })
  const retention = { maxCheckpoints: 1, maxBytes: 1500 }
  const whole = await everything(service)
  const after = copyOf(store)
  const last = workshop.service({ storage: createMemoryStorage({ shared: after }) })
  await last.prune({ retention, trashMs: 0 })
  const expected = await everything(last)
  expect(expected.size).toBeLessThan(whole.size)
  for (const [key, bytes] of expected) expect(bytes).toBe(whole.get(key))
  const writes = await atEveryWrite(
    workshop,
    store,
    (each) => each.prune({ retention, trashMs: 0 }),
    async (each, storage) => {
      expect(await everything(each)).toEqual(expected)
      expect(await orphans(storage)).toEqual([])
    },
  )
  expect(writes).toBeGreaterThan(3)
})

test('repair that crashes before or after any of its writes loses nothing, and is finished by the next one', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  const store = createMemoryStore()
  const service = workshop.service({ storage: createMemoryStorage({ shared: store }) })
  const file = await workshop.pi()
  for (let turn = 0; turn < 3; turn += 1) {
    await file.turn(`${turn} `.repeat(2000))
    await service.capture({ ...of(file), reason: 'requested' })
  }
  const expected = await everything(service)
  const chunkObjects = new Set(ledgersOf(store).flatMap(({ parts }) => parts['main']?.streams[0]?.open.map(([object]) => object) ?? []))
  expect(chunkObjects.size).toBe(3)
  let flipped = 0
  for (const [key, bytes] of store.objects) {
    if (!chunkObjects.has(key.split('/').at(-1) ?? '')) continue
    const copy = Uint8Array.from(bytes)
    // One frame, one header, and one object that is whole.
    const at = flipped === 0 ? copy.byteLength - 3 : 40
    if (flipped < 2) copy[at] = (copy[at] ?? 0) ^ 1
    flipped += 1
    store.objects.set(key, copy)
  }
  const writes = await atEveryWrite(
    workshop,
    store,
    (each) => each.verify({ repair: true }),
    async (each, storage) => {
      expect((await each.verify()).damaged).toEqual([])
      expect(await everything(each)).toEqual(expected)
      await each.prune()
      expect(await orphans(storage)).toEqual([])
    },
  )
  expect(writes).toBeGreaterThan(3)
})
