import { expect, test } from 'vitest'
// @boundaries-ignore looks below the public surface on purpose
import { makeCheckpointId } from '../../../core/src/checkpoint-id.ts'
// @boundaries-ignore looks below the public surface on purpose
import { createEnvironment } from '../../../core/src/environment.ts'
// @boundaries-ignore looks below the public surface on purpose
import { sessionDigest } from '../../../core/src/keys.ts'
// @boundaries-ignore looks below the public surface on purpose
import { writePage } from '../../../core/src/session-objects.ts'
import { changeLedgerBy, counting, ledgerOf, replaceObject } from '../service/support/storages.ts'
import { openMemoryStore } from '../service/support/stores.ts'
import { of, openWorkshop, rawOf, type Workshop } from '../service/support/workshop.ts'
import { ledgerNames, missing, orphans } from './support/whole.ts'

const dayMs = 24 * 60 * 60 * 1000

/** A session with so many checkpoints: three that were captured, and all others rows on the same records, each with its own id. */
async function longSession(workshop: Workshop, count: number) {
  const file = await workshop.pi()
  const service = workshop.service()
  for (let turn = 0; turn < 3; turn += 1) {
    await file.turn()
    await (await service.capture({ ...of(file), reason: 'manual' })).complete()
  }
  const storage = workshop.storage()
  const [name] = await ledgerNames(storage)
  if (name === undefined) throw new Error('no ledger')
  const digest = sessionDigest('pi', file.sessionId)
  const idOf = (number: number) => makeCheckpointId({ createdAt: number + 1, sessionDigest: digest, seed: String(number) })
  const [row] = (await ledgerOf(storage, name)).checkpoints
  if (row === undefined) throw new Error('no row')
  const made = Array.from({ length: count - 3 }, (_, at) => ({ ...row, id: idOf(at), createdAt: at + 1, boundaryId: `b${at}` }))
  // In steps, since one ledger alone holds fewer.
  for (let at = 0; at < made.length; at += 1000) {
    await changeLedgerBy(storage, name, (ledger) => ({ ...ledger, checkpoints: [...ledger.checkpoints, ...made.slice(at, at + 1000)] }))
    await service.pin('latest')
  }
  return { service, storage, name, file, idOf }
}

test('5,000 checkpoints can be deleted, taken back, and deleted for good', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  const { service, storage, name, file, idOf } = await longSession(workshop, 5000)
  expect((await service.sessions()).sessions[0]?.checkpointCount).toBe(5000)
  await service.pin('latest', { on: false })
  expect(await service.deleteSession({ agent: 'pi', sessionKey: file.sessionId })).toHaveLength(5000)
  const found = await storage.refs.read(name)
  expect(found?.value.byteLength).toBeLessThan(128 * 1024)
  expect((await ledgerOf(storage, name)).trashPages).toHaveLength(20)
  expect(await missing(storage)).toEqual([])
  // What is read by a list and by prune that has nothing to do.
  expect((await service.list()).checkpoints).toEqual([])
  const counted = counting(storage)
  expect(await workshop.service({ storage: counted.storage }).prune()).toMatchObject({ checkpoints: 0, purged: 0, freedBytes: 0 })
  expect(counted.calls().refs.compareAndSwap).toBe(0)
  for (const number of [0, 1, 2500, 2501, 4996]) {
    const id = idOf(number)
    await service.undelete(number === 1 ? id.slice(-8) : id)
    expect((await rawOf(service, id)).equals(file.bytes())).toBe(true)
  }
  await expect(service.undelete(idOf(0))).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
  expect((await service.sessions()).sessions[0]?.checkpointCount).toBe(5)
  expect((await service.prune()).problems).toEqual([])
  expect([await missing(storage), await orphans(storage)]).toEqual([[], []])
  const later = workshop.service({ now: () => Date.UTC(2026, 5, 1) + 2 * dayMs })
  expect(await later.prune()).toMatchObject({ purged: 4995, trashBytes: 0 })
  const ledger = await ledgerOf(storage, name)
  expect([ledger.trash, ledger.trashPages, ledger.removed.length]).toEqual([[], undefined, 4992])
  expect([await missing(storage), await orphans(storage)]).toEqual([[], []])
})

test('a page of the trash that is damaged is found, stops no capture, and comes back from the records', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  const service = workshop.service()
  const file = await workshop.pi()
  const storage = workshop.storage()
  for (let turn = 0; turn < 4; turn += 1) {
    await file.turn()
    await service.capture({ ...of(file), reason: 'requested' })
  }
  const ids = (await service.list()).checkpoints.map(({ id }) => id)
  await service.delete(ids.slice(1))
  const [name] = await ledgerNames(storage)
  // A small page: one of 250 would need as many records.
  if (name !== undefined) {
    const ledger = await ledgerOf(storage, name)
    const trashPage = await writePage(createEnvironment({ storage, readers: [] }), name, ledger, ledger.trash, {})
    await changeLedgerBy(storage, name, () => ({ ...ledger, trash: [], trashPages: [trashPage] }))
  }
  const [page] = name === undefined ? [] : ((await ledgerOf(storage, name)).trashPages ?? [])
  const key = (await workshop.objectKeys()).find((candidate) => candidate.endsWith(`/${page?.object}`))
  if (name === undefined || key === undefined) throw new Error('no page')
  await replaceObject(storage, key, (bytes) => bytes.map((byte, at) => (at === bytes.length - 5 ? byte ^ 1 : byte)))
  await expect(service.undelete(ids[1] ?? '')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
  const { damaged } = await service.verify()
  expect(damaged).toMatchObject([{ key, problem: 'digest' }])
  expect([...(damaged[0]?.checkpointIds ?? [])].sort()).toEqual(ids.slice(1).sort())
  expect((await service.prune({ trashMs: 0 })).problems).toHaveLength(1)
  await file.turn()
  await service.capture({ ...of(file), reason: 'requested' })
  expect((await service.verify({ repair: true })).damaged).toEqual([])
  expect((await service.undelete(ids[1] ?? '')).id).toBe(ids[1])
  expect((await service.list({ limit: 1000 })).checkpoints).toHaveLength(3)
  expect(await service.prune({ trashMs: 0 })).toMatchObject({ purged: 2, problems: [] })
  expect([await missing(storage), await orphans(storage)]).toEqual([[], []])
})
