import { expect, test } from 'vitest'
import type { CheckpointRow } from '../src/checkpoint.ts'
import { createEnvironment } from '../src/environment.ts'
import { sessionName } from '../src/keys.ts'
import { type Chunk, emptyLedger, type Ledger } from '../src/ledger.ts'
import { changeLedger, readLedger } from '../src/ledger-store.ts'
import { rangeDigests } from '../src/part-bytes.ts'
import { pruneStore } from '../src/prune.ts'
import { allRows, byNewest, withRows } from '../src/rows.ts'
import { readSegment } from '../src/session-objects.ts'
import { type Storage, StorageError } from '../src/storage.ts'
import { createPartStore } from '../src/stored-parts.ts'
import { chunksOf, segmentChunks, streamsOf } from '../src/stream.ts'
import { allTrash, pagesOf } from '../src/trash.ts'
import { bytesSource } from './support/bytes-source.ts'
import { row } from './support/rows.ts'
import { type TinyStorage, tinyStorage } from './support/tiny-storage.ts'

const name = sessionName('pi', 'session')
const rows = Array.from({ length: 749 }, (_, at) => row(at))
const trash = Array.from({ length: 249 }, (_, at) => row(10_000 + at, { deletedAt: 1 }))

/** A ledger of which the next change makes a page of rows, one of the trash, and a segment. */
function brimful(): Ledger {
  const open = Array.from(
    { length: segmentChunks - 1 },
    (_, at): Chunk => [`0-${'a'.repeat(20)}`, at * 10, 10, 5, 1, String(at).padStart(43, 'd')],
  )
  const empty = emptyLedger({ agent: 'pi', sessionKey: 'session', sessionId: 'session' })
  return { ...empty, checkpoints: [...rows].sort(byNewest), trash, parts: { main: { streams: [{ segments: [], open }] } } }
}

/** Adds a chunk, a row, and a row of the trash, in one commit. */
async function grow(storage: Storage): Promise<void> {
  const environment = createEnvironment({ storage, readers: [] })
  const added = Buffer.from('{"one":"more"}\n')
  const before = 5 * (segmentChunks - 1)
  const source = bytesSource(Buffer.concat([Buffer.alloc(before), added]))
  const content = { name: 'main', source, digestOf: rangeDigests(source), endBytes: source.sizeBytes }
  const store = createPartStore(environment, name, {})
  await changeLedger(environment, name, { beginWith: brimful() }, async (ledger = brimful()) => {
    const match = { kind: 'append' as const, stream: 0, bytes: before, lines: segmentChunks - 1 }
    const stored = await store.store(ledger, [{ content, match, stream: 0, byTail: true }])
    const fuller = { ...stored.ledger, trash: [...stored.ledger.trash, row(20_000, { deletedAt: 2 })] }
    const next = await withRows(environment, name, fuller, [...(await allRows(environment, name, ledger, {})), row(749)], {})
    return { ledger: next.ledger, result: undefined, unnamed: next.unnamed }
  })
}

/** The storage, of which write number `at` goes wrong: it is not made and nothing after it is, it is refused, or its answer is lost. */
function faulty(storage: TinyStorage, at: number, how: 'dies' | 'is refused' | 'is lost'): { storage: Storage; writes(): number } {
  let writes = 0
  const write = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    writes += 1
    const isDown = how === 'dies' ? writes >= at : writes === at
    if (!isDown) return run()
    if (how === 'is lost') await run()
    throw new StorageError(how === 'is lost' ? 'unavailable' : 'refused', 'made for a test')
  }
  return {
    writes: () => writes,
    storage: {
      ...storage,
      objects: { ...storage.objects, put: (...call) => write(() => storage.objects.put(...call)) },
      refs: { ...storage.refs, compareAndSwap: (...call) => write(() => storage.refs.compareAndSwap(...call)) },
    },
  }
}

async function stateOf(storage: TinyStorage): Promise<'before' | 'after'> {
  const environment = createEnvironment({ storage, readers: [] })
  const ledger = (await readLedger(environment, name, {})) ?? brimful()
  const found: readonly CheckpointRow[] = await allRows(environment, name, ledger, {})
  const thrown = await allTrash(environment, name, ledger, {})
  const chunks = await chunksOf(ledger, 'main', 0, (object) => readSegment(environment, name, object, {}))
  const state = found.length === rows.length ? 'before' : 'after'
  const [pages, segments] = state === 'before' ? [0, 0] : [2, 1]
  expect([pagesOf(ledger).length, streamsOf(ledger, 'main')[0]?.segments.length]).toEqual([pages, segments])
  const more = state === 'before' ? 0 : 1
  expect([found.length, thrown.length, chunks.length]).toEqual([749 + more, 249 + more, segmentChunks - 1 + more])
  expect(found.map(({ id }) => id).toReversed()).toEqual([...rows, row(749)].slice(0, found.length).map(({ id }) => id))
  return state
}

test.each(['dies', 'is refused', 'is lost'] as const)(
  'pages and segments of which any write %s are all there with the commit, or none is',
  async (how) => {
    const whole = faulty(tinyStorage(), 0, 'is lost')
    await grow(whole.storage)
    // The format, the first ledger, the chunk, the segment, two pages, and the commit.
    expect(whole.writes()).toBe(7)
    const states: string[] = []
    for (let at = 1; at <= whole.writes(); at += 1) {
      const storage = tinyStorage()
      const outcome = await grow(faulty(storage, at, how).storage).catch((error: unknown) => error)
      const state = await stateOf(storage)
      expect(state, `write ${at}`).toBe(outcome === undefined ? 'after' : 'before')
      states.push(state)
      if (state === 'after') continue
      await grow(storage)
      expect(await stateOf(storage)).toBe('after')
      // What the first try left and nothing names is swept; what is named stays.
      const environment = createEnvironment({ storage, readers: [] })
      const { problems } = await pruneStore(environment, { dryRun: true })
      expect(problems).toEqual([])
    }
    expect(states.includes('before')).toBe(true)
    if (how !== 'is lost') expect(new Set(states)).toEqual(new Set(['before']))
  },
)
