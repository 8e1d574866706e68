import { rm } from 'node:fs/promises'
import type { Key, Storage } from '@palimpsest/core'
import { bytesTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
// @boundaries-ignore looks below the public surface on purpose
import { recordSchema } from '../../../core/src/checkpoint.ts'
// @boundaries-ignore looks below the public surface on purpose
import { packDocument, unpackDocument } from '../../../core/src/stored-object.ts'
import { smallSession } from '../service/reading-cases.ts'
import { changeLedgerBy, ledgerOf, overwriteRef, replaceObject } from '../service/support/storages.ts'
import { type OpenStore, openFsStore, openMemoryStore } from '../service/support/stores.ts'
import { idsIn, of, openWorkshop, type Workshop } from '../service/support/workshop.ts'
import { everything, ledgerNames, missing, orphans } from './support/whole.ts'

async function onlyLedger(storage: Storage): Promise<Key> {
  const [name] = await ledgerNames(storage)
  if (name === undefined) throw new Error('no ledger')
  return name
}

/** The keys of objects by what their headers say that they are. */
async function keysOf(storage: Storage, kind: string): Promise<readonly Key[]> {
  const keys: Key[] = []
  for (const { key } of (await storage.objects.list('')).items) {
    const head = Buffer.from((await storage.objects.get(key)) ?? []).toString('latin1')
    if (head.startsWith(`{"palimpsest":1,"kind":"${kind}"`)) keys.push(key)
  }
  return keys
}

const flipped = (at: number) => (bytes: Uint8Array) => {
  const copy = Uint8Array.from(bytes)
  const index = at < 0 ? copy.byteLength + at : at
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}

/** A session of three checkpoints: two compactions of a file that is still there, and one of its last turn. */
async function threeCheckpoints(workshop: Workshop) {
  const service = workshop.service()
  const file = await workshop.pi()
  for (let turn = 0; turn < 2; turn += 1) {
    await file.turn(`turn ${turn} `.repeat(500))
    await service.capture({ ...of(file), reason: 'manual' })
    await file.compact()
    await service.import(of(file))
  }
  await file.turn()
  await service.capture({ ...of(file), reason: 'session-end' })
  return { service, file, ids: await idsIn(service) }
}

describe.each([
  ['memory', openMemoryStore],
  ['files', openFsStore],
] satisfies [string, OpenStore][])('verify, over %s', (_name, openStore) => {
  test('reads everything again and finds nothing wrong with a store that is whole', async () => {
    const workshop = await openWorkshop(openStore)
    const { service, ids } = await threeCheckpoints(workshop)
    await service.delete([ids[1] ?? ''])
    await service.capture(smallSession('other'))
    const seen: number[] = []
    const report = await service.verify({ onProgress: ({ bytes }) => seen.push(bytes) })
    expect(report).toMatchObject({ damaged: [], repaired: [], sessions: 2, checkpoints: 3 })
    expect(report.chunks).toBeGreaterThan(2)
    expect([seen.length > 1, report.bytes > (seen.at(-1) ?? 0) - 1]).toEqual([true, true])
    expect(await service.verify({ sessions: [{ agent: 'pi', sessionKey: 'other' }] })).toMatchObject({ sessions: 1, checkpoints: 1 })
    expect(await (await openWorkshop(openStore)).service().verify()).toMatchObject({ damaged: [], sessions: 0 })
  })

  test('names a damaged and a missing chunk with every checkpoint on them, and refills them from the transcript', async () => {
    const workshop = await openWorkshop(openStore)
    const { service, ids } = await threeCheckpoints(workshop)
    const expected = await everything(service)
    const storage = workshop.storage()
    const byOldest = [...ids].reverse()
    const ledger = await ledgerOf(storage, await onlyLedger(storage))
    const objects = ledger.parts['main']?.streams[0]?.open.map(([object]) => object) ?? []
    const keyOf = async (object: string | undefined) => (await workshop.objectKeys()).find((key) => key.endsWith(object ?? '?')) as Key
    const [first, last] = [await keyOf(objects[0]), await keyOf(objects.at(-1))]
    await replaceObject(storage, first, flipped(-3))
    await storage.objects.delete([last])
    const found = await service.verify()
    expect(found.damaged).toHaveLength(2)
    expect(found.damaged.find(({ key }) => key === first)).toMatchObject({
      problem: 'digest',
      checkpointIds: expect.toSatisfy(equals(byOldest)),
    })
    expect(found.damaged.find(({ key }) => key === last)).toMatchObject({ problem: 'missing', checkpointIds: [byOldest[2]] })
    const repaired = await service.verify({ repair: true })
    expect(repaired.damaged).toEqual([])
    expect(repaired.repaired).toEqual(found.damaged)
    expect(await everything(service)).toEqual(expected)
    expect(await service.verify()).toMatchObject({ damaged: [], repaired: [] })
    expect([await orphans(storage), await missing(storage)]).toEqual([[], []])
  })

  test('refills nothing from a transcript that says something else now', async () => {
    const workshop = await openWorkshop(openStore)
    const { service, file } = await threeCheckpoints(workshop)
    const storage = workshop.storage()
    const [key] = await keysOf(storage, 'chunks')
    await replaceObject(storage, key as Key, flipped(-3))
    await file.rewrite(Buffer.from(Buffer.from(file.bytes()).toString().replaceAll('2026', '2027')))
    const found = await service.verify()
    const before = await workshop.objectKeys()
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: found.damaged, repaired: [] })
    await rm(file.path)
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: found.damaged, repaired: [] })
    expect(await workshop.objectKeys()).toEqual(before)
  })

  test('of an object of which only a part comes back the rest stays where it is', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const file = await workshop.pi()
    for (let turn = 0; turn < 3; turn += 1) await file.turn(`turn ${turn} `.repeat(80_000))
    await service.capture({ ...of(file), reason: 'requested' })
    const storage = workshop.storage()
    const chunks = (await ledgerOf(storage, await onlyLedger(storage))).parts['main']?.streams[0]?.open ?? []
    expect([chunks.length > 2, new Set(chunks.map(([object]) => object)).size]).toEqual([true, 1])
    const [key] = await keysOf(storage, 'chunks')
    // The first chunk and the last, of which the file has only the first as it was.
    for (const [, offset, storedBytes] of [chunks[0], chunks.at(-1)].filter((chunk) => chunk !== undefined)) {
      await replaceObject(storage, key as Key, flipped(offset + storedBytes - 3))
    }
    await file.rewrite(Buffer.from(Buffer.from(file.bytes()).toString().replaceAll('turn 2', 'TURN 2')))
    const report = await service.verify({ repair: true })
    expect(report.damaged).toMatchObject([{ key, problem: 'digest' }])
    const now = (await ledgerOf(storage, await onlyLedger(storage))).parts['main']?.streams[0]?.open ?? []
    expect(now.filter(([object]) => (key as Key).endsWith(object))).toEqual([chunks.at(-1)])
    expect([await orphans(storage), await missing(storage)]).toEqual([[], []])
  })

  test('takes a damaged chunk from another object that holds the same', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const session = smallSession('s', 30)
    const { checkpoint } = await service.capture(session)
    const storage = workshop.storage()
    const [key] = await keysOf(storage, 'chunks')
    const copy = `${(key as Key).slice(0, -20)}${'ab'.repeat(10)}` as Key
    await storage.objects.put(copy, (await storage.objects.get(key as Key)) ?? new Uint8Array())
    const expected = await everything(service)
    await storage.objects.delete([key as Key])
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: [], repaired: [{ key, checkpointIds: [checkpoint.id] }] })
    expect(await everything(service)).toEqual(expected)
  })

  test('a damaged record is named with its checkpoint; what is lost of it stays reported', async () => {
    const workshop = await openWorkshop(openStore)
    const { service, ids } = await threeCheckpoints(workshop)
    const storage = workshop.storage()
    const row = (await ledgerOf(storage, await onlyLedger(storage))).checkpoints[1]
    const key = (await workshop.objectKeys()).find((candidate) => candidate.endsWith(row?.record ?? '?')) as Key
    await replaceObject(storage, key, flipped(-3))
    const damage = { key, problem: 'digest', checkpointIds: [ids[1]] }
    expect((await service.verify()).damaged).toEqual([damage])
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: [damage], repaired: [] })
  })

  test.each(['chunks', 'record'])('a header that reading never needs is looked at too, and written anew: %s', async (kind) => {
    const workshop = await openWorkshop(openStore)
    const { service } = await threeCheckpoints(workshop)
    const storage = workshop.storage()
    const expected = await everything(service)
    const [key] = await keysOf(storage, kind)
    await replaceObject(storage, key as Key, (bytes) => flipped(Buffer.from(bytes).indexOf('sessions/') + 20)(bytes))
    expect(await everything(service)).toEqual(expected)
    expect((await service.verify()).damaged).toMatchObject([{ key, problem: 'unreadable' }])
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: [], repaired: [{ key }] })
    expect(await everything(service)).toEqual(expected)
    expect((await service.verify()).damaged).toEqual([])
  })

  test.each(['damaged', 'lost'])('a ledger that is %s is rebuilt from the objects', async (how) => {
    const workshop = await openWorkshop(openStore)
    const { service, file, ids } = await threeCheckpoints(workshop)
    // A second stream: the file was rewritten behind its first turn.
    const text = Buffer.from(file.bytes()).toString()
    await file.rewrite(Buffer.from(text.replace('turn 1', 'TURN 1')))
    await service.capture({ ...of(file), reason: 'requested' })
    const expected = await everything(service)
    const listed = (await service.list()).checkpoints
    expect(listed).toHaveLength(ids.length + 1)
    const name = await onlyLedger(workshop.storage())
    const target = how === 'damaged' ? workshop : await copyWithoutRefs(workshop, openStore)
    const storage = target.storage()
    if (how === 'damaged') await overwriteRef(storage, name, flipped(400)((await storage.refs.read(name))?.value ?? new Uint8Array()))
    const other = target.service()
    const found = await other.verify()
    expect(found.damaged).toMatchObject([{ key: name, problem: how === 'damaged' ? 'digest' : 'missing' }])
    expect(new Set(found.damaged[0]?.checkpointIds)).toEqual(new Set(listed.map(({ id }) => id)))
    expect(await other.verify({ repair: true })).toMatchObject({ damaged: [], repaired: found.damaged })
    expect(await everything(other)).toEqual(expected)
    expect((await other.list()).checkpoints).toEqual(listed)
    expect((await other.verify()).damaged).toEqual([])
    await file.turn()
    const next = await other.capture({ ...of(file), reason: 'requested' })
    expect((await other.get(next.checkpoint.id)).sizeBytes).toBe(file.bytes().byteLength)
    expect((await other.import(of(file))).created).toBe(0)
  })

  test('of a lost ledger with a lost chunk only those checkpoints come back that are whole, and the others are named', async () => {
    const workshop = await openWorkshop(openStore)
    const { ids } = await threeCheckpoints(workshop)
    const target = await copyWithoutRefs(workshop, openStore)
    const storage = target.storage()
    const ledger = await ledgerOf(workshop.storage(), await onlyLedger(workshop.storage()))
    const [last] = ledger.parts['main']?.streams[0]?.open.at(-1) ?? []
    await storage.objects.delete([(await target.objectKeys()).find((key) => key.endsWith(last ?? '?')) as Key])
    const report = await target.service().verify({ repair: true })
    expect(report.damaged).toMatchObject([{ problem: 'missing', checkpointIds: [ids[0]] }])
    expect(await idsIn(target.service())).toEqual(ids.slice(1))
  })

  test('a segment that is gone is put together again', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const file = await workshop.pi()
    await file.turn('a'.repeat(3000))
    await service.capture({ ...of(file), reason: 'requested' })
    await file.turn('b'.repeat(3000))
    await service.capture({ ...of(file), reason: 'requested' })
    const text = Buffer.from(file.bytes()).toString()
    await file.rewrite(Buffer.from(text.replace('bbb', 'BBB')))
    // The new stream seals the old one.
    await service.capture({ ...of(file), reason: 'requested' })
    const storage = workshop.storage()
    const expected = await everything(service)
    const [segment] = await keysOf(storage, 'segment')
    await storage.objects.delete([segment as Key])
    const found = await service.verify()
    expect(found.damaged).toMatchObject([{ key: segment, problem: 'missing' }])
    expect(found.damaged[0]?.checkpointIds.length).toBeGreaterThan(0)
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: [], repaired: found.damaged })
    expect(await everything(service)).toEqual(expected)
    expect([await orphans(storage), await missing(storage)]).toEqual([[], []])
  })

  test.each(['lost', 'damaged in its header'])('a page that is %s is put together again', async (how) => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const storage = workshop.storage()
    await service.capture(smallSession('s'))
    const name = await onlyLedger(storage)
    // Many rows, each with a record of its own.
    const [row] = (await ledgerOf(storage, name)).checkpoints
    const bytes = await storage.objects.get(`${name}/${row?.record}` as Key)
    if (row === undefined || bytes === undefined) throw new Error('no row')
    const record = await unpackDocument('', 'record', bytes, recordSchema)
    const rows = await Promise.all(
      Array.from({ length: 760 }, async (_, number) => {
        const id = `${row.id.slice(0, 24)}${number.toString(16).padStart(12, '0')}`
        const object = `0-${number.toString(16).padStart(20, '0')}`
        await storage.objects.put(
          `${name}/${object}` as Key,
          await packDocument('record', name, 'pi', { ...record, id, createdAt: number }),
        )
        return { ...row, id, createdAt: number, record: object }
      }),
    )
    await changeLedgerBy(storage, name, (ledger) => ({ ...ledger, checkpoints: rows.reverse() }))
    await service.label('latest', { text: 'x' })
    const ids = await idsIn(service)
    const [page] = (await ledgerOf(storage, name)).pages
    const key = `${name}/${page?.object}` as Key
    if (how === 'lost') await storage.objects.delete([key])
    else await replaceObject(storage, key, (stored) => flipped(Buffer.from(stored).indexOf('sessions/') + 20)(stored))
    const found = await service.verify()
    expect(found.damaged).toMatchObject([{ key, problem: how === 'lost' ? 'missing' : 'unreadable' }])
    expect(new Set(found.damaged[0]?.checkpointIds)).toEqual(new Set(ids.slice(-250)))
    expect(await service.verify({ repair: true })).toMatchObject({ damaged: [], repaired: found.damaged, checkpoints: 760 })
    expect(await idsIn(service)).toEqual(ids)
  })

  test('a format that cannot be read is named, and written again', async () => {
    const workshop = await openWorkshop(openStore)
    await workshop.service().capture(smallSession('s'))
    await overwriteRef(workshop.storage(), 'format' as Key, Buffer.from('{"gormat":1}\n'))
    const report = await workshop.service().verify()
    expect(report).toMatchObject({ damaged: [{ key: 'format', problem: 'unreadable' }], checkpoints: 1 })
    expect((await workshop.service().verify({ repair: true })).damaged).toEqual([])
    expect(await idsIn(workshop.service())).toHaveLength(1)
  })

  test('sidecars are refilled too', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const file = await workshop.claudeCode()
    await file.turn()
    const transcript = bytesTranscript({ main: file.bytes(), 'x/one.txt': Buffer.from('side '.repeat(100)) })
    await service.capture({ agent: 'claude-code', sessionKey: 's', transcript, reason: 'requested' })
    await service.capture({ agent: 'claude-code', sessionKey: 's', transcript: bytesTranscript({ main: file.bytes() }), reason: 'manual' })
    const storage = workshop.storage()
    const [key] = await keysOf(storage, 'chunks')
    await replaceObject(storage, key as Key, flipped(-3))
    const [damage] = (await service.verify()).damaged
    const [, withSidecar] = await idsIn(service)
    expect(damage).toMatchObject({ key, problem: 'digest', checkpointIds: [withSidecar] })
  })

  test('an object that is rightly deleted while it looks is not called missing', async () => {
    const workshop = await openWorkshop(openStore)
    const { service, file } = await threeCheckpoints(workshop)
    const storage = workshop.storage()
    await changeLedgerBy(storage, await onlyLedger(storage), (ledger) => ledger)
    const verifying = Promise.all(Array.from({ length: 4 }, () => workshop.service().verify()))
    for (let at = 0; at < 6; at += 1) {
      await file.turn()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      await pending.complete({ summary: `${at}` })
      await service.delete([pending.checkpoint.id])
      await service.prune({ trashMs: 0 })
    }
    expect((await verifying).flatMap(({ damaged }) => damaged)).toEqual([])
  })
})

/** Another store with the same objects and no ledger. */
async function copyWithoutRefs(workshop: Workshop, openStore: OpenStore): Promise<Workshop> {
  const open = await openStore()
  const storage = open()
  for (const key of await workshop.objectKeys()) {
    await storage.objects.put(key, (await workshop.storage().objects.get(key)) ?? new Uint8Array())
  }
  return {
    ...workshop,
    storage: open,
    service: (options = {}) => workshop.service({ storage: open(), ...options }),
    objectKeys: async () => (await storage.objects.list('')).items.map(({ key }) => key),
  }
}

const equals = (expected: readonly string[]) => (ids: readonly string[]) =>
  JSON.stringify([...ids].sort()) === JSON.stringify([...expected].sort())
