import assert from 'node:assert/strict'
import type { Key, Storage } from '@palimpsest/core'
import type { StorageCase } from '../storage-case.ts'
import { assertRefused, casesOf, listedKeys, patterned, utf8, yieldToOthers } from './assertions.ts'

const listCase = casesOf('lists')
const alphabet = [...'-._0123456789abcdefghijklmnopqrstuvwxyz']

/** Listings of objects: byte order, pages, cursors. */
export const listCases: readonly StorageCase[] = [
  listCase('byte-order', 'keys come in byte order over the whole alphabet', async ({ storage, prefix, key }) => {
    const names = alphabet.filter((each) => each !== '.').flatMap((each) => [each, `${each}x`, `m${each}`, `m${each}x`])
    const keys = [...new Set([...names, 'm', 'm.x', '.x', 'm/x', 'm/-', 'm/a/b', 'mm/x', 'm-/x', 'm0/x', 'm_'])].map(key)
    await putAll(storage, keys)
    assert.deepEqual(await listedKeys(storage, prefix), keys.toSorted(byBytes))
  }),
  listCase(
    'nested-order',
    'a key, keys below it and its neighbours are in the order of the whole key',
    async ({ storage, prefix, key }) => {
      const keys = ['aa-a', 'aa.a', 'aa/a', 'aa0', 'aa', 'aa/a/b', 'aa/b', 'aa-a/z', 'aaa', 'aaa/a', 'aab'].map(key)
      await putAll(storage, keys)
      assert.deepEqual(await listedKeys(storage, prefix), keys.toSorted(byBytes))
      assert.deepEqual(await listedKeys(storage, prefix, 1), keys.toSorted(byBytes))
    },
  ),
  listCase('prefix', 'a prefix never lets a sibling in', async ({ storage, key }) => {
    await putAll(storage, ['ab/1', 'ab/2', 'ab', 'abc/1', 'ab.1', 'ac', 'a', 'b'].map(key))
    assert.deepEqual(await listedKeys(storage, key('ab/1')), [key('ab/1')])
    assert.deepEqual(await listedKeys(storage, `${key('ab')}/`), ['ab/1', 'ab/2'].map(key))
  }),
  listCase('prefix-inside', 'a prefix may end inside a segment', async ({ storage, key }) => {
    await putAll(storage, ['ab/1', 'ab', 'abc/1', 'abc', 'ab.1', 'ac/1', 'b/abc'].map(key))
    assert.deepEqual(await listedKeys(storage, key('ab')), ['ab', 'ab.1', 'ab/1', 'abc', 'abc/1'].map(key))
    assert.deepEqual(await listedKeys(storage, key('abc')), ['abc', 'abc/1'].map(key))
    assert.deepEqual(await listedKeys(storage, key('a')), ['ab', 'ab.1', 'ab/1', 'abc', 'abc/1', 'ac/1'].map(key))
  }),
  listCase('pages', 'pages of any size have no gap and no repeat', async ({ storage, prefix, key }) => {
    const keys = Array.from({ length: 23 }, (_, at) => key(`${String.fromCharCode(97 + (at % 5))}${at % 2 === 0 ? '/' : ''}${at}`))
    await putAll(storage, keys)
    for (const limit of [1, 2, 3, 7, 22, 23, 24, 1000]) {
      assert.deepEqual(await listedKeys(storage, prefix, limit), keys.toSorted(byBytes), `pages of ${limit}`)
    }
  }),
  listCase('default-limit', 'a page holds at most 1000 keys when nothing else is said', async ({ storage, prefix, key }) => {
    const keys = Array.from({ length: 1003 }, (_, at) => key(`k${String(at).padStart(4, '0')}`))
    for (let at = 0; at < keys.length; at += 100) await putAll(storage, keys.slice(at, at + 100))
    const first = await storage.objects.list(prefix)
    assert.ok(first.items.length <= 1000)
    assert.notEqual(first.next, undefined)
    assert.deepEqual(await listedKeys(storage, prefix), keys)
  }),
  listCase('cursor-deleted', 'a cursor survives the deletion of the key it names', async ({ storage, prefix, key }) => {
    const keys = ['a', 'b', 'c', 'd', 'e'].map(key)
    await putAll(storage, keys)
    const { next } = await storage.objects.list(prefix, { limit: 2 })
    await storage.objects.delete([key('b')])
    const rest = await storage.objects.list(prefix, { after: next })
    assert.deepEqual(
      rest.items.map((item) => item.key),
      ['c', 'd', 'e'].map(key),
    )
  }),
  listCase('cursor-anywhere', 'a cursor need not exist, nor lie under the prefix', async ({ storage, key }) => {
    await putAll(storage, ['m/b', 'm/d', 'm/d/x', 'm/f'].map(key))
    const after = async (cursor: string) => (await storage.objects.list(key('m'), { after: key(cursor) })).items.map((item) => item.key)
    assert.deepEqual(await after('m/c'), ['m/d', 'm/d/x', 'm/f'].map(key))
    assert.deepEqual(await after('m/d'), ['m/d/x', 'm/f'].map(key))
    assert.deepEqual(await after('m/d/x/y'), ['m/f'].map(key))
    assert.deepEqual(await after('a'), ['m/b', 'm/d', 'm/d/x', 'm/f'].map(key))
    assert.deepEqual(await after('m/f'), [])
    assert.deepEqual(await after('z'), [])
  }),
  listCase('limits', 'a limit of 0, below 0, over 1000, or no whole number is refused', async ({ storage, prefix }) => {
    for (const limit of [0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      await assertRefused('range', () => storage.objects.list(prefix, { limit }), `limit ${limit}`)
  }),
  listCase('empty', 'nothing under a prefix is an empty page', async ({ storage, key }) => {
    assert.deepEqual((await storage.objects.list(key('nothing'))).items, [])
    assert.equal((await storage.objects.list(`${key('nothing')}/`)).next, undefined)
  }),
  listCase('sizes', 'sizes are listed as soon as put has resolved', async ({ storage, prefix, key }) => {
    for (const sizeBytes of [0, 1, 4097, 70_000]) {
      await storage.objects.put(key(`s${String(sizeBytes).padStart(6, '0')}`), patterned(sizeBytes))
      assert.equal((await storage.objects.list(prefix)).items.at(-1)?.sizeBytes, sizeBytes)
    }
    assert.deepEqual(
      (await storage.objects.list(prefix)).items.map((item) => item.sizeBytes),
      [0, 1, 4097, 70_000],
    )
  }),
  listCase('another-instance', 'everything that another instance wrote before the call is listed', async (context) => {
    const { storage, prefix, key } = context
    const other = await context.another()
    for (let at = 0; at < 20; at += 1) {
      await other.objects.put(key(`n${10 + at}`), utf8('n'))
      assert.equal((await listedKeys(storage, prefix)).length, at + 1)
    }
  }),
  listCase('steady-keys', 'keys that are there all the time are listed once while others come and go', async (context) => {
    const { storage, prefix, key } = context
    const steady = Array.from({ length: 30 }, (_, at) => key(`s${10 + at}/steady`))
    await putAll(storage, steady)
    const other = await context.another()
    const stop = new AbortController()
    const churn = comeAndGo(other, key, stop.signal)
    try {
      for (let round = 0; round < 8; round += 1) {
        const keys = (await listedKeys(storage, prefix, 7)).filter((each) => each.endsWith('/steady'))
        assert.deepEqual(keys, steady)
        await yieldToOthers()
      }
    } finally {
      stop.abort()
      await churn
    }
  }),
  listCase('refs-apart', 'refs are not listed among objects', async ({ storage, prefix, key }) => {
    await storage.refs.compareAndSwap(key('ref'), utf8('ref'), undefined)
    await storage.objects.put(key('object'), utf8('object'))
    assert.deepEqual(await listedKeys(storage, prefix), [key('object')])
  }),
]

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

async function putAll(storage: Storage, keys: readonly Key[]): Promise<void> {
  await Promise.all(keys.map((key) => storage.objects.put(key, utf8(key))))
}

async function comeAndGo(storage: Storage, key: (rest: string) => Key, stop: AbortSignal): Promise<void> {
  for (let round = 0; !stop.aborted; round += 1) {
    const passing = key(`s${10 + (round % 30)}/passing${round % 3}`)
    await storage.objects.put(passing, utf8('passing'))
    await storage.objects.delete([passing])
    await yieldToOthers()
  }
}
