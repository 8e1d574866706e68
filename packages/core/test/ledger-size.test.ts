import { expect, test } from 'vitest'
import type { CheckpointRow } from '../src/checkpoint.ts'
import { createEnvironment } from '../src/environment.ts'
import { sessionName } from '../src/keys.ts'
import { decodeLedger, emptyLedger, encodeLedger, type Ledger } from '../src/ledger.ts'
import { readLedger } from '../src/ledger-store.ts'
import { rangeDigests } from '../src/part-bytes.ts'
import { allRows, byNewest, withRows } from '../src/rows.ts'
import { readSegment } from '../src/session-objects.ts'
import { createPartStore, type PartContent, type PartStore } from '../src/stored-parts.ts'
import { chunksOf, segmentChunks, streamEnd, streamsOf, withStream } from '../src/stream.ts'
import { allTrash } from '../src/trash.ts'
import { bytesSource } from './support/bytes-source.ts'
import { row } from './support/rows.ts'
import { type TinyStorage, tinyStorage } from './support/tiny-storage.ts'

const name = sessionName('claude-code', 'session')
const mostBytes = 512 * 1024
const gibibyte = 1024 ** 3
const mebibyte = 1024 ** 2

function newSession(): { storage: TinyStorage; environment: ReturnType<typeof createEnvironment>; ledger: Ledger } {
  const storage = tinyStorage()
  return {
    storage,
    environment: createEnvironment({ storage, readers: [] }),
    ledger: emptyLedger({ agent: 'claude-code', sessionKey: 'session', sessionId: 'session', cwd: '/home/dev/project' }),
  }
}

/** Seals a stream of `count` chunks into segments, as captures do, without the bytes: each of its chunks is said to have `rawBytes`. */
async function longStream(session: ReturnType<typeof newSession>, ledger: Ledger, count: number): Promise<Ledger> {
  const { writeDocument } = await import('../src/session-objects.ts')
  const chunk = (at: number) => [`0-${'a'.repeat(20)}`, at * 100_000, 100_000, mebibyte, 300, `${at}`.padStart(43, 'd')] as const
  const segments = []
  for (let at = 0; at + segmentChunks <= count; at += segmentChunks) {
    const run = Array.from({ length: segmentChunks }, (_, index) => chunk(at + index))
    const object = await writeDocument(session.environment, ledger, name, 'segment', run, {})
    segments.push({
      object,
      chunks: run.length,
      rawBytes: run.length * mebibyte,
      storedBytes: run.length * 100_000,
      lines: run.length * 300,
    })
  }
  const open = Array.from(
    { length: count % segmentChunks },
    (_, index) => [...chunk(count - index)] as [string, number, number, number, number, string],
  )
  return withStream(ledger, 'main', 0, { segments, open })
}

function contentOf(text: string, part = 'main'): PartContent {
  const bytes = Buffer.from(text)
  const source = bytesSource(bytes)
  return { name: part, source, digestOf: rangeDigests(source), endBytes: bytes.byteLength }
}

test('20 GiB of transcript, 5,000 checkpoints, as many in the trash, 500 sidecars and 200 rewrites stay under 512 KiB in the ref', async () => {
  const session = newSession()
  const { environment } = session
  let ledger = session.ledger
  // 200 rewrites: each begins a new stream, as Codex does when it writes its file anew.
  const sidecars = Array.from({ length: 500 }, (_, at) =>
    contentOf(`{"agent":${at}}\n`, `subagents/agent-${`${at}`.padStart(17, 'a')}.jsonl`),
  )
  ledger = (await storeIn(createPartStore(environment, name, {}), ledger, [contentOf('{"rewritten":0}\n'), ...sidecars])).ledger
  for (let at = 1; at < 200; at += 1) {
    ledger = (await storeIn(createPartStore(environment, name, {}), ledger, [contentOf(`{"rewritten":${at}}\n`)])).ledger
  }
  expect(streamsOf(ledger, 'main')).toHaveLength(200)
  const rewritten = encodeLedger(ledger).byteLength
  // The first of them grew to 20 GiB before. Its last chunks are open, as many as can be.
  ledger = await longStream(session, ledger, 20 * 1024 + segmentChunks - 1)
  expect(streamEnd(streamsOf(ledger, 'main')[0] ?? { segments: [], open: [] }).bytes).toBeGreaterThanOrEqual(20 * gibibyte)
  // 5,000 checkpoints, one after the other would take minutes: in steps of 100, with the pages of each step kept by the next.
  const rows: CheckpointRow[] = []
  const trash: CheckpointRow[] = []
  for (let at = 0; at < 5000; at += 100) {
    for (let index = at; index < at + 100; index += 1) rows.push(row(1_700_000_000_000 + index, { bytes: index * mebibyte }))
    const next = await withRows(environment, name, ledger, rows, {})
    ledger = next.ledger
  }
  // As many more were deleted, and their boundaries are not gone for good yet.
  for (const count of [4990, 10]) {
    const deleted = Array.from({ length: count }, (_, at) => row(1_600_000_000_000 + trash.length + at, { deletedAt: 1_700_000_000_000 }))
    ledger = (await withRows(environment, name, { ...ledger, trash: [...ledger.trash, ...deleted] }, rows, {})).ledger
    trash.push(...deleted)
  }
  expect(await allTrash(environment, name, ledger, {})).toEqual(trash)
  const sizeBytes = encodeLedger({ ...ledger, trash: trash.slice(0, 249) }).byteLength
  console.info(
    `ref of a ledger: ${sizeBytes} bytes, ${rewritten} of them sidecars and rewrites, ${encodeLedger({ ...ledger, checkpoints: [], trash: [] }).byteLength} without rows`,
  )
  expect(sizeBytes).toBeLessThan(mostBytes)
  expect(decodeLedger(name, encodeLedger(ledger))).toEqual(ledger)
  expect(await allRows(environment, name, ledger, {})).toEqual([...rows].sort(byNewest))
  expect(await chunksOf(ledger, 'main', 0, (object) => readSegment(environment, name, object, {}))).toHaveLength(
    20 * 1024 + segmentChunks - 1,
  )
})

test('a new checkpoint changes no page but at every 250th, and what is no longer named is said', async () => {
  const { storage, environment, ledger: empty } = newSession()
  let ledger = empty
  const rows: CheckpointRow[] = Array.from({ length: 1000 }, (_, at) => row(at))
  ledger = (await withRows(environment, name, ledger, rows, {})).ledger
  const pages = ledger.pages
  expect(pages.map((page) => page.checkpoints)).toEqual([250, 250])
  const written = storage.objectMap.size
  const next = await withRows(environment, name, ledger, [...rows, row(1000)], {})
  expect([next.ledger.pages, next.unnamed, storage.objectMap.size]).toEqual([pages, [], written])
  // The oldest goes: every page is cut anew.
  const shorter = await withRows(environment, name, ledger, rows.slice(1), {})
  expect([...shorter.unnamed].sort()).toEqual(pages.map((page) => page.object).sort())
  expect(await allRows(environment, name, shorter.ledger, {})).toEqual([...rows.slice(1)].sort(byNewest))
})

test('a session without a ledger has none', async () => {
  expect(await readLedger(newSession().environment, name, {})).toBeUndefined()
})

async function storeIn(
  store: PartStore,
  ledger: Ledger,
  contents: Parameters<PartStore['match']>[1],
  stopAfterBytes?: number,
): ReturnType<PartStore['store']> {
  return store.store(ledger, await store.match(ledger, contents), { stopAfterBytes })
}
