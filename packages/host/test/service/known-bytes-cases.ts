import { compactionReasons } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, rawOf } from './support/workshop.ts'

/** What a capture of bytes that are kept already makes of the checkpoint that has them. */
export function knownBytesCases(openStore: OpenStore): void {
  describe('a capture of bytes that are known', () => {
    test.each(compactionReasons)('with the reason %s is unchanged while the last one is pending', async (reason) => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'manual' })
      const objects = await workshop.objectKeys()
      const second = await workshop.service().capture({ ...of(file), reason })
      expect(second.outcome).toBe('unchanged')
      expect(second.checkpoint).toEqual(first.checkpoint)
      expect(second.storedBytes).toBe(0)
      expect(await workshop.objectKeys()).toEqual(objects)
      await second.abandon()
      expect(await idsIn(service)).toEqual([first.checkpoint.id])
    })

    test('is unchanged where it is of no compaction, whatever the last one is', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'manual' })
      await first.complete({ summary: 'what was' })
      const second = await service.capture({ ...of(file), reason: 'session-end' })
      expect([second.outcome, second.checkpoint.id, second.checkpoint.status]).toEqual(['unchanged', first.checkpoint.id, 'complete'])
    })

    test('for a compaction on a completed one gets a row of its own on the same position', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'manual' })
      await first.complete()
      const second = await service.capture({ ...of(file), reason: 'manual' })
      expect([second.outcome, second.storedBytes]).toEqual(['captured', 0])
      expect(await idsIn(service)).toEqual([second.checkpoint.id, first.checkpoint.id])
      expect((await rawOf(service, second.checkpoint.id)).equals(await rawOf(service, first.checkpoint.id))).toBe(true)
    })

    test('makes a pending one of a snapshot when it is for a compaction, and what it knows is kept', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'session-end' })
      expect(first.checkpoint.status).toBe('snapshot')
      const second = await service.capture({ ...of(file), reason: 'auto-threshold', tokensBefore: 777, label: 'named' })
      expect(second.outcome).toBe('unchanged')
      const expected = { id: first.checkpoint.id, status: 'pending', reason: 'auto-threshold', tokensBefore: 777, label: 'named' }
      expect(second.checkpoint).toMatchObject(expected)
      expect(await service.get(first.checkpoint.id)).toMatchObject(expected)
      expect(await second.complete({ tokensAfter: 7 })).toMatchObject({ ...expected, status: 'complete', tokensAfter: 7 })
      expect(await service.get(first.checkpoint.id)).toMatchObject({ ...expected, status: 'complete', tokensAfter: 7 })
      expect((await service.list()).checkpoints).toMatchObject([{ ...expected, status: 'complete', tokensAfter: 7 }])
    })

    test('at another leaf is another one', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const leafId = await file.turn()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'requested' })
      const second = await service.capture({ ...of(file), reason: 'requested', leafId })
      expect([second.outcome, second.storedBytes]).toEqual(['captured', 0])
      expect((await service.read(first.checkpoint.id)).total).toBe(4)
      expect((await service.read(second.checkpoint.id)).total).toBe(2)
    })
  })
}
