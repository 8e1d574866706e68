import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TranscriptOrigin } from '@palimpsest/core'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { agents, idsIn, of, openWorkshop, rawOf, sessionOf } from './support/workshop.ts'

/** What a capture keeps. */
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
