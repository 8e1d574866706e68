import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, rawOf } from './support/workshop.ts'

/** What becomes of a checkpoint whose compaction never came. */
export function supersededCases(openStore: OpenStore): void {
  describe('a checkpoint that no compaction followed', () => {
    test.each(['manual', 'unknown', 'session-end'] as const)('and was taken for %s is replaced by the next', async (reason) => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      await service.capture({ ...of(file), reason })
      await file.turn()
      const second = await service.capture({ ...of(file), reason: 'session-end' })
      expect(await idsIn(service)).toEqual([second.checkpoint.id])
      expect((await rawOf(service, second.checkpoint.id)).equals(file.bytes())).toBe(true)
      expect((await workshop.objectKeys()).length).toBe(3)
    })

    test.each(['manual', 'session-end'] as const)(
      'and was taken for %s stays while a compaction is waited for, until that is complete',
      async (reason) => {
        const workshop = await openWorkshop(openStore)
        const file = await workshop.pi()
        await file.turn()
        const service = workshop.service()
        const first = await service.capture({ ...of(file), reason })
        const bytes = file.bytes()
        const objects = await workshop.objectKeys()
        await file.turn()
        const abandoned = await service.capture({ ...of(file), reason: 'manual' })
        await abandoned.abandon()
        expect([await idsIn(service), await workshop.objectKeys()]).toEqual([[first.checkpoint.id], objects])
        expect((await rawOf(service, first.checkpoint.id)).equals(bytes)).toBe(true)
        const second = await service.capture({ ...of(file), reason: 'manual' })
        expect(await idsIn(service)).toEqual([second.checkpoint.id, first.checkpoint.id])
        await second.complete()
        expect(await idsIn(service)).toEqual([second.checkpoint.id])
        expect((await workshop.objectKeys()).length).toBe(3)
      },
    )

    test('takes no place in what retention keeps while it waits to be replaced', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const service = workshop.service({ retention: { maxCheckpoints: 2 } })
      await file.turn()
      const complete = await (await service.capture({ ...of(file), reason: 'manual' })).complete()
      await file.turn()
      const ended = await service.capture({ ...of(file), reason: 'session-end' })
      await file.turn()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      expect(await idsIn(service)).toEqual([pending.checkpoint.id, ended.checkpoint.id, complete.id])
      await pending.complete()
      expect(await idsIn(service)).toEqual([pending.checkpoint.id, complete.id])
    })

    test('stays when it is pinned, labelled, requested, or complete', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const service = workshop.service()
      const kept: string[] = []
      await file.turn()
      kept.push((await service.pin((await service.capture({ ...of(file), reason: 'session-end' })).checkpoint.id)).id)
      await file.turn()
      kept.push((await service.capture({ ...of(file), reason: 'manual', label: 'mine' })).checkpoint.id)
      await file.turn()
      kept.push((await service.capture({ ...of(file), reason: 'requested' })).checkpoint.id)
      await file.turn()
      kept.push((await (await service.capture({ ...of(file), reason: 'manual' })).complete()).id)
      await file.turn()
      kept.push((await service.capture({ ...of(file), reason: 'manual' })).checkpoint.id)
      expect(await idsIn(service)).toEqual(kept.reverse())
    })

    test('goes when another one is taken after the next, so that there are two at most however often a hook runs', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const service = workshop.service()
      const ids: string[] = []
      for (let turn = 0; turn < 4; turn += 1) {
        await file.turn()
        ids.unshift((await service.capture({ ...of(file), reason: 'manual', createdAt: 1_700_000_000_000 + turn })).checkpoint.id)
      }
      expect(await idsIn(service)).toEqual(ids.slice(0, 2))
    })

    test('stays when it was requested, also where a compaction then began on the same bytes and never came', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const requested = await service.capture({ ...of(file), reason: 'requested' })
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      expect(pending.storedBytes).toBe(0)
      await file.turn()
      const next = await service.capture({ ...of(file), reason: 'manual' })
      expect(await idsIn(service)).toEqual([next.checkpoint.id, pending.checkpoint.id, requested.checkpoint.id])
      await next.complete()
      expect(await idsIn(service)).toEqual([next.checkpoint.id, requested.checkpoint.id])
      expect((await service.get(requested.checkpoint.id)).reason).toBe('requested')
    })

    test('stays when the next one has less than it: a file that was cut takes nothing away', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const shorter = file.bytes()
      await file.turn()
      const longer = file.bytes()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'session-end' })
      await file.rewrite(shorter)
      const second = await service.capture({ ...of(file), reason: 'session-end' })
      expect(await idsIn(service)).toEqual([second.checkpoint.id, first.checkpoint.id])
      expect((await rawOf(service, first.checkpoint.id)).equals(longer)).toBe(true)
      expect((await rawOf(service, second.checkpoint.id)).equals(shorter)).toBe(true)
    })
  })
}
