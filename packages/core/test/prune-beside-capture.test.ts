import { expect, test } from 'vitest'
import { createEnvironment } from '../src/environment.ts'
import { sessionName } from '../src/keys.ts'
import { emptyLedger } from '../src/ledger.ts'
import { changeLedger, readLedger } from '../src/ledger-store.ts'
import { rangeDigests } from '../src/part-bytes.ts'
import { pruneStore } from '../src/prune.ts'
import { storedSource } from '../src/snapshot.ts'
import { createPartStore, type PartContent } from '../src/stored-parts.ts'
import { bytesSource } from './support/bytes-source.ts'
import { tinyStorage } from './support/tiny-storage.ts'

const name = sessionName('pi', 's')

/** Five MiB of lines. */
const bytes = Buffer.from(Array.from({ length: 50 }, (_, at) => `${String(at).repeat(50_000)}\n`.slice(-100_000)).join(''))

test('a long capture that committed chunks without a checkpoint stores them again when prune took them: nothing of it is lost', async () => {
  const storage = tinyStorage()
  const environment = createEnvironment({ storage, readers: [] })
  const source = bytesSource(bytes)
  const content: PartContent = { name: 'main', source, digestOf: rangeDigests(source), endBytes: bytes.byteLength }
  const store = createPartStore(environment, name, {})
  const goOn = (most: number) =>
    changeLedger(environment, name, {}, async (before) => {
      const ledger = before ?? emptyLedger({ agent: 'pi', sessionKey: 's', sessionId: 's' })
      const stored = await store.store(ledger, await store.match(ledger, [content]), { stopAfterBytes: most })
      return { ledger: stored.ledger, result: stored }
    })
  await goOn(2_000_000)
  await goOn(1_000_000)
  const report = await pruneStore(environment, { trashMs: 0 })
  expect(report.freedBytes).toBeGreaterThan(0)
  expect(storage.objectMap.size).toBe(0)
  // The same writer goes on: what it remembers as stored is gone, and the fence tells it so.
  const { positions, stopped } = await goOn(Number.POSITIVE_INFINITY)
  expect(stopped).toBe(false)
  const ledger = await readLedger(environment, name, {})
  const [position] = positions
  if (ledger === undefined || position === undefined) throw new Error('nothing was stored')
  const back = await (await storedSource({ environment, name, ledger }, position)).read(0, position.bytes)
  expect(Buffer.from(back).equals(bytes)).toBe(true)
})
