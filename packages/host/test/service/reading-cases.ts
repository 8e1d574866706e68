import { createHash } from 'node:crypto'
import { bytesTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { jsonl } from './support/sessions.ts'
import { counting } from './support/storages.ts'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, secondsFrom, type Workshop } from './support/workshop.ts'

/** Finding checkpoints and reading them. */
export function readingCases(openStore: OpenStore): void {
  describe('a whole id', () => {
    test('leads to its one ledger, with 1 session in the store or with 200', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const first = await service.capture(smallSession('first'))
      const calls = async () => {
        const counted = counting(workshop.storage())
        await workshop.service({ storage: counted.storage }).get(first.checkpoint.id)
        return counted.calls()
      }
      const withOne = await calls()
      await Promise.all(Array.from({ length: 199 }, (_, at) => service.capture(smallSession(`session ${at}`))))
      expect(await calls()).toEqual(withOne)
      expect(withOne).toEqual({
        objects: { put: 0, get: 1, delete: 0, list: 0 },
        refs: { read: 2, compareAndSwap: 0, list: 1 },
      })
    })

    test('is trimmed; one that names nothing is an error that lists the newest', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const { checkpoint } = await service.capture(smallSession('one'))
      expect((await service.get(`\n ${checkpoint.id}\t`)).id).toBe(checkpoint.id)
      const unknown = checkpoint.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
      await expect(service.get(unknown)).rejects.toMatchObject({
        code: 'CHECKPOINT_NOT_FOUND',
        details: { id: unknown, nearest: [checkpoint.id] },
        message: expect.stringContaining(checkpoint.id),
      })
    })

    test('in a store that has nothing says what to run', async () => {
      const service = (await openWorkshop(openStore)).service()
      for (const id of ['latest', 'abcdef', '019b0046-6e4b-7879-9d20-2f09d66a3292']) {
        await expect(service.get(id)).rejects.toMatchObject({
          code: 'CHECKPOINT_NOT_FOUND',
          message: expect.stringContaining('palimpsest scan'),
        })
      }
    })
  })

  describe('a short id', () => {
    test('is the end of a whole one; the end of several is ambiguous and lists them', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const { checkpoint } = await service.capture(smallSession('one'))
      expect((await service.get(checkpoint.id.slice(-6))).id).toBe(checkpoint.id)
      expect((await service.get(checkpoint.id.slice(-20))).id).toBe(checkpoint.id)
      const twin = `${checkpoint.id.slice(0, 8)}-0000-7000-8000-${checkpoint.id.slice(-12)}`
      await addTwin(workshop, checkpoint.id, twin)
      await expect(service.get(checkpoint.id.slice(-8))).rejects.toMatchObject({
        code: 'CHECKPOINT_AMBIGUOUS',
        details: { candidates: expect.arrayContaining([checkpoint.id, twin]) },
        message: expect.stringContaining('Give more of it'),
      })
      expect((await service.get(checkpoint.id)).id).toBe(checkpoint.id)
    })

    test('can be no other text: that is refused and says what an id is', async () => {
      const service = (await openWorkshop(openStore)).service()
      for (const id of [
        '',
        ' ',
        'abcde',
        '../../etc',
        'latest~',
        'latest~-1',
        'latest~1.5',
        'LATEST',
        'ghijkl',
        'x'.repeat(5000),
        'a\0bcdef',
      ]) {
        await expect(service.get(id), id).rejects.toMatchObject({ code: 'ARGUMENT_INVALID', message: expect.stringContaining('latest~1') })
      }
    })
  })

  test('latest, latest~1 and so on count compactions, in one session or over all', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const ids: string[] = []
    for (const name of ['a', 'b', 'a']) {
      ids.unshift((await (await service.capture({ ...smallSession(name, ids.length), reason: 'manual' })).complete()).id)
    }
    const snapshot = await service.capture({ ...smallSession('b', 9), reason: 'requested' })
    expect((await service.get('latest')).id).toBe(ids[0])
    expect((await service.get('latest~1')).id).toBe(ids[1])
    expect((await service.get(' latest~2 ')).id).toBe(ids[2])
    await expect(service.get('latest~3')).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    const within = { agent: 'pi', sessionKey: 'a' }
    expect((await service.get('latest', within)).id).toBe(ids[0])
    expect((await service.get('latest~1', within)).id).toBe(ids[2])
    expect((await service.get('latest', { sessionKey: 'b' })).id).toBe(ids[1])
    await service.capture({ ...smallSession('c'), reason: 'requested' })
    expect((await service.get('latest', { agent: 'pi', sessionKey: 'c' })).reason).toBe('requested')
    expect(snapshot.checkpoint.status).toBe('snapshot')
  })

  listCases(openStore)
  viewCases(openStore)
}

function listCases(openStore: OpenStore): void {
  describe('a list', () => {
    test('is newest first over all sessions, in pages that survive new checkpoints', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      for (let at = 0; at < 23; at += 1) await service.capture({ ...smallSession(`s${at % 4}`, at), reason: 'requested' })
      const all = (await service.list()).checkpoints
      expect(all.map(({ createdAt }) => createdAt)).toEqual(all.map(({ createdAt }) => createdAt).sort((one, other) => other - one))
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await workshop.service().list({ limit: 5, cursor })
        expect(page.checkpoints.length).toBe(Math.min(5, 23 - seen.length))
        seen.push(...page.checkpoints.map(({ id }) => id))
        cursor = page.nextCursor
        await service.capture({ ...smallSession('s1', 100 + seen.length), reason: 'requested' })
        await service.capture({ ...smallSession(`new ${seen.length}`), reason: 'requested' })
      } while (cursor !== undefined)
      expect(seen).toEqual(all.map(({ id }) => id))
    })

    test('of one millisecond is in the order of ids, each once', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service({ now: () => 1_800_000_000_000 })
      for (let at = 0; at < 12; at += 1) await service.capture({ ...smallSession(`s${at % 5}`, at), reason: 'requested' })
      const ids = await idsIn(service)
      expect(ids).toEqual([...ids].sort().reverse())
      const seen: string[] = []
      for (let cursor: string | undefined = ''; cursor !== undefined; ) {
        const page: { checkpoints: readonly { id: string }[]; nextCursor?: string | undefined } = await service.list(
          cursor === '' ? { limit: 1 } : { limit: 1, cursor },
        )
        seen.push(...page.checkpoints.map(({ id }) => id))
        cursor = page.nextCursor
      }
      expect(seen).toEqual(ids)
    })

    test('can be of an agent, a session, a folder, a time', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service({ now: secondsFrom(0) })
      const pi = await workshop.pi()
      const claudeCode = await workshop.claudeCode()
      await pi.turn()
      await claudeCode.turn()
      const first = (await service.capture({ ...of(pi), reason: 'requested', createdAt: 1000 })).checkpoint.id
      const second = (await service.capture({ ...of(claudeCode), reason: 'requested', createdAt: 2000 })).checkpoint.id
      const ids = async (query: Parameters<typeof service.list>[0]) => (await service.list(query)).checkpoints.map(({ id }) => id)
      expect(await ids({ agent: 'pi' })).toEqual([first])
      expect(await ids({ sessionKey: claudeCode.sessionId })).toEqual([second])
      expect(await ids({ agent: 'pi', sessionKey: claudeCode.sessionId })).toEqual([])
      expect(await ids({ agent: 'claude-code', sessionKey: claudeCode.sessionId })).toEqual([second])
      expect(await ids({ cwd: '/home/dev/app' })).toEqual([first])
      expect(await ids({ before: 2000 })).toEqual([first])
      expect(await ids({ after: 1000 })).toEqual([second])
      expect(await ids({ after: 1000, before: 2000 })).toEqual([])
    })

    test('of a session that nobody knows is empty', async () => {
      const service = (await openWorkshop(openStore)).service()
      expect(await service.list({ agent: 'pi', sessionKey: '../../etc' })).toEqual({ checkpoints: [], problems: [] })
      expect(await service.list({ sessionKey: 'x'.repeat(5000) })).toEqual({ checkpoints: [], problems: [] })
      expect(await service.list()).toEqual({ checkpoints: [], problems: [] })
      expect(await service.sessions()).toEqual({ sessions: [], problems: [] })
    })

    test('refuses a limit and a cursor that are none', async () => {
      const service = (await openWorkshop(openStore)).service()
      for (const limit of [0, -1, 1001, 1.5, Number.NaN]) {
        await expect(service.list({ limit })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID', details: { argument: 'limit' } })
        await expect(service.sessions({ limit })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      }
      for (const cursor of ['x', '', Buffer.from('{}').toString('base64url'), Buffer.from('null').toString('base64url')]) {
        await expect(service.list({ cursor })).rejects.toMatchObject({
          code: 'ARGUMENT_INVALID',
          message: expect.stringContaining('without one'),
        })
        await expect(service.sessions({ cursor })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      }
    })
  })

  test('the sessions are those that have checkpoints, the one with the newest first, in pages', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    for (const [at, name] of ['a', 'b', 'c', 'a', 'd'].entries()) await service.capture({ ...smallSession(name, at), reason: 'requested' })
    await service.deleteSession({ agent: 'pi', sessionKey: 'd' })
    const first = await service.sessions({ limit: 2 })
    expect(first.sessions.map(({ sessionKey, checkpointCount }) => [sessionKey, checkpointCount])).toEqual([
      ['a', 2],
      ['c', 1],
    ])
    const rest = await service.sessions({ limit: 2, cursor: first.nextCursor })
    expect(rest.sessions.map(({ sessionKey }) => sessionKey)).toEqual(['b'])
    expect(rest.nextCursor).toBeUndefined()
    expect((await service.sessions({ agent: 'claude-code' })).sessions).toEqual([])
  })
}

function viewCases(openStore: OpenStore): void {
  describe('reading', () => {
    test('shows what the model saw before and after, everything, and every line', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      await file.turn()
      await file.compact()
      await file.turn()
      await file.compact()
      await file.turn()
      const service = workshop.service()
      const [first = '', second = ''] = (await service.import(of(file))).checkpointIds
      const ids = async (id: string, view: 'context' | 'after' | 'all' | 'raw') =>
        (await service.read(id, { view })).entries.map((entry) => entry.id)
      expect(await ids(first, 'context')).toEqual(['u1', 'a1', 'u2', 'a2'])
      expect(await ids(first, 'after')).toEqual(['c3', 'a2'])
      expect(await ids(first, 'all')).toEqual(['u1', 'a1', 'u2', 'a2'])
      expect(await ids(second, 'context')).toEqual(['c3', 'a2', 'u4', 'a4'])
      expect(await ids(second, 'after')).toEqual(['c5', 'a4'])
      expect(await ids(second, 'all')).toEqual(['u1', 'a1', 'u2', 'a2', 'u4', 'a4'])
      expect(await ids(second, 'raw')).toHaveLength(8)
      const page = await service.read(second, { view: 'all', dropped: true })
      expect(page.entries.map(({ id, dropped }) => [id, dropped])).toEqual(['u1', 'a1', 'u2', 'a2', 'u4'].map((id) => [id, true]))
      const texts = (await service.read(second, { view: 'context' })).entries.map(({ kind, text }) => [kind, text])
      expect(texts).toEqual([
        ['summary', 'summary c3'],
        ['message', 'Answer to ask 2'],
        ['message', 'ask 4'],
        ['message', 'Answer to ask 4'],
      ])
    })

    test('goes in pages, from a place or around an entry', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      for (let at = 0; at < 30; at += 1) await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture(of(file))
      const seen: string[] = []
      for (let from: number | undefined = 0; from !== undefined; ) {
        const page: Awaited<ReturnType<typeof service.read>> = await service.read(checkpoint.id, { from, limit: 7 })
        expect([page.total, page.from]).toEqual([60, from])
        seen.push(...page.entries.map(({ id }) => id))
        from = page.next
      }
      expect(seen).toEqual(Array.from({ length: 30 }, (_, at) => [`u${at + 1}`, `a${at + 1}`]).flat())
      const around = await service.read(checkpoint.id, { around: ' u10 ', limit: 5 })
      expect(around.entries.map(({ id }) => id)).toEqual(['u9', 'a9', 'u10', 'a10', 'u11'])
      expect((await service.read(checkpoint.id, { around: 'u1', limit: 5 })).from).toBe(0)
      expect(await service.read(checkpoint.id, { from: 1000 })).toMatchObject({ entries: [], total: 60 })
    })

    test('refuses what can not be: a view, a place, an entry, a limit', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      const service = workshop.service()
      const { checkpoint } = await service.capture(of(file))
      for (const query of [{ limit: 0 }, { limit: 1001 }, { from: -1 }, { from: 0.5 }, { around: 'nobody' }, { around: 'u1', from: 0 }]) {
        await expect(service.read(checkpoint.id, query), JSON.stringify(query)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      }
      await expect(service.read(checkpoint.id, { view: 'after' })).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
        message: expect.stringContaining('context'),
      })
      const unknownView = JSON.parse('{"view":"everything"}')
      await expect(service.read(checkpoint.id, unknownView)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    })

    test('gives entries without an id and those with one that is taken ids of their own', async () => {
      const workshop = await openWorkshop(openStore)
      const lines = [
        { type: 'session', version: 3, id: 's' },
        { type: 'message', id: 'x', parentId: null, message: { role: 'user', content: 'one' } },
        { type: 'message', id: 'x', parentId: 'x', message: { role: 'assistant', content: 'two' } },
        { type: 'message', message: { role: 'user', content: 'three' } },
      ]
      const service = workshop.service()
      const { checkpoint } = await service.capture({ agent: 'pi', transcript: bytesTranscript({ main: jsonl(lines) }) })
      const { entries } = await service.read(checkpoint.id, { view: 'raw' })
      expect(entries.slice(1).map(({ id, text }) => [id, text])).toEqual([
        ['x', 'one'],
        ['x@L2', 'two'],
        ['L3', 'three'],
      ])
    })
  })
}

/** A pi session with one prompt, and as many more as `turns`. */
export function smallSession(sessionId: string, turns = 0): { agent: string; transcript: ReturnType<typeof bytesTranscript> } {
  const lines: object[] = [{ type: 'session', version: 3, id: sessionId, cwd: '/home/dev/small' }]
  for (let at = 0; at <= turns; at += 1) {
    lines.push({
      type: 'message',
      id: `u${at}`,
      parentId: at === 0 ? null : `u${at - 1}`,
      message: { role: 'user', content: `prompt ${at}` },
    })
  }
  return { agent: 'pi', transcript: bytesTranscript({ main: jsonl(lines) }) }
}

/** Another session with a checkpoint that has the id `twin`: real ones end alike once in 17 billion times. */
async function addTwin(workshop: Workshop, original: string, twin: string): Promise<void> {
  const { changeLedgerBy } = await import('./support/storages.ts')
  const service = workshop.service()
  await service.capture(smallSession('twin'))
  const digest = createHash('sha256').update('pi\0twin').digest('hex')
  const storage = workshop.storage()
  const [item] = (await storage.refs.list(`sessions/${digest}`)).items
  if (item === undefined) throw new Error('The twin has no ledger.')
  await changeLedgerBy(storage, item.name, (ledger) => ({
    ...ledger,
    checkpoints: ledger.checkpoints.map((row) => ({ ...row, id: twin })),
  }))
  expect(original).not.toBe(twin)
}
