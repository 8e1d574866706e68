import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Checkpoints, ReadView } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { jsonl, piVersionOneLines, type SessionFile } from './support/sessions.ts'
import type { OpenStore } from './support/stores.ts'
import { agents, idsIn, of, openWorkshop, rawOf, sessionOf, type Workshop } from './support/workshop.ts'

/** Giving sessions back: new ones beside the old, and the old ones in their place. */
export function restoringCases(openStore: OpenStore): void {
  branchCases(openStore)
  restoreCases(openStore)
  refusalCases(openStore)
}

function branchCases(openStore: OpenStore): void {
  describe('a branch', () => {
    test.each(agents)('of %s is a new session with the context as it was, where its agent looks', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      await file.turn()
      await file.turn()
      await file.compact()
      await file.turn()
      const original = Buffer.from(file.bytes())
      const service = workshop.service()
      const [id = ''] = (await service.import(of(file))).checkpointIds
      const branched = await service.branch(id)
      expect(branched.sessionId).not.toBe(file.sessionId)
      expect(branched.path.startsWith(workshop.folder)).toBe(true)
      expect(branched.checkpoint.id).toBe(id)
      expect((await stat(branched.path)).mode & 0o777).toBe(0o600)
      expect(branched.resumeArgv.at(-1)).toContain(branched.sessionId)
      expect(await textsOfFile(workshop, agent, branched.path)).toEqual(await textsOf(service, id))
      expect((await readFile(file.path)).equals(original)).toBe(true)
      const again = await service.branch(id)
      expect(again.path).not.toBe(branched.path)
    })

    test.each(agents)('of %s goes to another folder when told so, and never over a file', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture(of(file))
      const to = join(workshop.folder, 'else where')
      const branched = await service.branch(checkpoint.id, { to })
      expect(dirname(branched.path)).toBe(to)
      expect(branched.resume).toContain(`'${to}`)
      await writeFile(join(workshop.folder, 'a-file'), '')
      await expect(service.branch(checkpoint.id, { to: join(workshop.folder, 'a-file') })).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    })

    test('of a pi session that went back before it compacted stands at the leaf that was compacted, not at the last line', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const second = await file.turn()
      await file.turn('abandoned')
      file.goBackTo(second)
      await file.compact()
      await file.turn()
      const service = workshop.service()
      const [id = ''] = (await service.import(of(file))).checkpointIds
      expect((await service.get(id)).preCompaction.leafId).toBe(second)
      const texts = await textsOf(service, id)
      expect(texts).toEqual(['ask 1', 'Answer to ask 1', 'ask 2', 'Answer to ask 2'])
      const branched = await service.branch(id)
      expect(await textsOfFile(workshop, 'pi', branched.path)).toEqual(texts)
      expect(await readFile(branched.path, 'utf8')).not.toContain('abandoned')
    })

    test('of a capture whose caller names the leaf stands at that leaf, though the file does not say it', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      const leafId = await file.turn()
      await file.turn('abandoned')
      const service = workshop.service()
      const pending = await service.capture({ ...of(file), reason: 'manual', leafId })
      const branched = await service.branch(pending.checkpoint.id)
      expect(await textsOfFile(workshop, 'pi', branched.path)).toEqual(['ask 1', 'Answer to ask 1'])
      file.goBackTo(leafId)
      await file.compact()
      await service.import(of(file))
      expect((await service.get(pending.checkpoint.id)).preCompaction.leafId).toBe(leafId)
    })

    test('of version 1 is one that pi opens, with the same texts', async () => {
      const workshop = await openWorkshop(openStore)
      const path = join(workshop.folder, 'one.jsonl')
      await writeFile(path, jsonl(piVersionOneLines()))
      const service = workshop.service()
      const [id = ''] = (await service.import({ agent: 'pi', transcript: fileTranscript(path) })).checkpointIds
      const branched = await service.branch(id)
      expect(await textsOfFile(workshop, 'pi', branched.path)).toEqual(['first', 'second', 'third'])
    })

    test('has the sidecars of its session, and works when the old file is gone', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const folder = join(dirname(file.path), file.sessionId)
      await mkdir(join(folder, 'tool-results'), { recursive: true })
      await writeFile(join(folder, 'tool-results', 'x.txt'), 'a long result')
      const service = workshop.service()
      const { checkpoint } = await service.capture(of(file))
      await rm(folder, { recursive: true })
      await rm(file.path)
      const branched = await service.branch(checkpoint.id)
      expect(await readFile(join(dirname(branched.path), branched.sessionId, 'tool-results', 'x.txt'), 'utf8')).toBe('a long result')
      expect(await textsOfFile(workshop, 'claude-code', branched.path)).toEqual(await textsOf(service, checkpoint.id))
    })

    test('without files is refused, and leaves nothing where it can not be made', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const { checkpoint } = await workshop.service().capture(of(file))
      const service = workshop.service({ files: undefined })
      await expect(service.branch(checkpoint.id)).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
      await expect(service.restore(checkpoint.id)).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    })
  })
}

function restoreCases(openStore: OpenStore): void {
  describe('a restore', () => {
    test('of Claude Code puts the exact bytes back, and its undo what was there before', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      await file.turn()
      const before = Buffer.from(file.bytes())
      await file.compact()
      await file.turn()
      const after = Buffer.from(file.bytes())
      const service = workshop.service()
      const [id = ''] = (await service.import(of(file))).checkpointIds
      await file.rest()
      const restored = await service.restore(id)
      expect((await readFile(file.path)).equals(before)).toBe(true)
      expect(restored).toMatchObject({ path: file.path, sessionId: file.sessionId, resumeArgv: expect.arrayContaining(['claude']) })
      expect(await service.get(restored.undo)).toMatchObject({ reason: 'before-restore', status: 'snapshot' })
      expect((await rawOf(service, restored.undo)).equals(after)).toBe(true)
      expect(await idsIn(service)).toEqual(expect.arrayContaining([id, restored.undo]))
      const undone = await service.restore(restored.undo, { force: true })
      expect((await readFile(file.path)).equals(after)).toBe(true)
      expect((await rawOf(service, undone.undo)).equals(before)).toBe(true)
    })

    test('of pi brings the context back without a byte being lost, and its undo the one after', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      await file.turn()
      await file.compact()
      await file.turn()
      const service = workshop.service()
      const [id = ''] = (await service.import(of(file))).checkpointIds
      const contextBefore = await textsOf(service, id)
      const contextAfter = await textsOfFile(workshop, 'pi', file.path)
      await file.rest()
      const restored = await service.restore(id)
      expect(await textsOfFile(workshop, 'pi', file.path)).toEqual(contextBefore)
      expect((await readFile(file.path)).subarray(0, file.bytes().byteLength).equals(file.bytes())).toBe(true)
      await service.restore(restored.undo, { force: true })
      expect(await textsOfFile(workshop, 'pi', file.path)).toEqual(contextAfter)
      expect((await service.import(of(file))).created).toBe(0)
    })

    test('of a pi session whose file has lost its leaf is refused and names branch, which has it', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const cut = Buffer.from(file.bytes())
      await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
      const context = await textsOf(service, checkpoint.id)
      await file.rewrite(cut)
      await file.rest()
      await expect(service.restore(checkpoint.id)).rejects.toMatchObject({
        code: 'TARGET_REFUSED',
        message: expect.stringContaining('branch'),
      })
      expect((await readFile(file.path)).equals(cut)).toBe(true)
      expect(await textsOfFile(workshop, 'pi', (await service.branch(checkpoint.id)).path)).toEqual(context)
    })

    test('of a checkpoint that still waits leaves it where it is', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const before = Buffer.from(file.bytes())
      const service = workshop.service()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      await file.turn()
      await file.rest()
      const restored = await service.restore(pending.checkpoint.id)
      expect((await readFile(file.path)).equals(before)).toBe(true)
      expect(await idsIn(service)).toEqual(expect.arrayContaining([pending.checkpoint.id, restored.undo]))
    })

    test('goes to the file where it is now, when told so', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const before = Buffer.from(file.bytes())
      const service = workshop.service()
      const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
      await file.turn()
      const moved = join(workshop.folder, `${file.sessionId}.jsonl`)
      await writeFile(moved, file.bytes())
      await rm(file.path)
      const restored = await service.restore(checkpoint.id, { path: moved, force: true })
      expect(restored.path).toBe(moved)
      expect((await readFile(moved)).equals(before)).toBe(true)
    })
  })
}

function refusalCases(openStore: OpenStore): void {
  describe('a restore is refused, and the file left as it is,', () => {
    const prepared = async (agent: (typeof agents)[number]) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
      await file.turn()
      return { workshop, file, service, id: checkpoint.id }
    }
    const expectUntouched = async (file: SessionFile) => expect((await readFile(file.path)).equals(file.bytes())).toBe(true)

    test.each(agents)('when %s wrote to it within a minute, unless it is forced', async (agent) => {
      const { file, service, id } = await prepared(agent)
      await expect(service.restore(id)).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT', message: expect.stringContaining('force') })
      await expectUntouched(file)
      const restored = await service.restore(id, { force: true })
      expect((await rawOf(service, restored.undo)).equals(file.bytes())).toBe(true)
    })

    test('when it now holds another session', async () => {
      const { file, service, id } = await prepared('pi')
      await file.rewrite(Buffer.from(Buffer.from(file.bytes()).toString().replace(file.sessionId, 'another')))
      await file.rest()
      await expect(service.restore(id)).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT', message: expect.stringContaining('branch') })
      await expectUntouched(file)
    })

    test.each(agents)('when the file of %s is gone', async (agent) => {
      const { file, service, id } = await prepared(agent)
      await rm(file.path)
      await expect(service.restore(id)).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE', details: { path: file.path } })
      await expect(stat(file.path)).rejects.toMatchObject({ code: 'ENOENT' })
    })

    test('when nobody knows its file', async () => {
      const { workshop, file } = await prepared('pi')
      const service = workshop.service()
      const { checkpoint } = await service.capture({
        agent: 'pi',
        transcript: bytesTranscript({ main: file.bytes() }),
        sessionKey: 'bytes',
      })
      await expect(service.restore(checkpoint.id)).rejects.toMatchObject({
        code: 'TARGET_REFUSED',
        message: expect.stringContaining('branch'),
      })
    })
  })
}

/** What the model would be shown of a session file, in a store of its own. */
async function textsOfFile(workshop: Workshop, agent: string, path: string): Promise<readonly string[]> {
  const service = workshop.service({ storage: createMemoryStorage() })
  const { checkpoint } = await service.capture({ agent, transcript: fileTranscript(path), reason: 'requested' })
  return textsOf(service, checkpoint.id)
}

async function textsOf(service: Checkpoints, id: string, view: ReadView = 'context'): Promise<readonly string[]> {
  return (await service.read(id, { view, limit: 1000 })).entries.map(({ text }) => text)
}
