import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { jsonl, piVersionOneLines } from './support/sessions.ts'
import type { OpenStore } from './support/stores.ts'
import { agents, idsIn, of, openWorkshop, rawOf, sessionOf } from './support/workshop.ts'

/** What an import finds, and what it leaves alone. */
export function importCases(openStore: OpenStore): void {
  describe('an import', () => {
    test.each(agents)('of %s keeps the exact bytes before each boundary, and doing it again changes nothing', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      const before: Buffer[] = []
      const boundaryIds: string[] = []
      for (let compaction = 0; compaction < 3; compaction += 1) {
        await file.turn()
        await file.turn()
        before.push(Buffer.from(file.bytes()))
        boundaryIds.push(await file.compact())
      }
      await file.turn()
      const service = workshop.service()
      const found = await service.import(of(file))
      expect(found).toMatchObject({
        agent,
        sessionKey: file.sessionId,
        sessionId: file.sessionId,
        created: 3,
        completed: 0,
        problemCount: 0,
      })
      expect(await idsIn(service)).toEqual([...found.checkpointIds].reverse())
      for (const [at, id] of found.checkpointIds.entries()) {
        expect((await rawOf(service, id)).equals(before[at] ?? Buffer.alloc(1))).toBe(true)
        expect(await service.get(id)).toMatchObject({
          origin: 'import',
          status: 'complete',
          tokensBefore: 1000,
          boundary: { id: boundaryIds[at], start: before[at]?.byteLength },
          postCompaction: { entryId: boundaryIds[at] },
        })
      }
      const objects = await workshop.objectKeys()
      const again = await workshop.service().import(of(file))
      expect(again).toMatchObject({ checkpointIds: found.checkpointIds, created: 0, completed: 0, storedBytes: 0 })
      expect(await workshop.objectKeys()).toEqual(objects)
    })

    test('makes the same ids in any store', async () => {
      const one = await openWorkshop(openStore)
      const other = await openWorkshop(openStore)
      const file = await one.claudeCode()
      await file.turn()
      await file.compact()
      const { checkpointIds } = await one.service().import(of(file))
      expect((await other.service().import(of(file))).checkpointIds).toEqual(checkpointIds)
    })

    test('of a session without compactions stores nothing', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      expect(await workshop.service().import(of(file))).toMatchObject({ checkpointIds: [], created: 0, storedBytes: 0 })
      expect(await workshop.objectKeys()).toEqual([])
      expect((await workshop.storage().refs.list('')).items).toEqual([])
    })

    test('of a pi session of version 1 knows the boundary by the digest of its line', async () => {
      const workshop = await openWorkshop(openStore)
      const lines = piVersionOneLines()
      const service = workshop.service()
      const transcript = bytesTranscript({ main: jsonl(lines) })
      const { checkpointIds } = await service.import({ agent: 'pi', transcript })
      expect(checkpointIds).toHaveLength(1)
      const checkpoint = await service.get(checkpointIds[0] ?? '')
      expect(checkpoint.boundary).toMatchObject({ id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), line: 4 })
      expect((await rawOf(service, checkpoint.id)).equals(jsonl(lines.slice(0, 4)))).toBe(true)
      expect((await service.read(checkpoint.id)).entries.map(({ text }) => text)).toEqual(['first', 'second', 'third'])
      expect((await service.read(checkpoint.id, { view: 'after' })).entries.map(({ text }) => text)).toEqual(['what was', 'third'])
      expect(await service.import({ agent: 'pi', transcript })).toMatchObject({ checkpointIds, created: 0 })
    })

    test('takes only the compactions that are new, and stores only what they need', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      await file.compact()
      const service = workshop.service()
      const first = await service.import(of(file))
      await file.turn()
      const before = Buffer.from(file.bytes())
      await file.compact()
      const second = await service.import(of(file))
      expect([second.created, second.checkpointIds[0]]).toEqual([1, first.checkpointIds[0]])
      expect((await rawOf(service, second.checkpointIds[1] ?? '')).equals(before)).toBe(true)
      expect((await workshop.objectKeys()).length).toBe(4)
    })

    test('reports the lines that are none, keeps their bytes, and is stopped by none of them', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      await file.append('not json\nnull\n')
      const before = Buffer.from(file.bytes())
      await file.compact()
      await file.append('{"torn":')
      const service = workshop.service()
      const found = await service.import(of(file))
      expect(found.problems.map(({ code, line }) => [code, line])).toEqual([
        ['TRANSCRIPT_MALFORMED', 3],
        ['TRANSCRIPT_MALFORMED', 4],
        ['TRANSCRIPT_MALFORMED', undefined],
      ])
      expect(found.problemCount).toBe(3)
      expect((await rawOf(service, found.checkpointIds[0] ?? '')).equals(before)).toBe(true)
      expect((await service.get('latest')).badLines).toBe(2)
    })
  })

  hookCases(openStore)
  removedCases(openStore)
  inheritedCases(openStore)
}

function hookCases(openStore: OpenStore): void {
  describe('a hook before the compaction, then an import after it', () => {
    test.each(agents)('give one checkpoint of %s, completed and moved up to the boundary', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      await file.turn()
      const pending = await workshop.service().capture({ ...of(file), reason: 'manual' })
      // The agent writes on between its hook and the boundary.
      await file.append(
        agent === 'pi' ? '{"type":"custom","id":"x1","parentId":"a1"}\n' : `{"type":"mode","sessionId":"${file.sessionId}"}\n`,
      )
      const before = Buffer.from(file.bytes())
      const boundaryId = await file.compact()
      const service = workshop.service()
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [pending.checkpoint.id], created: 0, completed: 1 })
      const checkpoint = await service.get(pending.checkpoint.id)
      expect(checkpoint).toMatchObject({
        createdAt: pending.checkpoint.createdAt,
        reason: 'manual',
        origin: 'capture',
        status: 'complete',
        tokensBefore: 1000,
        summary: expect.stringMatching(/^summary|^Summary/),
        boundary: { id: boundaryId, start: before.byteLength },
        postCompaction: { entryId: boundaryId },
        sizeBytes: before.byteLength,
      })
      expect(await idsIn(service)).toEqual([checkpoint.id])
      expect((await rawOf(service, checkpoint.id)).equals(before)).toBe(true)
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [checkpoint.id], created: 0, completed: 0 })
    })

    test.each(agents)('or the next capture of %s: it completes the one before', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'auto-threshold' })
      const before = Buffer.from(file.bytes())
      await file.compact()
      await file.turn()
      const second = await service.capture({ ...of(file), reason: 'auto-threshold' })
      expect(await idsIn(service)).toEqual([second.checkpoint.id, first.checkpoint.id])
      expect(await service.get(first.checkpoint.id)).toMatchObject({ status: 'complete', sizeBytes: before.byteLength })
      expect((await rawOf(service, first.checkpoint.id)).equals(before)).toBe(true)
      await second.abandon()
      expect((await rawOf(service, first.checkpoint.id)).equals(before)).toBe(true)
    })

    test('give one even when the hook ran twice, was completed by its caller, or ended the session in between', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'manual' })
      await file.append('\n')
      const second = await service.capture({ ...of(file), reason: 'manual' })
      await second.complete({ summary: 'as the caller says', tokensAfter: 12 })
      await file.append(`{"type":"mode","sessionId":"${file.sessionId}"}\n`)
      await service.capture({ ...of(file), reason: 'session-end' })
      const before = Buffer.from(file.bytes())
      await file.compact()
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [second.checkpoint.id], created: 0, completed: 1 })
      expect(await idsIn(service)).toEqual([second.checkpoint.id])
      expect(await service.get('latest')).toMatchObject({ summary: expect.stringContaining('Summary'), tokensAfter: 12 })
      expect((await rawOf(service, second.checkpoint.id)).equals(before)).toBe(true)
      await expect(service.get(first.checkpoint.id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    })

    test('leave what was requested, pinned or labelled before the boundary beside it', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const requested = await service.capture({ ...of(file), reason: 'requested' })
      await file.turn()
      const labelled = await service.capture({ ...of(file), reason: 'session-end', label: 'end of the day' })
      await file.turn()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      await service.pin(pending.checkpoint.id)
      await file.compact()
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [pending.checkpoint.id], completed: 1 })
      expect(await idsIn(service)).toEqual([pending, labelled, requested].map(({ checkpoint }) => checkpoint.id))
      expect((await service.get(pending.checkpoint.id)).pinned).toBe(true)
    })

    test('on a branch that was left behind: what waits on other bytes is not completed by it', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const pending = await service.capture({ ...of(file), reason: 'manual' })
      const other = Buffer.from(Buffer.from(file.bytes()).toString().replace('Answer', 'Reply'))
      await file.rewrite(other)
      await file.compact()
      const { checkpointIds } = await service.import(of(file))
      expect(checkpointIds).not.toContain(pending.checkpoint.id)
      expect((await service.get(pending.checkpoint.id)).status).toBe('pending')
      expect((await rawOf(service, checkpointIds[0] ?? '')).equals(other)).toBe(true)
      expect((await rawOf(service, pending.checkpoint.id)).byteLength).toBe(pending.checkpoint.sizeBytes)
    })
  })
}

function removedCases(openStore: OpenStore): void {
  describe('a checkpoint that was deleted', () => {
    test('does not come back by an import, and does when asked for again', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      await file.compact()
      await file.turn()
      await file.compact()
      const service = workshop.service()
      const { checkpointIds } = await service.import(of(file))
      const [first = '', second = ''] = checkpointIds
      const kept = await service.get(first)
      await service.delete([first])
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [second], created: 0 })
      await file.turn()
      await file.compact()
      const third = await service.import(of(file))
      expect(third.checkpointIds).toEqual([second, expect.any(String)])
      expect(await idsIn(service)).not.toContain(first)
      expect(await service.import({ ...of(file), again: true })).toMatchObject({
        checkpointIds: [first, ...third.checkpointIds],
        created: 1,
      })
      expect(await service.get(first)).toEqual(kept)
      await expect(service.undelete(first)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    })

    test('and is known by the digest of its boundary does not come back either', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const request = { agent: 'pi', transcript: bytesTranscript({ main: jsonl(piVersionOneLines()) }) }
      const { checkpointIds } = await service.import(request)
      await service.delete(checkpointIds)
      expect(await service.import(request)).toMatchObject({ checkpointIds: [], created: 0 })
      expect(await idsIn(service)).toEqual([])
      expect((await service.import({ ...request, again: true })).checkpointIds).toEqual(checkpointIds)
    })

    test('of a hook does not come back by the import after its compaction', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const service = workshop.service()
      await service.capture({ ...of(file), reason: 'manual' })
      await file.compact()
      const { checkpointIds } = await service.import(of(file))
      await service.delete(checkpointIds)
      expect(await service.import(of(file))).toMatchObject({ checkpointIds: [], created: 0 })
      await file.turn()
      const next = await service.capture({ ...of(file), reason: 'manual' })
      expect(await idsIn(service)).toEqual([next.checkpoint.id])
    })
  })
}

function inheritedCases(openStore: OpenStore): void {
  describe('a session that was branched', () => {
    test.each(agents)('from another of %s does not bring the compactions along that it inherited', async (agent) => {
      const workshop = await openWorkshop(openStore)
      const file = await sessionOf(workshop, agent)
      await file.turn()
      await file.compact()
      await file.turn()
      await file.compact()
      const service = workshop.service()
      const { checkpointIds } = await service.import(of(file))
      const branched = await service.branch(checkpointIds[1] ?? '')
      const child = await service.import({ agent, transcript: fileTranscript(branched.path) })
      expect(child).toMatchObject({ sessionId: branched.sessionId, checkpointIds: [], created: 0 })
      expect(await idsIn(service)).toHaveLength(2)
      const elsewhere = (await openWorkshop(openStore)).service()
      expect((await elsewhere.import({ agent, transcript: fileTranscript(branched.path) })).created).toBe(1)
    })

    test('from itself, or from one that is its own child, is imported all the same', async () => {
      const workshop = await openWorkshop(openStore)
      const one = await workshop.pi('one', { parentSession: '/sessions/2026-01-02T03-04-00-000Z_two.jsonl' })
      const two = await workshop.pi('two', { parentSession: '/sessions/2026-01-02T03-04-00-000Z_one.jsonl' })
      const service = workshop.service()
      for (const file of [one, two]) {
        await file.turn(file.sessionId)
        await file.append(`${JSON.stringify({ type: 'compaction', id: `of-${file.sessionId}`, parentId: 'a1', summary: 's' })}\n`)
      }
      expect((await service.import(of(one))).created).toBe(1)
      expect((await service.import(of(two))).created).toBe(1)
      expect((await service.import(of(one))).created).toBe(0)
    })

    test('of which the parent can not be read is captured and imported all the same', async () => {
      const workshop = await openWorkshop(openStore)
      const parent = await workshop.pi('parent')
      await parent.turn()
      await parent.compact()
      const service = workshop.service()
      await service.import(of(parent))
      const storage = workshop.storage()
      const [ref] = (await storage.refs.list('sessions/')).items
      const found = ref === undefined ? undefined : await storage.refs.read(ref.name)
      if (ref === undefined) throw new Error('There is no ledger.')
      await storage.refs.compareAndSwap(ref.name, Buffer.from('damaged'), found?.version)
      const child = await workshop.pi('child', { parentSession: parent.path })
      await child.turn()
      const before = Buffer.from(child.bytes())
      await service.capture({ ...of(child), reason: 'manual' })
      await child.compact()
      expect(await service.import(of(child))).toMatchObject({ completed: 1 })
      expect((await rawOf(service, 'latest')).equals(before)).toBe(true)
    })
  })

  test('a sub-agent file below a session is no session with compactions', async () => {
    const workshop = await openWorkshop(openStore)
    const path = join(workshop.folder, 'agent-1.jsonl')
    const line = {
      type: 'user',
      isSidechain: true,
      agentId: '1',
      sessionId: 's',
      uuid: 'u',
      parentUuid: null,
      message: { role: 'user', content: 'go' },
    }
    const boundary = {
      type: 'system',
      subtype: 'compact_boundary',
      isSidechain: true,
      sessionId: 's',
      uuid: 'b',
      compactMetadata: { trigger: 'auto' },
    }
    await writeFile(path, jsonl([line, boundary]))
    expect((await workshop.service().import({ agent: 'claude-code', transcript: fileTranscript(path) })).checkpointIds).toEqual([])
  })
}
