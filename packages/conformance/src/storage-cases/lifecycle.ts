import assert from 'node:assert/strict'
import type { StorageCase } from '../storage-case.ts'
import { assertBytes, assertRefused, casesOf, listedKeys, listedNames, swapAlone, utf8 } from './assertions.ts'
import { operations } from './operations.ts'

const lifecycleCase = casesOf('lifecycle')

/** Opening, closing, and what stays. */
export const lifecycleCases: readonly StorageCase[] = [
  lifecycleCase('traits', 'the traits are of the kinds that the port knows', async ({ storage }) => {
    const { durable, sharedBy, maxObjectBytes } = storage.traits
    assert.equal(typeof durable, 'boolean')
    assert.ok(['process', 'machine', 'network'].includes(sharedBy), `sharedBy is ${sharedBy}`)
    assert.ok(Number.isSafeInteger(maxObjectBytes) && maxObjectBytes >= 8 * 1024 * 1024, 'an object of 8 MiB must fit')
    assert.equal(
      storage.refs.changes !== undefined,
      storage.traits.tellsChanges === true,
      'tellsChanges must say whether refs.changes is there',
    )
  }),
  lifecycleCase('open-twice', 'open is idempotent', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('a'))
    await storage.open()
    await Promise.all([storage.open(), storage.open()])
    assertBytes(await storage.objects.get(key('a')), utf8('a'))
  }),
  lifecycleCase('open-together', 'eight instances open and write at once', async ({ unopened, storage, prefix, key }) => {
    const instances = await Promise.all(Array.from({ length: 8 }, unopened))
    await Promise.all(
      instances.map(async (instance, at) => {
        await instance.open()
        await instance.objects.put(key(`o${at}`), utf8(`o${at}`))
        await swapAlone(instance, key(`r${at}`), `r${at}`)
      }),
    )
    assert.equal((await listedKeys(storage, prefix)).length, 8)
    assert.equal((await listedNames(storage, prefix)).length, 8)
  }),
  lifecycleCase(
    'open-writes-nothing',
    'opening an instance changes nothing that is listed or read',
    async ({ storage, another, prefix, key }) => {
      const version = await swapAlone(storage, key('r'), 'r')
      await storage.objects.put(key('a'), utf8('a'))
      const other = await another()
      assert.deepEqual(await listedKeys(other, prefix), [key('a')])
      assert.deepEqual(await listedNames(other, prefix), [key('r')])
      assert.equal((await storage.refs.read(key('r')))?.version, version)
    },
  ),
  lifecycleCase('new-instance', 'a new instance finds what is there', async ({ storage, another, key }) => {
    await storage.objects.put(key('a'), utf8('object'))
    const version = await swapAlone(storage, key('r'), 'ref')
    const other = await another()
    assertBytes(await other.objects.get(key('a')), utf8('object'))
    const read = await other.refs.read(key('r'))
    assertBytes(read?.value, utf8('ref'))
    assert.equal(read?.version, version)
  }),
  lifecycleCase(
    'reopened',
    'what was written is there after every instance was closed',
    async ({ storage, another, key }) => {
      await storage.objects.put(key('a'), utf8('object'))
      const version = await swapAlone(storage, key('r'), 'ref')
      await storage.close()
      const other = await another()
      assertBytes(await other.objects.get(key('a')), utf8('object'))
      await swapAlone(other, key('r'), 'later', version)
    },
    { durable: true },
  ),
  lifecycleCase('close-twice', 'close is idempotent', async ({ another }) => {
    const instance = await another()
    await instance.close()
    await instance.close()
    await Promise.all([instance.close(), instance.close()])
  }),
  lifecycleCase('close-unopened', 'an instance that was never opened can be closed', async ({ unopened }) => {
    const instance = await unopened()
    await instance.close()
  }),
  lifecycleCase('close-one', 'closing one instance closes no other', async ({ storage, another, key }) => {
    const instance = await another()
    await instance.objects.put(key('a'), utf8('a'))
    await instance.close()
    assertBytes(await storage.objects.get(key('a')), utf8('a'))
    await swapAlone(storage, key('r'), 'r')
  }),
  lifecycleCase('close-while-busy', 'what was called before close is done whole or says so', async ({ storage, another, key }) => {
    const instance = await another()
    const puts = Array.from({ length: 10 }, (_, at) => instance.objects.put(key(`busy${at}`), utf8(`busy${at}`)))
    const settled = Promise.allSettled(puts)
    await instance.close()
    for (const [at, put] of (await settled).entries()) {
      const seen = await storage.objects.get(key(`busy${at}`))
      if (put.status === 'fulfilled') assertBytes(seen, utf8(`busy${at}`))
      else await assertRefused('closed', () => Promise.reject(put.reason))
    }
  }),
  ...Object.entries(operations).map(([operation, call]) =>
    lifecycleCase(`closed-${operation}`, `${operation} after close says closed and does nothing`, async ({ storage, another, key }) => {
      await storage.objects.put(key('a'), utf8('object'))
      const instance = await another()
      await instance.close()
      await assertRefused('closed', () => call(instance, key('a')))
      await assertRefused('closed', () => call(instance, key('new')))
      assertBytes(await storage.objects.get(key('a')), utf8('object'))
      assert.equal(await storage.objects.get(key('new')), undefined)
      assert.equal(await storage.refs.read(key('new')), undefined)
    }),
  ),
]
