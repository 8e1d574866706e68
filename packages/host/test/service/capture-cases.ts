import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { compactionReasons, isCheckpointError, type TranscriptOrigin } from '@palimpsest/core'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { agents, idsIn, of, openWorkshop, rawOf, sessionOf } from './support/workshop.ts'

/** What a capture keeps, and what becomes of it. */
export function captureCases(openStore: OpenStore): void {
  describe('a capture', () => {
    test.each(agents)('of %s is pending, says what is known, and gives the exact bytes back', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      const leafId = await file.turn()
      const service = workshop.service()
      const { outcome, checkpoint } = await service.capture({ ...of(file), reason: 'manual', tokensBefore: 1234 })
      expect(outcome).toBe('captured')
      expect(checkpoint).toMatchObject({
        agent,
        sessionKey: file.sessionId,
        sessionId: file.sessionId,
        reason: 'manual',
        origin: 'capture',
        status: 'pending',
        tokensBefore: 1234,
        preCompaction: { sessionId: file.sessionId, sessionFile: file.path, leafId },
        sizeBytes: file.bytes().byteLength,
        badLines: 0,
        pinned: false,
      })
      expect(JSON.stringify(checkpoint)).not.toContain('null')
      const other = workshop.service()
      expect(await other.get(checkpoint.id)).toEqual(checkpoint)
      expect((await other.list()).checkpoints).toEqual([checkpoint])
      expect((await rawOf(other, checkpoint.id)).equals(file.bytes())).toBe(true)
    })

    test('takes what the caller says: key, session, time, leaf; ids are trimmed and keys are not', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const first = await file.turn()
      await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture({
        ...of(file),
        sessionKey: ' my key ',
        sessionId: ' other-id ',
        createdAt: 1_700_000_000_123,
        leafId: ` ${first} `,
        label: ' before the rewrite ',
      })
      expect(checkpoint).toMatchObject({
        sessionKey: ' my key ',
        sessionId: 'other-id',
        createdAt: 1_700_000_000_123,
        label: 'before the rewrite',
      })
      expect(checkpoint.preCompaction.leafId).toBe(first)
      expect(checkpoint.reason).toBe('unknown')
      const { entries } = await service.read(checkpoint.id)
      expect(entries.map(({ id }) => id)).toEqual(['u1', 'a1'])
      for (const wrong of [{ tokensBefore: -1 }, { tokensBefore: 1.5 }, { tokensBefore: Number.NaN }, { createdAt: -1 }]) {
        await expect(service.capture({ ...of(file), ...wrong })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      }
    })

    test('is refused for a leaf that no line of the transcript has, and says what to do; any entry may be one', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const service = workshop.service()
      const first = await file.turn()
      const unknown = { code: 'ARGUMENT_INVALID', message: expect.stringContaining('"nobody"'), details: { argument: 'leafId' } }
      await expect(service.capture({ ...of(file), leafId: 'nobody' })).rejects.toMatchObject(unknown)
      await service.capture({ ...of(file), reason: 'requested' })
      await file.turn()
      // An old line, a new one, a leaf that a checkpoint has, and again one that is nowhere.
      for (const leafId of ['u1', 'u2', first]) {
        const { checkpoint } = await service.capture({ ...of(file), reason: 'requested', leafId: ` ${leafId} ` })
        expect(checkpoint.preCompaction.leafId).toBe(leafId)
      }
      await expect(service.capture({ ...of(file), leafId: 'nobody' })).rejects.toMatchObject(unknown)
      expect(await idsIn(service)).toHaveLength(4)
    })

    test('of more of a transcript stores only what is more, in one object beside its record', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn(randomBytes(2_500_000).toString('base64'))
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'requested' })
      expect(first.storedBytes).toBeGreaterThan(2_400_000)
      const before = await workshop.objectKeys()
      await file.turn('and now?')
      const second = await service.capture({ ...of(file), reason: 'requested' })
      expect(second.storedBytes).toBeLessThan(500)
      expect((await workshop.objectKeys()).length - before.length).toBe(2)
      expect((await rawOf(service, second.checkpoint.id)).equals(file.bytes())).toBe(true)
      expect((await rawOf(service, first.checkpoint.id)).equals(file.bytes().subarray(0, first.checkpoint.sizeBytes))).toBe(true)
      const summary = (await service.sessions()).sessions[0]
      expect(summary).toMatchObject({
        checkpointCount: 2,
        rawBytes: file.bytes().byteLength,
        storedBytes: first.storedBytes + second.storedBytes,
      })
    })

    test('of a transcript without a whole line, or without an entry, is refused and leaves nothing', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const torn = bytesTranscript({ main: Buffer.from('{"type":"session","id":"s"') })
      await expect(service.capture({ agent: 'pi', transcript: torn })).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
      const header = bytesTranscript({ main: Buffer.from('{"type":"session","version":3,"id":"s"}\n') })
      await expect(service.capture({ agent: 'pi', transcript: header })).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
      expect(await idsIn(service)).toEqual([])
    })

    test('leaves a torn last line out and notes it; a last line that is whole but for its line feed is in', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const whole = file.bytes()
      await file.append('{"type":"message","id":"u9",')
      const service = workshop.service()
      const torn = await service.capture({ ...of(file), reason: 'requested' })
      expect(torn.checkpoint).toMatchObject({ sizeBytes: whole.byteLength, tornTailBytes: 28 })
      expect((await rawOf(service, torn.checkpoint.id)).equals(whole)).toBe(true)
      await file.append('"parentId":"a1","message":{"role":"user","content":"more"}}')
      const ended = await service.capture({ ...of(file), reason: 'requested' })
      expect(ended.checkpoint.tornTailBytes).toBeUndefined()
      expect(ended.checkpoint.preCompaction.leafId).toBe('u9')
      expect((await rawOf(service, ended.checkpoint.id)).equals(file.bytes())).toBe(true)
      await file.append('\n')
      await file.turn()
      const later = await service.capture({ ...of(file), reason: 'requested' })
      expect((await rawOf(service, later.checkpoint.id)).equals(file.bytes())).toBe(true)
      expect((await service.read(later.checkpoint.id, { view: 'raw' })).total).toBe(6)
    })

    test('keeps the sidecars, and is another one when a sidecar has changed', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const folder = join(dirname(file.path), file.sessionId)
      const toolResult = randomBytes(5000)
      await mkdir(join(folder, 'subagents'), { recursive: true })
      await mkdir(join(folder, 'tool-results'))
      await writeFile(join(folder, 'subagents', 'agent-1.jsonl'), '{"type":"user","uuid":"x"}\n{"torn":')
      await writeFile(join(folder, 'tool-results', 'b.txt'), toolResult)
      await writeFile(join(folder, 'tool-results', 'empty.txt'), '')
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'requested' })
      expect(await service.parts(first.checkpoint.id)).toEqual([
        { name: 'main', sizeBytes: file.bytes().byteLength },
        { name: 'subagents/agent-1.jsonl', sizeBytes: 27 },
        { name: 'tool-results/b.txt', sizeBytes: 5000 },
        { name: 'tool-results/empty.txt', sizeBytes: 0 },
      ])
      expect((await rawOf(service, first.checkpoint.id, 'tool-results/b.txt')).equals(toolResult)).toBe(true)
      expect((await rawOf(service, first.checkpoint.id, 'tool-results/empty.txt')).byteLength).toBe(0)
      expect((await service.capture({ ...of(file), reason: 'requested' })).outcome).toBe('unchanged')
      await writeFile(join(folder, 'tool-results', 'b.txt'), 'another result')
      const second = await service.capture({ ...of(file), reason: 'requested' })
      expect(second.outcome).toBe('captured')
      expect((await rawOf(service, second.checkpoint.id, 'tool-results/b.txt')).toString()).toBe('another result')
      expect((await rawOf(service, first.checkpoint.id, 'tool-results/b.txt')).equals(toolResult)).toBe(true)
      await expect(rawOf(service, first.checkpoint.id, 'tool-results/none')).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
        message: expect.stringContaining('tool-results/b.txt'),
      })
    })

    test('does not have what the agent appends meanwhile', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const then = file.bytes()
      const service = workshop.service()
      const growing: TranscriptOrigin = duringCapture(file.path, async () => {
        await file.turn()
      })
      const { checkpoint } = await service.capture({ agent: 'pi', transcript: growing })
      expect(file.bytes().byteLength).toBeGreaterThan(then.byteLength)
      expect((await rawOf(service, checkpoint.id)).equals(then)).toBe(true)
    })

    test('begins anew when the file is rewritten meanwhile, and has what it is then', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn('first')
      const other = await workshop.pi('other')
      await other.turn('second')
      const service = workshop.service()
      const content = Buffer.from(Buffer.from(other.bytes()).toString().replace('"other"', `"${file.sessionId}"`))
      const rewritten = duringCapture(file.path, () => file.rewrite(content))
      const { checkpoint } = await service.capture({ agent: 'pi', transcript: rewritten })
      expect((await rawOf(service, checkpoint.id)).equals(content)).toBe(true)
    })

    test('gives up when the file is rewritten again and again, and says what to do', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      let times = 0
      const always: TranscriptOrigin = {
        path: file.path,
        async open(options) {
          const transcript = await fileTranscript(file.path).open(options)
          return {
            ...transcript,
            async unchanged() {
              times += 1
              return false
            },
          }
        },
      }
      await expect(workshop.service().capture({ agent: 'pi', transcript: always })).rejects.toMatchObject({
        code: 'CHECKPOINT_CONFLICT',
        message: expect.stringContaining('Try again'),
        retryable: true,
      })
      expect(times).toBe(3)
      expect(await idsIn(workshop.service())).toEqual([])
    })

    test('of a transcript that was rewritten keeps both, and stores only where they differ', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn(randomBytes(2_500_000).toString('base64'))
      const service = workshop.service()
      const original = file.bytes()
      const first = await service.capture({ ...of(file), reason: 'requested' })
      const changed = Buffer.from(original)
      changed.write('Response', changed.lastIndexOf('Answer'))
      await file.rewrite(changed)
      const second = await service.capture({ ...of(file), reason: 'requested' })
      expect(second.storedBytes).toBeLessThan(first.storedBytes)
      await file.rewrite(original)
      const third = await service.capture({ ...of(file), reason: 'requested' })
      expect(third.storedBytes).toBe(0)
      expect((await rawOf(service, first.checkpoint.id)).equals(original)).toBe(true)
      expect((await rawOf(service, second.checkpoint.id)).equals(changed)).toBe(true)
      expect((await rawOf(service, third.checkpoint.id)).equals(original)).toBe(true)
    })

    test('that is aborted throws the reason untouched and leaves nothing', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const reason = new Error('enough')
      await expect(service.capture({ ...of(file), signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      await expect(service.list({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      expect(await idsIn(workshop.service())).toEqual([])
    })

    test('of an agent without a reader says which there are', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await expect(workshop.service().capture({ ...of(file), agent: 'gemini' })).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
        message: expect.stringContaining('pi, openclaw, claude-code'),
      })
    })
  })

  outcomeCases(openStore)
  settledCases(openStore)
  aroundCases(openStore)
}

function outcomeCases(openStore: OpenStore): void {
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

function settledCases(openStore: OpenStore): void {
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
}

function aroundCases(openStore: OpenStore): void {
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

/** A transcript at whose first look for changes something happens to the file. */
function duringCapture(path: string, happens: () => Promise<void>): TranscriptOrigin {
  let happened = false
  return {
    path,
    async open(options) {
      const transcript = await fileTranscript(path).open(options)
      return {
        ...transcript,
        async unchanged() {
          if (!happened) await happens()
          happened = true
          return transcript.unchanged()
        },
      }
    },
  }
}
