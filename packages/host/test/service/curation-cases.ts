import { openClawRetention } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { smallSession } from './reading-cases.ts'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, rawOf } from './support/workshop.ts'

/** What is kept, named, and taken away. */
export function curationCases(openStore: OpenStore): void {
  describe("OpenClaw's retention", () => {
    test('keeps the newest 25, and those that are pinned, labelled or pending besides', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const service = workshop.service({ retention: openClawRetention })
      const contents = new Map<string, Buffer>()
      const ids: string[] = []
      for (let at = 0; at < 32; at += 1) {
        await file.turn()
        const { checkpoint } = await service.capture({ ...of(file), reason: 'requested', ...(at === 1 ? { label: 'mine' } : {}) })
        ids.push(checkpoint.id)
        contents.set(checkpoint.id, Buffer.from(file.bytes()))
        if (at === 0) await service.pin(checkpoint.id)
      }
      const kept = await idsIn(service)
      expect(kept).toEqual([...ids.slice(7).reverse(), ids[1], ids[0]])
      for (const id of kept) expect((await rawOf(service, id)).equals(contents.get(id) ?? Buffer.alloc(0))).toBe(true)
      const [, , trimmed = ''] = ids
      await expect(service.get(trimmed)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND', details: { nearest: kept.slice(0, 5) } })
      await expect(service.get(` ${trimmed.slice(-12)} `)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
      expect((await service.undelete(trimmed)).id).toBe(trimmed)
      expect((await rawOf(service, trimmed)).equals(contents.get(trimmed) ?? Buffer.alloc(0))).toBe(true)
    })

    test('is applied to an import too, and what it trims does not come back by another', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      for (let at = 0; at < 5; at += 1) {
        await file.turn()
        await file.compact()
      }
      const service = workshop.service({ retention: { maxCheckpoints: 2 } })
      const found = await service.import(of(file))
      const kept = await idsIn(service)
      expect(found.checkpointIds).toEqual([...kept].reverse())
      expect((await service.list()).checkpoints.map(({ boundary }) => boundary?.id)).toEqual(['c10', 'c8'])
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [...kept].reverse(), created: 0 })
      expect(await idsIn(service)).toEqual(kept)
    })
  })

  test('a retention that is none is refused before it can take anything away', async () => {
    const workshop = await openWorkshop(openStore)
    for (const maxCheckpoints of [Number.NaN, -1, 1.5]) {
      expect(() => workshop.service({ retention: { maxCheckpoints } })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    }
  })

  describe('a pin', () => {
    test('holds against deletion unless it is forced, and can be taken off', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const { checkpoint } = await service.capture(smallSession('s'))
      expect((await service.pin(checkpoint.id.slice(-8))).pinned).toBe(true)
      expect((await service.list()).checkpoints).toMatchObject([{ id: checkpoint.id, pinned: true }])
      await expect(service.delete([checkpoint.id])).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
        message: expect.stringContaining('--off'),
      })
      await expect(service.deleteSession({ agent: 'pi', sessionKey: 's' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      expect(await idsIn(service)).toEqual([checkpoint.id])
      expect(await service.delete([checkpoint.id], { force: true })).toEqual([checkpoint.id])
      expect(await idsIn(service)).toEqual([])
      expect((await service.undelete(checkpoint.id)).pinned).toBe(true)
      expect((await service.pin(checkpoint.id, { on: false })).pinned).toBe(false)
      expect(await service.delete([checkpoint.id])).toEqual([checkpoint.id])
    })

    test('holds together: of several checkpoints none is deleted when one is pinned', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const ids: string[] = []
      for (let at = 0; at < 3; at += 1) ids.push((await service.capture({ ...smallSession('s', at), reason: 'requested' })).checkpoint.id)
      await service.pin(ids[2] ?? '')
      await expect(service.delete(ids)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      await expect(service.delete([ids[0] ?? '', 'ffffff'])).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
      expect(await idsIn(service)).toHaveLength(3)
    })
  })

  test('a label names a checkpoint, is trimmed, and goes when it is blank', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const { checkpoint } = await service.capture(smallSession('s'))
    expect((await service.label(checkpoint.id, { text: ' before the big one ' })).label).toBe('before the big one')
    expect((await service.get(checkpoint.id)).label).toBe('before the big one')
    for (const text of ['  ', undefined]) {
      const unnamed = await service.label(checkpoint.id, { text })
      expect('label' in unnamed).toBe(false)
      await service.label(checkpoint.id, { text: 'again' })
    }
    await (await service.capture(smallSession('s'))).complete()
    expect(await service.get(checkpoint.id)).toMatchObject({ label: 'again', status: 'complete' })
  })

  describe('deleting', () => {
    test('moves to the trash, over several sessions, and undeleting brings everything back', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const one = (await service.capture({ ...smallSession('a'), reason: 'requested' })).checkpoint
      const other = (await service.capture({ ...smallSession('b', 2), reason: 'requested' })).checkpoint
      const bytes = await rawOf(service, other.id)
      expect([...(await service.delete([one.id, other.id.slice(-10), one.id]))].sort()).toEqual([one.id, other.id].sort())
      expect(await idsIn(service)).toEqual([])
      for (const use of [service.get, service.read, service.pin, service.branch, (id: string) => rawOf(service, id)]) {
        await expect(use(one.id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
      }
      expect(await workshop.service().undelete(` ${other.id.slice(-10)} `)).toEqual(other)
      expect((await rawOf(service, other.id)).equals(bytes)).toBe(true)
      expect(await service.undelete(one.id)).toEqual(one)
      await expect(service.undelete(one.id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
      await expect(service.undelete('abc')).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    })

    test('a session takes all of its checkpoints and no other', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const kept = (await service.capture(smallSession('kept'))).checkpoint
      const ids: string[] = []
      for (let at = 0; at < 3; at += 1)
        ids.push((await service.capture({ ...smallSession('gone', at), reason: 'requested' })).checkpoint.id)
      expect([...(await service.deleteSession({ agent: 'pi', sessionKey: 'gone' }))].sort()).toEqual([...ids].sort())
      expect(await idsIn(service)).toEqual([kept.id])
      for (const sessionKey of ['gone', 'never', '../../etc']) {
        await expect(service.deleteSession({ agent: 'pi', sessionKey })).rejects.toMatchObject({
          code: 'SESSION_NOT_FOUND',
          message: expect.stringContaining('palimpsest sessions'),
        })
      }
      for (const id of ids) await service.undelete(id)
      expect(await idsIn(service)).toHaveLength(4)
    })
  })
}
