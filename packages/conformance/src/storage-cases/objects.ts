import assert from 'node:assert/strict'
import type { StorageCase } from '../storage-case.ts'
import { assertBytes, assertRefused, casesOf, listedKeys, patterned, utf8 } from './assertions.ts'

const mebibyte = 1024 * 1024
const objectCase = casesOf('objects')

/** Immutable values, each created once. */
export const objectCases: readonly StorageCase[] = [
  objectCase('round-trip', 'what was put is what one gets', async ({ storage, key }) => {
    assert.deepEqual(await storage.objects.put(key('a'), utf8('bytes')), { created: true })
    assertBytes(await storage.objects.get(key('a')), utf8('bytes'))
  }),
  objectCase('missing', 'a missing object is undefined', async ({ storage, key }) => {
    assert.equal(await storage.objects.get(key('missing')), undefined)
    assert.equal(await storage.objects.get(key('missing/below')), undefined)
  }),
  objectCase('empty', 'an empty object is stored, and is not a missing one', async ({ storage, key }) => {
    assert.deepEqual(await storage.objects.put(key('empty'), new Uint8Array(0)), { created: true })
    assertBytes(await storage.objects.get(key('empty')), new Uint8Array(0))
    assert.deepEqual(await storage.objects.put(key('empty'), utf8('later')), { created: false })
  }),
  objectCase('every-byte', 'every value of a byte survives', async ({ storage, key }) => {
    const all = Uint8Array.from({ length: 512 }, (_, at) => at % 256)
    await storage.objects.put(key('all'), all)
    assertBytes(await storage.objects.get(key('all')), all)
  }),
  objectCase('create-only', 'a second put creates nothing and changes nothing', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('first'))
    assert.deepEqual(await storage.objects.put(key('a'), utf8('second, longer')), { created: false })
    assertBytes(await storage.objects.get(key('a')), utf8('first'))
  }),
  objectCase('copied-in', 'the caller may reuse its buffer after put', async ({ storage, key }) => {
    const buffer = utf8('mine')
    await storage.objects.put(key('a'), buffer)
    buffer.fill(0)
    assertBytes(await storage.objects.get(key('a')), utf8('mine'))
  }),
  objectCase('copied-in-at-once', 'what put stores is what it was called with', async ({ storage, key }) => {
    const buffer = Buffer.from(patterned(200_000))
    const stored = storage.objects.put(key('a'), buffer)
    buffer.fill(0)
    await stored
    assertBytes(await storage.objects.get(key('a')), patterned(200_000))
  }),
  objectCase('copied-out', 'a reader may scribble on what it got', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('original'))
    const got = await storage.objects.get(key('a'))
    const part = await storage.objects.get(key('a'), { range: { start: 0, end: 4 } })
    got?.fill(0)
    part?.fill(0)
    assertBytes(await storage.objects.get(key('a')), utf8('original'))
  }),
  objectCase('view', 'a view into a larger buffer is stored without the rest of it', async ({ storage, key }) => {
    const buffer = patterned(1000)
    await storage.objects.put(key('a'), buffer.subarray(100, 300))
    await storage.objects.put(key('b'), Buffer.from(buffer.buffer, 500, 10))
    assertBytes(await storage.objects.get(key('a')), patterned(1000).slice(100, 300))
    assertBytes(await storage.objects.get(key('b')), patterned(1000).slice(500, 510))
  }),
  objectCase('range', 'a range is half-open: start, middle, end, whole, empty', async ({ storage, key }) => {
    const bytes = patterned(5000)
    await storage.objects.put(key('a'), bytes)
    const ranges = [
      [0, 10],
      [1234, 4321],
      [4990, 5000],
      [0, 5000],
      [0, 0],
      [77, 77],
      [5000, 5000],
    ] as const
    for (const [start, end] of ranges) {
      const part = await storage.objects.get(key('a'), { range: { start, end } })
      assertBytes(part, bytes.slice(start, end), `bytes ${start} to ${end}`)
    }
  }),
  objectCase('range-beyond', 'a range beyond the end is an error, not a truncation', async ({ storage, key }) => {
    await storage.objects.put(key('a'), patterned(100))
    for (const [start, end] of [
      [0, 101],
      [99, 200],
      [100, 101],
      [101, 101],
      [500, 600],
      [0, 8 * mebibyte],
      [0, 2 ** 45],
    ] as const)
      await assertRefused('range', () => storage.objects.get(key('a'), { range: { start, end } }), `bytes ${start} to ${end}`)
  }),
  objectCase('range-malformed', 'a range that is none is an error', async ({ storage, key }) => {
    await storage.objects.put(key('a'), patterned(100))
    for (const [start, end] of [
      [-1, 5],
      [10, 9],
      [0.5, 2],
      [0, 1.5],
      [Number.NaN, 4],
      [0, Number.POSITIVE_INFINITY],
    ] as const)
      await assertRefused('range', () => storage.objects.get(key('a'), { range: { start, end } }), `bytes ${start} to ${end}`)
  }),
  objectCase('range-missing', 'a range of a missing object is undefined', async ({ storage, key }) => {
    assert.equal(await storage.objects.get(key('missing'), { range: { start: 3, end: 7 } }), undefined)
  }),
  objectCase('delete', 'a deleted object is absent', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('a'))
    await storage.objects.delete([key('a')])
    assert.equal(await storage.objects.get(key('a')), undefined)
    assert.deepEqual(await listedKeys(storage, key('a')), [])
  }),
  objectCase('delete-absent', 'delete resolves for absent keys, for repeated ones, and for none', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('a'))
    await storage.objects.delete([key('missing'), key('a'), key('a'), key('not/there')])
    await storage.objects.delete([key('a')])
    await storage.objects.delete([])
    assert.equal(await storage.objects.get(key('a')), undefined)
  }),
  objectCase('delete-batch', 'many keys are deleted in one call, and no others', async ({ storage, key }) => {
    const keys = Array.from({ length: 150 }, (_, at) => key(`many/${at}`))
    await Promise.all(keys.map((each) => storage.objects.put(each, utf8(each))))
    await storage.objects.put(key('other'), utf8('other'))
    await storage.objects.delete([...keys, key('many/absent')])
    assert.deepEqual(await listedKeys(storage, key('many')), [])
    assertBytes(await storage.objects.get(key('other')), utf8('other'))
  }),
  objectCase('delete-siblings', 'delete leaves keys that begin alike', async ({ storage, key }) => {
    const keys = ['a', 'a/b', 'a.b', 'a-b', 'ab', 'a/b/c'].map(key)
    for (const each of keys) await storage.objects.put(each, utf8(each))
    await storage.objects.delete([key('a')])
    for (const each of keys.slice(1)) assertBytes(await storage.objects.get(each), utf8(each), each)
    await storage.objects.delete([key('a/b')])
    assertBytes(await storage.objects.get(key('a/b/c')), utf8(key('a/b/c')))
  }),
  objectCase('create-again', 'put after delete creates again', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('old'))
    await storage.objects.delete([key('a')])
    assert.deepEqual(await storage.objects.put(key('a'), utf8('new')), { created: true })
    assertBytes(await storage.objects.get(key('a')), utf8('new'))
  }),
  objectCase('nested', 'a key and keys below it live side by side', async ({ storage, key }) => {
    for (const rest of ['n', 'n/n', 'n/n/n', 'n/m', 'nn']) await storage.objects.put(key(rest), utf8(rest))
    for (const rest of ['n', 'n/n', 'n/n/n', 'n/m', 'nn']) assertBytes(await storage.objects.get(key(rest)), utf8(rest), rest)
  }),
  objectCase('one-mebibyte', 'objects of one mebibyte, a byte less, a byte more', async ({ storage, key }) => {
    for (const sizeBytes of [mebibyte - 1, mebibyte, mebibyte + 1]) {
      const bytes = patterned(sizeBytes, sizeBytes)
      await storage.objects.put(key(String(sizeBytes)), bytes)
      assertBytes(await storage.objects.get(key(String(sizeBytes))), bytes)
    }
  }),
  objectCase(
    'large',
    'an object of 32 MiB comes back whole and in ranges',
    async ({ storage, key }) => {
      const bytes = patterned(32 * mebibyte)
      await storage.objects.put(key('large'), bytes)
      assertBytes(await storage.objects.get(key('large')), bytes)
      const range = { start: 9 * mebibyte + 1, end: 22 * mebibyte + 5 }
      assertBytes(await storage.objects.get(key('large'), { range }), bytes.subarray(range.start, range.end))
    },
    { minObjectBytes: 32 * mebibyte },
  ),
  objectCase(
    'too-large',
    'an object over the limit is refused and leaves nothing',
    async ({ storage, key }) => {
      const bytes = new Uint8Array(storage.traits.maxObjectBytes + 1)
      await assertRefused('too-large', () => storage.objects.put(key('huge'), bytes))
      assert.equal(await storage.objects.get(key('huge')), undefined)
      assert.deepEqual(await storage.objects.put(key('huge'), utf8('small')), { created: true })
    },
    { maxObjectBytes: 1024 * mebibyte },
  ),
]
