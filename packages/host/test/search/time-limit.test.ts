import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type IndexingProgress, type SearchBatch, type SearchIndex, sessionName } from '@palimpsest/core'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
// @boundaries-ignore sessions made by hand are written once, beside the readers that read them
import { prompt } from '../../../transcripts/test/claude-code-session.ts'
import { removeFolders } from '../service/support/folders.ts'
import { jsonl, type SessionFile } from '../service/support/sessions.ts'
import { openFsStore, openMemoryStore } from '../service/support/stores.ts'
import { of, openWorkshop } from '../service/support/workshop.ts'

afterAll(removeFolders)
afterEach(() => {
  vi.useRealTimers()
})

/** An index in memory that tells what is written into it: batches, and checkpoints of which it knows what they dropped. */
function watchedIndex(onAdd: () => void = () => {}): SearchIndex & { readonly batches: readonly SearchBatch[]; readonly known: string[] } {
  const index = createSqliteSearchIndex({ sqlite: () => process.getBuiltinModule('node:sqlite') })
  const batches: SearchBatch[] = []
  const known: string[] = []
  return {
    ...index,
    batches,
    known,
    async dropped(dropped) {
      await index.dropped(dropped)
      known.push(dropped.checkpointId)
    },
    async add(batch) {
      const isAdded = await index.add(batch)
      if (isAdded) batches.push(batch)
      onAdd()
      return isAdded
    },
  }
}

/** Where each entry begins that was written, in order. */
const written = (batches: readonly SearchBatch[]) =>
  batches.flatMap(({ entries }) => entries.map(({ part, stream, start }) => `${part} ${stream} ${start}`))

/** A few MB in two hundred turns, each with a word of its own, the first half of them compacted. */
async function longSession(file: SessionFile): Promise<void> {
  const filler = 'the quick brown fox jumps over the lazy dog '.repeat(300)
  for (let turn = 0; turn < 200; turn += 1) {
    await file.turn(`turn${turn} ${filler}`)
    if (turn === 99 || turn === 149) await file.compact()
  }
}

describe('a session that takes longer than there is time', () => {
  test('is indexed a batch at a time, each call goes on where the one before stopped, and nothing is indexed twice', async () => {
    const workshop = await openWorkshop(openFsStore)
    const file = await workshop.pi()
    await longSession(file)
    const whole = watchedIndex()
    const complete = workshop.service({ searchIndex: whole })
    await complete.import(of(file))
    await complete.capture({ ...of(file), reason: 'manual' })
    expect(await complete.index()).toMatchObject({ indexed: 1, waiting: 0 })
    const index = watchedIndex()
    const service = workshop.service({ searchIndex: index })
    const told: IndexingProgress[] = []
    let steps = 0
    let calls = 0
    for (let waiting = 1; waiting > 0; calls += 1) {
      const report = await service.index({ withinMs: 0, onProgress: (progress) => told.push(progress) })
      const isLast = report.waiting === 0
      expect(report).toMatchObject({ indexed: isLast ? 1 : 0, waiting: isLast ? 0 : 1, problems: [] })
      expect(index.batches.length + index.known.length).toBeGreaterThan(steps)
      steps = index.batches.length + index.known.length
      waiting = report.waiting
    }
    expect(calls).toBeGreaterThan(4)
    expect(index.known.toSorted()).toEqual(whole.known.toSorted())
    expect(written(index.batches)).toEqual(written(whole.batches))
    expect(new Set(written(index.batches)).size).toBe(written(index.batches).length)
    expect((await index.size()).entries).toBe((await whole.size()).entries)
    const hits = async (from: typeof service) => (await from.search({ query: 'dropped:true', limit: 100, updateMs: 0 })).hits
    expect(await hits(service)).toEqual(await hits(complete))
    const bytes = told.flatMap(({ session }) => (session === undefined ? [] : [session.doneBytes]))
    expect(bytes.length).toBeGreaterThan(3)
    expect(bytes).toEqual([...bytes].sort((one, other) => one - other))
    expect(bytes.at(-1)).toBe(told.findLast(({ session }) => session !== undefined)?.session?.totalBytes)
  })

  test('is searched as far as it is indexed, and the answer says that it waits', async () => {
    const workshop = await openWorkshop(openMemoryStore)
    const file = await workshop.pi()
    await longSession(file)
    vi.useFakeTimers({ toFake: ['performance'] })
    const service = workshop.service({ searchIndex: watchedIndex(() => vi.advanceTimersByTime(1_000)) })
    await service.capture({ ...of(file), reason: 'manual' })
    const early = await service.search({ query: 'turn3', updateMs: 1_500 })
    expect(early).toMatchObject({ waiting: 1, problems: [], hits: [{}, {}] })
    expect((await service.search({ query: 'turn199', updateMs: 0 })).hits).toEqual([])
    const late = await service.search({ query: 'turn199', updateMs: 100_000 })
    expect(late).toMatchObject({ waiting: 0, problems: [], hits: [{}, {}] })
  })

  test('leaves time for the sessions behind it', async () => {
    const workshop = await openWorkshop(openMemoryStore)
    const long = await workshop.pi('long')
    await longSession(long)
    const files = [long]
    for (let number = 0; number < 4; number += 1) files.push(await workshop.pi(`short-${number}`))
    for (const file of files) await file.turn('a pangolin in each')
    vi.useFakeTimers({ toFake: ['performance'] })
    const service = workshop.service({ searchIndex: watchedIndex(() => vi.advanceTimersByTime(1_000)) })
    for (const file of files) await service.capture({ ...of(file), reason: 'manual' })
    expect(await service.index({ withinMs: 8_000, first: [sessionName('pi', 'long')] })).toMatchObject({ indexed: 4, waiting: 1 })
    const { hits } = await service.search({ query: 'pangolin role:user', updateMs: 0 })
    expect(hits).toMatchObject([{ duplicates: 3 }])
  })

  test('with many sidecars stops between two of them', async () => {
    const workshop = await openWorkshop(openMemoryStore)
    const file = await workshop.claudeCode()
    await file.turn('what stands in the main part')
    for (let number = 0; number < 5; number += 1) {
      const path = join(dirname(file.path), file.sessionId, 'subagents', `agent-${number}.jsonl`)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, jsonl([{ ...prompt(1, null, `sidecar${number}`), sessionId: file.sessionId, isSidechain: true }]))
    }
    const index = watchedIndex()
    const service = workshop.service({ searchIndex: index })
    await service.capture({ ...of(file), reason: 'manual' })
    const waiting: number[] = []
    while (waiting.at(-1) !== 0) waiting.push((await service.index({ withinMs: 0 })).waiting)
    expect(waiting).toEqual([1, 1, 1, 1, 1, 0])
    expect(new Set(written(index.batches)).size).toBe(written(index.batches).length)
    expect((await service.search({ query: 'sidecar4' })).hits).toMatchObject([{ part: 'subagents/agent-4.jsonl' }])
  })

  test('is left between two batches when it is interrupted, and gone on with', async () => {
    const workshop = await openWorkshop(openMemoryStore)
    const file = await workshop.pi()
    await longSession(file)
    const interrupt = new AbortController()
    const index = watchedIndex(() => {
      if (index.batches.length === 2) interrupt.abort(new Error('enough'))
    })
    const service = workshop.service({ searchIndex: index })
    await service.capture({ ...of(file), reason: 'manual' })
    await expect(service.index({ signal: interrupt.signal })).rejects.toThrow('enough')
    expect(index.batches).toHaveLength(2)
    expect((await index.size()).entries).toBeGreaterThan(0)
    expect(await service.index()).toMatchObject({ indexed: 1, waiting: 0 })
    expect(new Set(written(index.batches)).size).toBe(written(index.batches).length)
    expect((await service.search({ query: 'turn199' })).hits).toHaveLength(2)
  })
})
