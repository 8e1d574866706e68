import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PartPosition } from '../src/checkpoint.ts'
import { createEnvironment } from '../src/environment.ts'
import { sessionName } from '../src/keys.ts'
import { emptyLedger, type Ledger } from '../src/ledger.ts'
import { rangeDigests } from '../src/part-bytes.ts'
import { storedSource } from '../src/snapshot.ts'
import { createPartStore, type PartContent, type PartStore } from '../src/stored-parts.ts'
import { streamsOf, withStream } from '../src/stream.ts'
import { bytesSource } from './support/bytes-source.ts'
import { tinyStorage } from './support/tiny-storage.ts'

const name = sessionName('pi', 's')
const mebibyte = 1024 * 1024

/** Lines as long as a tenth of a chunk, so that few of them make several chunks. */
const line = (letter: string): Uint8Array => Buffer.from(`${letter.repeat(100_000)}\n`)

/** What an agent may do to its file between two captures. */
const edit = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('append' as const),
      letters: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 25 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('cut' as const), at: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('rewrite' as const),
      at: fc.nat(),
      letters: fc.string({ unit: fc.constantFrom('a', 'b', 'x'), maxLength: 25 }),
    }),
  },
)

function contentOf(bytes: Uint8Array, part = 'main'): PartContent {
  const source = bytesSource(bytes)
  return { name: part, source, digestOf: rangeDigests(source), endBytes: bytes.byteLength }
}

function newSession() {
  const storage = tinyStorage()
  const environment = createEnvironment({ storage, readers: [] })
  return { storage, environment, ledger: emptyLedger({ agent: 'pi', sessionKey: 's', sessionId: 's' }) }
}

async function readBack(session: ReturnType<typeof newSession>, ledger: Ledger, position: PartPosition): Promise<Uint8Array> {
  const source = await storedSource({ environment: session.environment, name, ledger }, position)
  return source.read(0, position.bytes)
}

describe('parts that were stored', () => {
  test('come back exactly, each as it was, however the file was appended to, cut and rewritten since', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 7 }), async (edits) => {
        const session = newSession()
        let ledger: Ledger = session.ledger
        let file: Uint8Array = line('a')
        const taken: { bytes: Uint8Array; position: PartPosition }[] = []
        for (const each of edits) {
          const kept = each.does === 'append' ? file.byteLength : each.at % (file.byteLength + 1)
          const more = each.does === 'cut' ? [] : [...each.letters].map(line)
          file = Buffer.concat([file.subarray(0, kept), ...more])
          const stored = await storeIn(createPartStore(session.environment, name, {}), ledger, [contentOf(file)])
          ledger = stored.ledger
          const [position] = stored.positions
          if (position === undefined) throw new Error('The part has no position.')
          expect(position.bytes).toBe(file.byteLength)
          taken.push({ bytes: file, position })
        }
        for (const { bytes, position } of taken) {
          expect(Buffer.compare(await readBack(session, ledger, position), bytes)).toBe(0)
          expect(position.lines).toBe(Buffer.from(bytes).filter((byte) => byte === 10).length)
        }
      }),
      { numRuns: 10 },
    )
  })

  test('are not stored again: the same bytes add nothing, and more of them only what is more', async () => {
    const session = newSession()
    const file = randomBytes(3 * mebibyte)
    const first = await storeIn(createPartStore(session.environment, name, {}), session.ledger, [contentOf(file)])
    const objects = session.storage.objectMap.size
    const again = createPartStore(session.environment, name, {})
    const second = await storeIn(again, first.ledger, [contentOf(file)])
    expect(second.ledger).toEqual(first.ledger)
    expect([again.storedBytes(), session.storage.objectMap.size]).toEqual([0, objects])
    const longer = createPartStore(session.environment, name, {})
    await storeIn(longer, first.ledger, [contentOf(Buffer.concat([file, randomBytes(1000)]))])
    expect(longer.storedBytes()).toBeLessThan(1100)
  })

  test('a piece at a time, as a long first capture is, are the same bytes at the end', async () => {
    const session = newSession()
    const file = Buffer.concat(Array.from({ length: 45 }, (_, at) => line(String.fromCharCode(97 + (at % 7)))))
    const contents = [contentOf(file), contentOf(line('z'), 'tool-results/z')]
    const store = createPartStore(session.environment, name, {})
    let stored = await storeIn(store, session.ledger, contents, 1_300_000)
    const reached = [stored.positions[0]?.bytes]
    while (stored.stopped) {
      stored = await storeIn(store, stored.ledger, contents, 1_300_000)
      reached.push(stored.positions[0]?.bytes)
    }
    expect(reached.slice(0, 4)).toEqual([1_300_000, 2_600_000, 3_900_000, file.byteLength])
    for (const [at, bytes] of [file, line('z')].entries()) {
      const position = stored.positions[at]
      expect(position === undefined ? undefined : Buffer.compare(await readBack(session, stored.ledger, position), bytes)).toBe(0)
    }
  })

  test('of another try of one capture are taken over, not stored twice', async () => {
    const session = newSession()
    const file = randomBytes(3 * mebibyte)
    const store = createPartStore(session.environment, name, {})
    const lost = await storeIn(store, session.ledger, [contentOf(file)])
    const objects = [...session.storage.objectMap.keys()]
    const again = await storeIn(store, session.ledger, [contentOf(file)])
    expect(again.ledger).toEqual(lost.ledger)
    expect([...session.storage.objectMap.keys()]).toEqual(objects)
  })

  test('before the fence rose are stored again under names of the new epoch', async () => {
    const session = newSession()
    const store = createPartStore(session.environment, name, {})
    await storeIn(store, session.ledger, [contentOf(line('a'))])
    expect([...session.storage.objectMap.keys()].every((key) => key.startsWith(`${name}/0-`))).toBe(true)
    const { ledger, positions } = await storeIn(store, { ...session.ledger, epoch: 4, fence: 4 }, [contentOf(line('a'))])
    expect(ledger.parts['main']?.streams[0]?.open.map(([object]) => object.slice(0, 2))).toEqual(['4-'])
    for (const key of session.storage.objectMap.keys()) if (key.startsWith(`${name}/0-`)) session.storage.objectMap.delete(key)
    expect(await readBack(session, ledger, positions[0] ?? { name: 'main', stream: 0, bytes: 0, lines: 0 })).toEqual(
      new Uint8Array(line('a')),
    )
  })

  test('are written in objects of few MiB, however many parts there are', async () => {
    const session = newSession()
    const parts = Array.from({ length: 20 }, (_, at) => contentOf(randomBytes(2 * mebibyte), `tool-results/${at}`))
    const stored = await storeIn(createPartStore(session.environment, name, {}), session.ledger, [contentOf(line('a')), ...parts])
    expect(Math.max(...[...session.storage.objectMap.values()].map((bytes) => bytes.byteLength))).toBeLessThan(16 * mebibyte)
    const last = stored.positions.at(-1)
    expect(last === undefined ? undefined : await readBack(session, stored.ledger, last)).toEqual(
      new Uint8Array(await (parts.at(-1)?.source.read(0, 2 * mebibyte) ?? Promise.reject(new Error('no part')))),
    )
  })

  test('whose names are those of object prototypes come back too', async () => {
    const session = newSession()
    const stored = await storeIn(createPartStore(session.environment, name, {}), session.ledger, [
      contentOf(line('a')),
      contentOf(line('b'), 'toString'),
      contentOf(line('c'), 'constructor'),
    ])
    for (const [at, letter] of ['a', 'b', 'c'].entries()) {
      const position = stored.positions[at]
      expect(position === undefined ? undefined : (await readBack(session, stored.ledger, position))[0]).toBe(letter.charCodeAt(0))
    }
  })

  test('are known again after a rewrite that was taken back, whether its stream begins on another one or on nothing', async () => {
    for (const shared of ['', 'abcdefghijklmnopqrstuvwxyz']) {
      const session = newSession()
      const bytes = (letters: string) => Buffer.concat([...letters].map(line))
      const old = contentOf(bytes(`${shared}ooo`))
      const store = () => createPartStore(session.environment, name, {})
      const first = await storeIn(store(), session.ledger, [old])
      const rewritten = await storeIn(store(), first.ledger, [contentOf(bytes(`${shared}xyz`))])
      const main = streamsOf(rewritten.ledger, 'main')
      expect(main).toHaveLength(2)
      // As `abandon` leaves it: the stream of the rewrite has nothing of its own any more.
      const abandoned = withStream(rewritten.ledger, 'main', 1, { ...main[1], segments: [], open: [] })
      const again = await storeIn(store(), abandoned, [old])
      expect([again.added, again.positions[0]?.stream]).toEqual([[], 0])
      const longer = await storeIn(store(), abandoned, [contentOf(bytes(`${shared}ooop`))])
      expect(longer.added).toEqual([{ name: 'main', stream: 0, from: old.endBytes }])
      // Another rewrite goes on where the one that was taken back had begun.
      const other = await storeIn(store(), abandoned, [contentOf(bytes(`${shared}qqq`))])
      expect(streamsOf(other.ledger, 'main')).toHaveLength(2)
    }
  })
})

async function storeIn(
  store: PartStore,
  ledger: Ledger,
  contents: Parameters<PartStore['match']>[1],
  stopAfterBytes?: number,
): ReturnType<PartStore['store']> {
  return store.store(ledger, await store.match(ledger, contents), { stopAfterBytes })
}
