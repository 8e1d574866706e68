import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { isCheckpointError } from '@palimpsest/core'
import { fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, rawOf } from './support/workshop.ts'

/** How a pending checkpoint ends: taken back, completed, or both by whoever runs the compaction. */
export function pendingCases(openStore: OpenStore): void {
  describe('abandoning', () => {
    test('takes back what the capture made: the checkpoint, its bytes and its record', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'requested' })
      const objects = await workshop.objectKeys()
      await file.turn(randomBytes(1_500_000).toString('base64'))
      const second = await service.capture({ ...of(file), reason: 'manual' })
      expect((await workshop.objectKeys()).length).toBeGreaterThan(objects.length)
      await second.abandon()
      expect(await workshop.objectKeys()).toEqual(objects)
      expect(await idsIn(service)).toEqual([first.checkpoint.id])
      expect((await rawOf(service, first.checkpoint.id)).byteLength).toBe(first.checkpoint.sizeBytes)
      await expect(second.abandon()).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
      const third = await service.capture({ ...of(file), reason: 'manual' })
      expect((await rawOf(service, third.checkpoint.id)).equals(file.bytes())).toBe(true)
    })

    test('takes nothing that a later one stands on', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'manual', label: 'stays' })
      await file.turn()
      const second = await service.capture({ ...of(file), reason: 'manual' })
      await first.abandon()
      expect(await idsIn(service)).toEqual([second.checkpoint.id])
      expect((await rawOf(service, second.checkpoint.id)).equals(file.bytes())).toBe(true)
    })

    test('takes nothing that one in the trash stands on', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'manual', label: 'stays' })
      const second = await service.capture({ ...of(file), reason: 'requested', leafId: 'u1' })
      await service.delete([second.checkpoint.id])
      await first.abandon()
      await service.undelete(second.checkpoint.id)
      expect((await rawOf(service, second.checkpoint.id)).equals(file.bytes())).toBe(true)
    })

    test('of a snapshot that a compaction made a pending one leaves the snapshot it was', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture({ ...of(file), reason: 'session-end' })
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      expect([pending.outcome, pending.checkpoint.id, pending.checkpoint.status]).toEqual(['unchanged', checkpoint.id, 'pending'])
      await service.abandon(checkpoint.id)
      expect(await service.get(checkpoint.id)).toEqual(checkpoint)
      await expect(service.abandon(checkpoint.id)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    })

    test('is refused once it is complete, and for a snapshot; the message says what to do', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      await pending.complete()
      await expect(pending.abandon()).rejects.toMatchObject({ code: 'ARGUMENT_INVALID', message: expect.stringContaining('Use delete') })
      await expect(service.abandon(pending.checkpoint.id)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      await file.turn()
      const snapshot = await service.capture({ ...of(file), reason: 'requested' })
      await expect(snapshot.abandon()).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      expect(await idsIn(service)).toHaveLength(2)
    })
  })

  describe('completing', () => {
    test('trims, leaves what is blank out, and keeps what a second one does not say', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      const completed = await pending.complete({
        summary: '  what was \n',
        firstKeptEntryId: ' ',
        tokensAfter: 0,
        postCompaction: { sessionId: ' s2 ', sessionFile: '', leafId: ' l ', entryId: '\t' },
      })
      expect(completed).toMatchObject({ status: 'complete', summary: 'what was', tokensAfter: 0 })
      expect(completed.postCompaction).toEqual({ sessionId: 's2', leafId: 'l' })
      expect('firstKeptEntryId' in completed).toBe(false)
      const again = await workshop.service().complete(` ${pending.checkpoint.id} `, { firstKeptEntryId: ' u1 ', summary: ' ' })
      expect(again).toEqual({ ...completed, firstKeptEntryId: 'u1' })
      expect(await service.get(pending.checkpoint.id)).toEqual(again)
      expect((await service.list()).checkpoints).toEqual([again])
    })

    test('with a wrong count, or of a snapshot, is refused and changes nothing', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      for (const tokensAfter of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await expect(pending.complete({ tokensAfter })).rejects.toMatchObject({
          code: 'ARGUMENT_INVALID',
          details: { argument: 'tokensAfter' },
        })
      }
      expect((await service.get(pending.checkpoint.id)).status).toBe('pending')
      await file.turn()
      const snapshot = await service.capture({ ...of(file), reason: 'requested' })
      await expect(snapshot.complete({ summary: 's' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    })
  })

  describe('around a compaction', () => {
    test('the capture is completed with what it made', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const before = file.bytes()
      const service = workshop.service()
      const { result, outcome } = await service.around(
        {
          ...of(file),
          reason: 'manual',
          completion: (boundaryId) => ({ summary: 'what was', postCompaction: { sessionId: file.sessionId, entryId: boundaryId } }),
        },
        () => file.compact(),
      )
      expect(result).toBe('c2')
      expect(outcome.status).toBe('complete')
      const [checkpoint] = (await service.list()).checkpoints
      expect(checkpoint).toEqual(outcome.checkpoint)
      expect(checkpoint).toMatchObject({ status: 'complete', summary: 'what was', postCompaction: { entryId: 'c2' } })
      expect((await rawOf(service, checkpoint?.id ?? '')).equals(before)).toBe(true)
    })

    test('that fails leaves nothing behind, and its error comes through', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const failure = new Error('the model is gone')
      await expect(service.around(of(file), () => Promise.reject(failure))).rejects.toBe(failure)
      expect(await idsIn(service)).toEqual([])
      expect(await workshop.objectKeys()).toEqual([])
    })

    test('a capture that fails stops it, unless told to go on', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const request = { agent: 'pi', transcript: fileTranscript(join(workshop.folder, 'none.jsonl')) }
      let compacted = 0
      const compact = () => {
        compacted += 1
        return compacted
      }
      await expect(service.around(request, compact)).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
      expect(compacted).toBe(0)
      const { result, outcome } = await service.around({ ...request, onCaptureError: 'continue' }, compact)
      expect([result, outcome.status, isCheckpointError(outcome.problem, 'TRANSCRIPT_UNREADABLE')]).toEqual([1, 'not-captured', true])
    })

    test('a checkpoint that can not be completed any more is a problem beside the result', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const { result, outcome } = await service.around({ ...of(file), reason: 'manual' }, async () => {
        await service.abandon('latest')
        return 'done'
      })
      expect(result).toBe('done')
      expect(outcome.problem).toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    })
  })
}
