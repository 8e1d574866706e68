import { StorageError } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { smallSession } from '../service/reading-cases.ts'
import { altered, changeLedgerBy, counting, ledgerOf } from '../service/support/storages.ts'
import { type OpenStore, openFsStore, openMemoryStore } from '../service/support/stores.ts'
import { idsIn, of, openWorkshop, rawOf, sessionOf, type Workshop } from '../service/support/workshop.ts'
import { everything, ledgerNames, missing, orphans, sizes, totalBytes } from './support/whole.ts'

const dayMs = 24 * 60 * 60 * 1000
const start = Date.UTC(2026, 5, 1)

/** A service at a moment. */
const at = (workshop: Workshop, day: number) => workshop.service({ now: () => start + day * dayMs })

/** Noise, which no compression makes smaller. */
function noise(length: number, seed: number): string {
  let state = seed + 1
  let text = ''
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += state.toString(36)
  }
  return text
}

describe.each([
  ['memory', openMemoryStore],
  ['files', openFsStore],
] satisfies [string, OpenStore][])('prune, over %s', (_name, openStore) => {
  test('changes nothing where there is nothing to do, and swaps nothing', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.pi()
    await file.turn()
    await workshop.service().capture({ ...of(file), reason: 'requested' })
    const counted = counting(workshop.storage())
    const report = await workshop.service({ storage: counted.storage }).prune()
    expect(report).toMatchObject({
      sessions: [],
      checkpoints: 0,
      purged: 0,
      freedBytes: 0,
      orphanedObjects: 0,
      dryRun: false,
      problems: [],
    })
    expect(report.storedBytes).toBe(await totalBytes(workshop.storage()))
    expect(counted.calls()).toMatchObject({ objects: { put: 0, delete: 0 }, refs: { compareAndSwap: 0 } })
  })

  test('moves what is too many or too old to the trash; a day later it goes for good, and its bytes come back', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.pi()
    const ids: string[] = []
    for (let day = 0; day < 6; day += 1) {
      await file.turn(noise(2000, day))
      ids.push((await at(workshop, day).capture({ ...of(file), reason: 'requested' })).checkpoint.id)
    }
    const [first = '', second = '', third = '', fourth = '', fifth = '', sixth = ''] = ids
    const service = at(workshop, 6)
    await service.pin(first)
    const retention = { maxCheckpoints: 3, maxAgeMs: 3.5 * dayMs }
    const dry = await service.prune({ retention, dryRun: true })
    expect(await idsIn(service)).toEqual([...ids].reverse())
    const run = await service.prune({ retention })
    expect(run).toEqual({ ...dry, dryRun: false })
    expect(run.sessions).toMatchObject([{ agent: 'pi', sessionKey: 'pi-session', evicted: false, freedBytes: 0 }])
    expect(new Set(run.sessions[0]?.checkpointIds)).toEqual(new Set([second, third]))
    expect(await idsIn(service)).toEqual([sixth, fifth, fourth, first])
    expect(run.trashBytes).toBeGreaterThan(0)
    expect((await service.undelete(third)).id).toBe(third)
    expect((await service.prune({ retention })).sessions[0]?.checkpointIds).toEqual([third])

    const before = await totalBytes(workshop.storage())
    const later = await at(workshop, 7.5).prune({ retention: {} })
    expect([later.checkpoints, later.purged, later.trashBytes]).toEqual([0, 2, 0])
    expect(later.freedBytes).toBe(run.trashBytes)
    expect(await totalBytes(workshop.storage())).toBe(before - later.freedBytes)
    await expect(service.undelete(third)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    expect(await idsIn(service)).toEqual([sixth, fifth, fourth, first])
    expect((await rawOf(service, sixth)).equals(file.bytes())).toBe(true)
    expect(await orphans(workshop.storage())).toEqual([])
    expect((await at(workshop, 7.5).prune({ retention: {} })).sessions).toEqual([])
  })

  test('of a deleted session nothing is left but a tombstone, which no list shows, and whose compactions no scan brings back', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.pi()
    for (let turn = 0; turn < 3; turn += 1) {
      await file.turn(noise(3000, turn))
      await file.compact()
    }
    const service = at(workshop, 0)
    await service.import(of(file))
    await service.deleteSession({ agent: 'pi', sessionKey: 'pi-session' })
    const report = await service.prune({ trashMs: 0 })
    expect([report.purged, report.storedBytes]).toEqual([3, 0])
    expect((await sizes(workshop.storage())).size).toBe(0)
    expect((await service.sessions()).sessions).toEqual([])
    expect(await idsIn(service)).toEqual([])
    const [name] = await ledgerNames(workshop.storage())
    const ledger = name === undefined ? undefined : await ledgerOf(workshop.storage(), name)
    expect(ledger).toMatchObject({ parts: {}, checkpoints: [], trash: [] })
    expect([...(ledger?.removed ?? [])].sort()).toEqual(['c2', 'c4', 'c6'])
    expect((await service.import(of(file))).created).toBe(0)
    expect((await service.prune({ trashMs: 0 })).sessions).toEqual([])
    expect((await service.import({ ...of(file), again: true })).created).toBe(3)
    await file.turn()
    const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
    expect((await rawOf(service, checkpoint.id)).equals(file.bytes())).toBe(true)
  })

  test('cuts the end of a stream on which nothing stands, and keeps what a rewritten transcript still begins with', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.pi()
    const service = workshop.service()
    await file.turn(noise(400_000, 1))
    const kept = await service.capture({ ...of(file), reason: 'requested' })
    const original = Uint8Array.from(file.bytes())
    await file.turn(noise(900_000, 2))
    await file.turn(noise(900_000, 3))
    const longer = await service.capture({ ...of(file), reason: 'requested' })
    await file.rewrite(Buffer.concat([original, Buffer.from(`${JSON.stringify({ type: 'custom', id: 'x1', parentId: 'a1' })}\n`)]))
    await file.turn(noise(100_000, 4))
    const rewritten = await service.capture({ ...of(file), reason: 'requested' })
    await service.delete([longer.checkpoint.id])
    const expected = await everything(service)
    const dry = await service.prune({ trashMs: 0, dryRun: true })
    const run = await service.prune({ trashMs: 0 })
    expect(run).toEqual({ ...dry, dryRun: false })
    expect(run.freedBytes).toBeGreaterThan(1_000_000)
    expect(await everything(service)).toEqual(expected)
    expect([...expected.keys()]).toEqual([`${rewritten.checkpoint.id} main`, `${kept.checkpoint.id} main`])
    expect([await orphans(workshop.storage()), await missing(workshop.storage())]).toEqual([[], []])
    await service.delete([rewritten.checkpoint.id])
    await service.prune({ trashMs: 0 })
    const [name] = await ledgerNames(workshop.storage())
    expect(name === undefined ? 0 : (await ledgerOf(workshop.storage(), name)).parts['main']?.streams).toHaveLength(1)
    await file.turn()
    const again = await service.capture({ ...of(file), reason: 'requested' })
    expect((await rawOf(service, again.checkpoint.id)).equals(file.bytes())).toBe(true)
  })

  test('keeps the sidecars of kept checkpoints, and lets those of others go', async () => {
    const { bytesTranscript } = await import('@palimpsest/transcripts')
    const workshop = await openWorkshop(openStore)
    const service = at(workshop, 0)
    const file = await workshop.claudeCode()
    await file.turn()
    const capture = async (sidecars: Record<string, string>) => {
      await file.turn()
      const parts = Object.fromEntries(Object.entries(sidecars).map(([name, text]) => [name, Buffer.from(text)]))
      const transcript = bytesTranscript({ main: file.bytes(), ...parts })
      return (await service.capture({ agent: 'claude-code', sessionKey: 's', transcript, reason: 'requested' })).checkpoint
    }
    const [one, two] = [noise(60_000, 1), noise(60_000, 2)]
    const first = await capture({ 'a/one.txt': one })
    const second = await capture({ 'a/one.txt': one, 'a/two.txt': two })
    const third = await capture({ 'a/two.txt': two })
    await service.delete([first.id])
    await service.prune({ trashMs: 0 })
    expect((await rawOf(service, second.id, 'a/one.txt')).toString()).toBe(one)
    await service.delete([second.id])
    await service.prune({ trashMs: 0 })
    expect((await rawOf(service, third.id, 'a/two.txt')).toString()).toBe(two)
    const [name] = await ledgerNames(workshop.storage())
    expect(name === undefined ? [] : Object.keys((await ledgerOf(workshop.storage(), name)).parts)).toEqual(['main', 'a/two.txt'])
    expect([await orphans(workshop.storage()), await missing(workshop.storage())]).toEqual([[], []])
  })

  test('a sidecar of a checkpoint whose record is damaged stays', async () => {
    const { bytesTranscript } = await import('@palimpsest/transcripts')
    const workshop = await openWorkshop(openStore)
    const service = at(workshop, 0)
    const file = await workshop.claudeCode()
    await file.turn()
    const transcript = bytesTranscript({ main: file.bytes(), 'a/one.txt': Buffer.from(noise(50_000, 1)) })
    await service.capture({ agent: 'claude-code', sessionKey: 's', transcript, reason: 'requested' })
    const [name] = await ledgerNames(workshop.storage())
    if (name === undefined) throw new Error('no ledger')
    const record = (await ledgerOf(workshop.storage(), name)).checkpoints[0]?.record
    await workshop.storage().objects.delete([...(await workshop.objectKeys())].filter((key) => key.endsWith(record ?? '?')))
    const before = await sizes(workshop.storage())
    expect((await service.prune({ trashMs: 0 })).freedBytes).toBe(0)
    expect(await sizes(workshop.storage())).toEqual(before)
    expect(Object.keys((await ledgerOf(workshop.storage(), name)).parts)).toContain('a/one.txt')
  })

  test('evicts whole sessions, the least recently captured first, never a pinned one, until the store fits', async () => {
    const workshop = await openWorkshop(openStore)
    const ids: string[] = []
    for (let number = 0; number < 5; number += 1) {
      const file = await sessionOf(workshop, 'pi', number)
      await file.turn(noise(20_000, number))
      ids.push((await at(workshop, number).capture({ ...of(file), reason: 'requested' })).checkpoint.id)
    }
    const [first = '', , , fourth = '', fifth = ''] = ids
    const service = at(workshop, 10)
    await service.pin(first)
    const total = await totalBytes(workshop.storage())
    const retention = { maxBytes: Math.floor(total * 0.7) }
    const dry = await service.prune({ retention, dryRun: true })
    const run = await service.prune({ retention })
    expect(run).toEqual({ ...dry, dryRun: false })
    expect(run.sessions.map(({ sessionKey, evicted }) => [sessionKey, evicted])).toEqual([
      ['pi-session-1', true],
      ['pi-session-2', true],
    ])
    expect(run.freedBytes).toBe(0)
    expect(await idsIn(service)).toEqual([fifth, fourth, first])
    expect((await service.prune({ retention })).sessions).toEqual([])
    const purged = await at(workshop, 11.5).prune({ retention })
    expect(purged.freedBytes).toBe(run.trashBytes)
    expect(await totalBytes(workshop.storage())).toBe(total - run.trashBytes)
    expect(await totalBytes(workshop.storage())).toBeLessThanOrEqual(retention.maxBytes)
    const all = await service.prune({ retention: { maxBytes: 0 }, trashMs: 0 })
    expect(await idsIn(service)).toEqual([first])
    expect(all.storedBytes).toBe(await totalBytes(workshop.storage()))
  })

  test('takes what a capture left that crashed: before its commit, before its first commit, and while it was cleaning up', async () => {
    const workshop = await openWorkshop(openStore)
    const service = at(workshop, 0)
    const file = await workshop.pi()
    await file.turn()
    const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
    const storage = workshop.storage()
    const crash = async (): Promise<never> => {
      throw new StorageError('refused', 'crashed')
    }
    await file.turn(noise(5000, 1))
    const crashing = at(workshop, 0)
    await expect(
      workshop.service({ storage: altered(storage, { refs: { compareAndSwap: crash } }) }).capture({ ...of(file), reason: 'requested' }),
    ).rejects.toBeDefined()
    expect((await orphans(storage)).length).toBeGreaterThan(1)
    // A first capture that crashed with its chunks stored and its record not.
    let puts = 0
    const onePut = altered(storage, {
      objects: {
        put: async (...call) => {
          puts += 1
          return puts > 1 ? crash() : storage.objects.put(...call)
        },
      },
    })
    await expect(workshop.service({ storage: onePut }).capture({ ...smallSession('new'), reason: 'requested' })).rejects.toBeDefined()
    const dry = await crashing.prune({ dryRun: true })
    const run = await crashing.prune()
    expect(run).toEqual({ ...dry, dryRun: false })
    expect(run.orphanedObjects).toBeGreaterThan(2)
    expect(await orphans(storage)).toEqual([])
    expect((await service.sessions()).sessions).toHaveLength(1)
    expect(await idsIn(service)).toEqual([checkpoint.id])
    const again = await service.capture({ ...smallSession('new'), reason: 'requested' })
    expect(await service.get(again.checkpoint.id)).toMatchObject({ sessionKey: 'new' })
    expect((await service.sessions()).sessions.map(({ sessionKey }) => sessionKey)).toContain('new')
    const counted = counting(storage)
    await workshop.service({ storage: counted.storage }).prune()
    expect(counted.calls().refs.compareAndSwap).toBe(0)
  })

  test('a first capture that crashed before its swap is no lost ledger: verify finds no damage, repair makes nothing of it, and it goes', async () => {
    const workshop = await openWorkshop(openStore)
    const storage = workshop.storage()
    let swaps = 0
    const oneSwap = altered(storage, {
      refs: {
        compareAndSwap: async (name, ...rest) => {
          if (name.startsWith('sessions/')) swaps += 1
          if (swaps > 1) throw new StorageError('refused', 'crashed')
          return storage.refs.compareAndSwap(name, ...rest)
        },
      },
    })
    await expect(workshop.service({ storage: oneSwap }).capture({ ...smallSession('s'), reason: 'requested' })).rejects.toBeDefined()
    expect(await orphans(storage)).toHaveLength(2)
    const service = workshop.service()
    expect((await service.verify({ repair: true })).damaged).toEqual([])
    expect([await idsIn(service), (await service.sessions()).sessions]).toEqual([[], []])
    expect(await service.prune()).toMatchObject({ problems: [], orphanedObjects: 2 })
    expect(await orphans(storage)).toEqual([])
    const { outcome, storedBytes } = await service.capture({ ...smallSession('s'), reason: 'requested' })
    expect([outcome, storedBytes > 0]).toEqual(['captured', true])
  })

  test('a session that has records and no ledger is left alone and named', async () => {
    const workshop = await openWorkshop(openStore)
    const { checkpoint } = await workshop.service().capture({ ...smallSession('s'), reason: 'requested' })
    const storage = (await openStore())()
    for (const key of await workshop.objectKeys()) {
      await storage.objects.put(key, (await workshop.storage().objects.get(key)) ?? new Uint8Array())
    }
    const before = await sizes(storage)
    expect(before.size).toBeGreaterThan(1)
    const service = workshop.service({ storage })
    const report = await service.prune()
    expect(report.problems).toMatchObject([{ message: expect.stringContaining('verify --repair') }])
    expect(await sizes(storage)).toEqual(before)
    await service.verify({ repair: true })
    expect(await idsIn(service)).toEqual([checkpoint.id])
  })

  test('a damaged session does not stop the others, and nothing of it goes', async () => {
    const workshop = await openWorkshop(openStore)
    const service = at(workshop, 0)
    const one = await service.capture(smallSession('one'))
    await service.capture(smallSession('two'))
    const storage = workshop.storage()
    const names = await ledgerNames(storage)
    for (const name of names) {
      if ((await ledgerOf(storage, name)).sessionKey !== 'two') continue
      const found = await storage.refs.read(name)
      await storage.refs.compareAndSwap(name, Buffer.from('damaged'), found?.version)
    }
    await service.delete([one.checkpoint.id])
    const report = await service.prune({ trashMs: 0 })
    expect(report.problems).toHaveLength(1)
    expect(report.purged).toBe(1)
    expect((await sizes(storage)).size).toBe(2)
  })

  test('a run that fails between the swap and the deletion is finished by the next one, which needs no swap', async () => {
    const workshop = await openWorkshop(openStore)
    const service = at(workshop, 0)
    const file = await workshop.pi()
    await file.turn(noise(2000, 1))
    const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
    await service.delete([checkpoint.id])
    const storage = workshop.storage()
    const failing = altered(storage, {
      objects: {
        delete: async () => {
          throw new Error('crashed')
        },
      },
    })
    await expect(workshop.service({ storage: failing }).prune({ trashMs: 0 })).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect((await sizes(storage)).size).toBe(2)
    const counted = counting(storage)
    const report = await workshop.service({ storage: counted.storage }).prune()
    expect([report.orphanedObjects, (await sizes(storage)).size, counted.calls().refs.compareAndSwap]).toEqual([2, 0, 0])
  })

  test('numbers that can be no policy are refused', async () => {
    const service = (await openWorkshop(openStore)).service()
    for (const options of [{ trashMs: -1 }, { retention: { maxBytes: 0.5 } }, { retention: { maxAgeMs: Number.NaN } }]) {
      await expect(service.prune(options)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    }
  })

  test('a session with pages of rows loses its old ones, and dry run and run agree', async () => {
    const workshop = await openWorkshop(openStore)
    const storage = workshop.storage()
    const service = workshop.service()
    const file = await workshop.pi()
    await file.turn()
    await service.capture({ ...of(file), reason: 'requested' })
    const [name] = await ledgerNames(storage)
    if (name === undefined) throw new Error('no ledger')
    // Rows of one record, as many as it takes to make pages.
    await changeLedgerBy(storage, name, (ledger) => {
      const [row] = ledger.checkpoints
      if (row === undefined) return ledger
      const id = (number: number) => `${row.id.slice(0, 24)}${number.toString(16).padStart(12, '0')}`
      return { ...ledger, checkpoints: Array.from({ length: 1300 }, (_, number) => ({ ...row, id: id(number), createdAt: 1300 - number })) }
    })
    await service.label('latest', { text: 'x' })
    expect((await ledgerOf(storage, name)).pages).toHaveLength(3)
    const retention = { maxCheckpoints: 800 }
    const dry = await service.prune({ retention, trashMs: 0, dryRun: true })
    const run = await service.prune({ retention, trashMs: 0 })
    expect(run).toEqual({ ...dry, dryRun: false })
    expect([run.purged, run.freedBytes > 0]).toEqual([499, true])
    expect([await orphans(storage), await missing(storage)]).toEqual([[], []])
    expect(await idsIn(service)).toHaveLength(801)
  })
})
