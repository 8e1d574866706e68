import { StorageError } from '@palimpsest/core'
import { bytesTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { smallSession } from './reading-cases.ts'
import { altered, changeLedgerBy, ledgerOf } from './support/storages.ts'
import type { OpenStore } from './support/stores.ts'
import { agents, idsIn, of, openWorkshop, rawOf, sessionOf, type Workshop } from './support/workshop.ts'

/** Several at once, answers that were lost, and what a sweep leaves of a writer that was slow. */
export function concurrencyCases(openStore: OpenStore): void {
  describe('several writers of one session', () => {
    test('lose nothing: what each was told is there reads back exactly', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const prefixes: Uint8Array[] = []
      for (let at = 0; at < 16; at += 1) {
        await file.turn(`${at} `.repeat(200))
        prefixes.push(Uint8Array.from(file.bytes()))
      }
      const services = Array.from({ length: 4 }, () => workshop.service())
      const captured = await Promise.all(
        services.map(async (service, at) => {
          const made: { id: string; bytes: Uint8Array }[] = []
          for (let index = at; index < prefixes.length; index += 4) {
            const main = prefixes[index] ?? new Uint8Array()
            const { checkpoint } = await service.capture({ agent: 'pi', transcript: bytesTranscript({ main }), reason: 'requested' })
            made.push({ id: checkpoint.id, bytes: main })
          }
          return made
        }),
      )
      const reader = workshop.service()
      expect(new Set(await idsIn(reader))).toEqual(new Set(captured.flat().map(({ id }) => id)))
      for (const { id, bytes } of captured.flat()) expect((await rawOf(reader, id)).equals(bytes)).toBe(true)
    })

    test('capture for compactions at once: at least the longest is there, and whatever is listed reads back', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const prefixes: Uint8Array[] = []
      for (let at = 0; at < 8; at += 1) {
        await file.turn()
        prefixes.push(Uint8Array.from(file.bytes()))
      }
      const results = await Promise.all(
        prefixes.flatMap((main) =>
          [workshop.service(), workshop.service()].map((service) =>
            service.capture({ agent: 'pi', transcript: bytesTranscript({ main }), reason: 'manual' }),
          ),
        ),
      )
      expect(results).toHaveLength(16)
      const reader = workshop.service()
      const listed = (await reader.list()).checkpoints
      expect(listed.some(({ sizeBytes }) => sizeBytes === file.bytes().byteLength)).toBe(true)
      for (const { id, sizeBytes } of listed) {
        expect((await rawOf(reader, id)).equals(file.bytes().subarray(0, sizeBytes))).toBe(true)
        expect((await reader.read(id)).entries.length).toBeGreaterThan(0)
      }
    })

    test.each(agents)('import at once and make the same checkpoints of %s, each once', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      for (let at = 0; at < 3; at += 1) {
        await file.turn()
        await file.compact()
      }
      const service = workshop.service()
      const found = await Promise.all([service, service, workshop.service(), workshop.service()].map((each) => each.import(of(file))))
      expect(new Set(found.map(({ checkpointIds }) => JSON.stringify(checkpointIds))).size).toBe(1)
      expect(found.reduce((sum, { created }) => sum + created, 0)).toBe(3)
      expect(await idsIn(service)).toEqual([...(found[0]?.checkpointIds ?? [])].reverse())
    })

    test('capture and import at once: one checkpoint of the compaction', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const pending = await workshop.service().capture({ ...of(file), reason: 'manual' })
      await file.compact()
      await file.turn()
      await Promise.all([
        workshop.service().import(of(file)),
        workshop.service().capture({ ...of(file), reason: 'session-end' }),
        workshop.service().import(of(file)),
        pending.complete({ tokensAfter: 7 }),
      ])
      const listed = (await workshop.service().list()).checkpoints
      expect(listed.map(({ status, reason }) => [status, reason])).toEqual([
        ['snapshot', 'session-end'],
        ['complete', 'manual'],
      ])
      expect(listed[1]).toMatchObject({ id: pending.checkpoint.id, tokensAfter: 7, summary: expect.stringContaining('Summary') })
    })

    test('of which one deletes while another one completes: each is done, or told that it is gone', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      for (let at = 0; at < 6; at += 1) {
        const pending = await service.capture({ ...smallSession('s', at), reason: 'manual' })
        const [completed] = await Promise.allSettled([
          pending.complete({ summary: 's' }),
          workshop.service().delete([pending.checkpoint.id]),
        ])
        if (completed.status === 'rejected') expect(completed.reason).toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
        expect(await idsIn(service)).toEqual([])
      }
    })
  })

  raceCases(openStore)
  lostAnswerCases(openStore)
  fenceCases(openStore)
}

function raceCases(openStore: OpenStore): void {
  describe('a reader between whose two looks a writer was', () => {
    /** A service that is told of a ledger, and only then somebody else changes it. */
    const slowReader = (workshop: Workshop, change: () => Promise<unknown>) => {
      const storage = workshop.storage()
      let changed = false
      return workshop.service({
        storage: altered(storage, {
          refs: {
            async read(name, options) {
              const found = await storage.refs.read(name, options)
              if (name.startsWith('sessions/') && !changed) {
                changed = true
                await change()
              }
              return found
            },
          },
        }),
      })
    }
    const prepared = async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const pending = await workshop.service().capture({ ...of(file), reason: 'manual' })
      return { workshop, file, pending, id: pending.checkpoint.id }
    }

    test('that completed the checkpoint gets it all the same', async () => {
      const { workshop, pending, id } = await prepared()
      expect((await slowReader(workshop, () => pending.complete({ summary: 's' })).get(id)).id).toBe(id)
      expect((await slowReader(workshop, () => workshop.service().complete(id, { summary: 't' })).read(id)).total).toBe(2)
      const reader = slowReader(workshop, () => workshop.service().complete(id, { summary: 'u' }))
      expect((await rawOf(reader, id)).byteLength).toBe(pending.checkpoint.sizeBytes)
      const parts = slowReader(workshop, () => workshop.service().complete(id, { summary: 'v' }))
      expect(await parts.parts(id)).toHaveLength(1)
      const branching = slowReader(workshop, () => workshop.service().complete(id, { summary: 'w' }))
      expect((await branching.branch(id)).checkpoint.id).toBe(id)
    })

    test('that took the checkpoint back is told that it is not there, not that it is damaged', async () => {
      const { workshop, pending, id } = await prepared()
      await expect(slowReader(workshop, () => pending.abandon()).get(id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    })

    test('and who captures, goes on with what is there then', async () => {
      const { workshop, file, pending, id } = await prepared()
      const second = await slowReader(workshop, () => pending.complete({ summary: 's' })).capture({ ...of(file), reason: 'session-end' })
      expect([second.outcome, second.checkpoint.id, second.checkpoint.summary]).toEqual(['unchanged', id, 's'])
      const pinning = await slowReader(workshop, () => workshop.service().complete(id, { summary: 't' })).pin(id)
      expect(pinning).toMatchObject({ pinned: true, summary: 't' })
      const completing = await slowReader(workshop, () => workshop.service().complete(id, { tokensAfter: 5 })).complete(id, {
        summary: 'u',
      })
      expect(completing).toMatchObject({ pinned: true, summary: 'u', tokensAfter: 5 })
    })

    test('and who captures on bytes that were taken back meanwhile stores them again', async () => {
      const { workshop, file, pending } = await prepared()
      await file.turn()
      const second = await slowReader(workshop, () => pending.abandon()).capture({ ...of(file), reason: 'manual' })
      expect((await rawOf(workshop.service(), second.checkpoint.id)).equals(file.bytes())).toBe(true)
    })
  })
}

function lostAnswerCases(openStore: OpenStore): void {
  describe('a swap that was made and whose answer was lost', () => {
    /** Every first swap of a ref's every value is made, and reported as failed. */
    const losingAnswers = (workshop: Workshop, isLost: (name: string) => boolean) => {
      const storage = workshop.storage()
      return workshop.service({
        storage: altered(storage, {
          refs: {
            async compareAndSwap(name, ...rest) {
              const version = await storage.refs.compareAndSwap(name, ...rest)
              if (version !== undefined && isLost(name)) throw new StorageError('unavailable', 'The connection was closed.')
              return version
            },
          },
        }),
      })
    }

    test('is one commit: the capture is there, once, and says so', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const service = losingAnswers(workshop, () => true)
      const ids: string[] = []
      for (let at = 0; at < 3; at += 1) {
        await file.turn()
        const { outcome, checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
        expect(outcome).toBe('captured')
        ids.unshift(checkpoint.id)
      }
      expect(await idsIn(workshop.service())).toEqual(ids)
      const storage = workshop.storage()
      const [item] = (await storage.refs.list('sessions/')).items
      const ledger = item === undefined ? undefined : await ledgerOf(storage, item.name)
      expect([ledger?.commitCount, new Set(ledger?.commits).size]).toEqual([3, 3])
    })

    test('is one commit also for completing, deleting and importing', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = losingAnswers(workshop, (name) => name.startsWith('sessions/'))
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      expect(await pending.complete({ summary: 's' })).toMatchObject({ status: 'complete' })
      await file.compact()
      await file.turn()
      await file.compact()
      expect(await service.import(of(file))).toMatchObject({ created: 1, completed: 1 })
      expect(await service.delete([pending.checkpoint.id])).toEqual([pending.checkpoint.id])
      expect((await workshop.service().list()).checkpoints.map(({ origin }) => origin)).toEqual(['import'])
    })

    test('and whose writer was then overtaken is still one commit', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const other = workshop.service()
      await other.capture({ ...of(file), reason: 'requested' })
      await file.turn()
      const storage = workshop.storage()
      let lost = false
      const service = workshop.service({
        storage: altered(storage, {
          refs: {
            async compareAndSwap(name, ...rest) {
              const version = await storage.refs.compareAndSwap(name, ...rest)
              if (lost || version === undefined) return version
              lost = true
              await other.pin('latest')
              await other.label('latest', { text: 'between' })
              throw new StorageError('unavailable', 'The connection was closed.')
            },
          },
        }),
      })
      const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
      expect(await idsIn(other)).toHaveLength(2)
      expect(await other.get(checkpoint.id)).toMatchObject({ label: 'between', pinned: true })
    })
  })
}

function fenceCases(openStore: OpenStore): void {
  test('a capture that is aborted while it stores throws the reason untouched, and can be made again', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.pi()
    await file.turn()
    const storage = workshop.storage()
    const reason = new Error('enough')
    for (const stopAt of [1, 2, 3]) {
      const abort = new AbortController()
      let calls = 0
      const step = () => {
        calls += 1
        if (calls === stopAt) abort.abort(reason)
      }
      const service = workshop.service({
        storage: altered(storage, {
          objects: {
            put: (...call) => {
              step()
              return storage.objects.put(...call)
            },
          },
          refs: {
            compareAndSwap: (...call) => {
              step()
              return storage.refs.compareAndSwap(...call)
            },
          },
        }),
      })
      await expect(service.capture({ ...of(file), reason: 'requested', signal: abort.signal }), String(stopAt)).rejects.toBe(reason)
      expect(await idsIn(workshop.service())).toEqual([])
    }
    const { checkpoint } = await workshop.service().capture({ ...of(file), reason: 'requested' })
    expect((await rawOf(workshop.service(), checkpoint.id)).equals(file.bytes())).toBe(true)
  })

  test('a writer that meets a fence above its epoch writes its objects again, under names that no sweep takes', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.pi()
    await file.turn()
    await workshop.service().capture({ ...of(file), reason: 'requested' })
    await file.turn()
    const storage = workshop.storage()
    const named = new Set(await workshop.objectKeys())
    let swept = false
    const service = workshop.service({
      storage: altered(storage, {
        refs: {
          async compareAndSwap(name, ...rest) {
            if (!swept) {
              swept = true
              // A sweep as it is designed: the fence rises, then what an older epoch left unnamed goes.
              await changeLedgerBy(storage, name, (ledger) => ({ ...ledger, epoch: ledger.epoch + 1, fence: ledger.epoch + 1 }))
              await storage.objects.delete((await workshop.objectKeys()).filter((key) => !named.has(key)))
            }
            return storage.refs.compareAndSwap(name, ...rest)
          },
        },
      }),
    })
    const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
    expect((await rawOf(workshop.service(), checkpoint.id)).equals(file.bytes())).toBe(true)
    const fresh = (await workshop.objectKeys()).filter((key) => !named.has(key))
    expect(fresh.map((key) => key.split('/').at(-1)?.split('-')[0])).toEqual(['1', '1'])
    expect(await idsIn(workshop.service())).toHaveLength(2)
  })
}
