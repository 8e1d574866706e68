import assert from 'node:assert/strict'
import { maxRefBytes, type RefVersion } from '@palimpsest/core'
import type { StorageCase } from '../storage-case.ts'
import { assertBytes, assertRefused, casesOf, listedNames, patterned, swapAlone, utf8 } from './assertions.ts'

const refCase = casesOf('refs')

/** Small values that change by compare-and-swap alone. */
export const refCases: readonly StorageCase[] = [
  refCase('create-read-update', 'a ref is created, read and updated', async ({ storage, key }) => {
    const first = await swapAlone(storage, key('r'), 'one')
    assert.deepEqual((await storage.refs.read(key('r')))?.version, first)
    const second = await swapAlone(storage, key('r'), 'two', first)
    const read = await storage.refs.read(key('r'))
    assertBytes(read?.value, utf8('two'))
    assert.equal(read?.version, second)
    assert.notEqual(first, second)
  }),
  refCase('missing', 'a missing ref is undefined', async ({ storage, key }) => {
    assert.equal(await storage.refs.read(key('missing')), undefined)
    await swapAlone(storage, key('missing/below'), 'x')
    assert.equal(await storage.refs.read(key('missing')), undefined)
  }),
  refCase('create-existing', 'creating a ref that exists is lost and changes nothing', async ({ storage, key }) => {
    const version = await swapAlone(storage, key('r'), 'first')
    assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('second'), undefined), undefined)
    const read = await storage.refs.read(key('r'))
    assertBytes(read?.value, utf8('first'))
    assert.equal(read?.version, version)
  }),
  refCase('stale', 'a swap on a stale version is lost and changes nothing', async ({ storage, key }) => {
    const stale = await swapAlone(storage, key('r'), 'one')
    const current = await swapAlone(storage, key('r'), 'two', stale)
    assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('three'), stale), undefined)
    const read = await storage.refs.read(key('r'))
    assertBytes(read?.value, utf8('two'))
    assert.equal(read?.version, current)
    await swapAlone(storage, key('r'), 'three', current)
  }),
  refCase(
    'expected-but-missing',
    'a swap that expects a version of a missing ref is lost and creates nothing',
    async ({ storage, key }) => {
      const version = await swapAlone(storage, key('r'), 'one')
      assert.equal(await storage.refs.compareAndSwap(key('missing'), utf8('x'), version), undefined)
      assert.equal(await storage.refs.read(key('missing')), undefined)
      assert.deepEqual(await listedNames(storage, key('missing')), [])
    },
  ),
  refCase('made-up', 'a version that the adapter never gave is lost', async ({ storage, key }) => {
    await swapAlone(storage, key('r'), 'one')
    for (const madeUp of ['', '0', '-1', '999999999999', 'NaN', 'constructor', '../x', '1e0', ' 1', '*', '"'])
      assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('x'), madeUp as RefVersion), undefined, `version ${madeUp}`)
    assertBytes((await storage.refs.read(key('r')))?.value, utf8('one'))
  }),
  refCase('a-b-a', 'A-B-A is seen: the same bytes again are another version', async ({ storage, key }) => {
    const first = await swapAlone(storage, key('r'), 'A')
    const second = await swapAlone(storage, key('r'), 'B', first)
    const third = await swapAlone(storage, key('r'), 'A', second)
    assert.equal(new Set([first, second, third]).size, 3)
    assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('C'), first), undefined)
    assertBytes((await storage.refs.read(key('r')))?.value, utf8('A'))
  }),
  refCase('same-bytes', 'a swap to the bytes that are there already makes a new version', async ({ storage, key }) => {
    const first = await swapAlone(storage, key('r'), 'same')
    const second = await swapAlone(storage, key('r'), 'same', first)
    assert.notEqual(first, second)
    assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('same'), first), undefined)
  }),
  refCase('never-again', 'versions stay dead over 150 further updates, and none comes twice', async ({ storage, key }) => {
    const versions: RefVersion[] = [await swapAlone(storage, key('r'), '0')]
    for (let at = 1; at <= 150; at += 1) versions.push(await swapAlone(storage, key('r'), String(at), versions.at(-1)))
    assert.equal(new Set(versions).size, 151)
    for (const at of [0, 1, 2, 20, 80, 85, 86, 87, 88, 100, 148, 149])
      assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('stale'), versions[at]), undefined, `version ${at} came back to life`)
    assert.equal(await storage.refs.compareAndSwap(key('r'), utf8('stale'), undefined), undefined)
    assertBytes((await storage.refs.read(key('r')))?.value, utf8('150'))
  }),
  refCase('sizes', 'values of 0 bytes, 1 byte and 1 MiB are kept', async ({ storage, key }) => {
    let version: RefVersion | undefined
    for (const sizeBytes of [0, 1, maxRefBytes, 0, 70_000]) {
      version = await storage.refs.compareAndSwap(key('r'), patterned(sizeBytes), version)
      assert.notEqual(version, undefined)
      const read = await storage.refs.read(key('r'))
      assertBytes(read?.value, patterned(sizeBytes))
      assert.equal(read?.version, version)
    }
  }),
  refCase('too-large', 'a value over 1 MiB is refused and changes nothing', async ({ storage, key }) => {
    const version = await swapAlone(storage, key('r'), 'small')
    const bytes = new Uint8Array(maxRefBytes + 1)
    await assertRefused('too-large', () => storage.refs.compareAndSwap(key('r'), bytes, version))
    await assertRefused('too-large', () => storage.refs.compareAndSwap(key('new'), bytes, undefined))
    assert.equal((await storage.refs.read(key('r')))?.version, version)
    assert.equal(await storage.refs.read(key('new')), undefined)
  }),
  refCase('copied-in', 'what a swap stores is what it was called with', async ({ storage, key }) => {
    const buffer = Buffer.from('mine')
    const swapped = storage.refs.compareAndSwap(key('r'), buffer, undefined)
    buffer.fill(0)
    await swapped
    assertBytes((await storage.refs.read(key('r')))?.value, utf8('mine'))
  }),
  refCase('copied-out', 'a reader may scribble on the value it got', async ({ storage, key }) => {
    await swapAlone(storage, key('r'), 'original')
    const read = await storage.refs.read(key('r'))
    read?.value.fill(0)
    assertBytes((await storage.refs.read(key('r')))?.value, utf8('original'))
  }),
  refCase('list-order', 'refs are listed in byte order, each once, in pages of any size', async ({ storage, prefix, key }) => {
    const names = ['b', 'a/b', 'a', 'a-b', 'a.b', 'ab', 'abc', 'ab/c', 'ab-', 'a/b/c', '0', '_', 'aa', 'b/b', 'abc/d'].map(key)
    for (const name of names) await swapAlone(storage, name, name)
    const again = await storage.refs.read(key('a'))
    await swapAlone(storage, key('a'), 'again', again?.version)
    for (const limit of [1, 2, 5, 14, 15, 16, undefined]) {
      assert.deepEqual(await listedNames(storage, prefix, limit), names.toSorted(), `pages of ${limit}`)
    }
  }),
  refCase('list-prefix', 'a prefix may end inside a segment and lets no sibling in', async ({ storage, key }) => {
    for (const name of ['ab12', 'ab13', 'ab', 'ab/1', 'ac', 'abc']) await swapAlone(storage, key(name), name)
    assert.deepEqual(await listedNames(storage, key('ab1')), ['ab12', 'ab13'].map(key))
    assert.deepEqual(await listedNames(storage, key('ab')), ['ab', 'ab/1', 'ab12', 'ab13', 'abc'].map(key))
    assert.deepEqual(await listedNames(storage, `${key('ab')}/`), [key('ab/1')])
    assert.deepEqual(await listedNames(storage, key('zz')), [])
  }),
  refCase('list-cursor', 'a cursor is exclusive and need not exist', async ({ storage, prefix, key }) => {
    for (const name of ['b', 'd', 'd/x', 'f']) await swapAlone(storage, key(name), name)
    const after = async (cursor: string) => (await storage.refs.list(prefix, { after: key(cursor) })).items.map((item) => item.name)
    assert.deepEqual(await after('a'), ['b', 'd', 'd/x', 'f'].map(key))
    assert.deepEqual(await after('c'), ['d', 'd/x', 'f'].map(key))
    assert.deepEqual(await after('d'), ['d/x', 'f'].map(key))
    assert.deepEqual(await after('f'), [])
  }),
  refCase('list-limits', 'a limit of 0, below 0, over 1000, or no whole number is refused', async ({ storage, prefix }) => {
    for (const limit of [0, -1, 1001, 1.5, Number.NaN])
      await assertRefused('range', () => storage.refs.list(prefix, { limit }), `limit ${limit}`)
  }),
  refCase('names-apart', 'refs and objects never share a name', async ({ storage, key }) => {
    await storage.objects.put(key('same'), utf8('object'))
    assert.equal(await storage.refs.read(key('same')), undefined)
    await swapAlone(storage, key('same'), 'ref')
    assertBytes(await storage.objects.get(key('same')), utf8('object'))
    await storage.objects.delete([key('same')])
    assertBytes((await storage.refs.read(key('same')))?.value, utf8('ref'))
    assert.deepEqual(await listedNames(storage, key('same')), [key('same')])
  }),
]
