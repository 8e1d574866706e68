import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { StorageCase } from '../storage-case.ts'
import { assertBytes, casesOf, listedKeys, patterned, swapAlone, thrownBy, utf8 } from './assertions.ts'
import { operations } from './operations.ts'

const abortCase = casesOf('abort')

/** Signals: the reason is rethrown untouched, and what was aborted leaves nothing half-done. */
export const abortCases: readonly StorageCase[] = [
  ...Object.entries(operations).map(([operation, call]) =>
    abortCase(operation, `${operation} with an aborted signal rethrows the reason`, async ({ storage, key }) => {
      await storage.objects.put(key('a'), utf8('object'))
      await swapAlone(storage, key('a'), 'ref')
      for (const reason of [new Error('enough'), new DOMException('stop', 'AbortError'), 'a word', { any: 'thing' }]) {
        const signal = AbortSignal.abort(reason)
        assert.equal(await thrownBy(() => call(storage, key('a'), { signal })), reason, 'something else than the reason was thrown')
      }
    }),
  ),
  abortCase('put-does-nothing', 'an aborted put stores nothing', async ({ storage, prefix, key }) => {
    await thrownBy(() => storage.objects.put(key('a'), utf8('a'), { signal: AbortSignal.abort() }))
    assert.equal(await storage.objects.get(key('a')), undefined)
    assert.deepEqual(await listedKeys(storage, prefix), [])
    assert.deepEqual(await storage.objects.put(key('a'), utf8('b')), { created: true })
  }),
  abortCase('delete-does-nothing', 'an aborted delete deletes nothing', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('a'))
    await thrownBy(() => storage.objects.delete([key('a')], { signal: AbortSignal.abort() }))
    assertBytes(await storage.objects.get(key('a')), utf8('a'))
  }),
  abortCase('swap-does-nothing', 'an aborted swap changes nothing', async ({ storage, key }) => {
    const version = await swapAlone(storage, key('r'), 'before')
    await thrownBy(() => storage.refs.compareAndSwap(key('r'), utf8('after'), version, { signal: AbortSignal.abort() }))
    await thrownBy(() => storage.refs.compareAndSwap(key('new'), utf8('after'), undefined, { signal: AbortSignal.abort() }))
    assert.equal((await storage.refs.read(key('r')))?.version, version)
    assert.equal(await storage.refs.read(key('new')), undefined)
  }),
  abortCase('put-midway', 'a put aborted while it runs has stored everything or nothing, and a later put works', async (context) => {
    const { storage, key } = context
    const bytes = patterned(2 * 1024 * 1024)
    for (const delayMs of [0, 0, 1, 2, 4, 8]) {
      const object = key(`midway${delayMs}-${Math.random().toString(36).slice(2)}`)
      const controller = new AbortController()
      const reason = new Error('midway')
      const put = storage.objects.put(object, bytes, { signal: controller.signal }).catch((error: unknown) => error)
      if (delayMs > 0) await setTimeout(delayMs)
      controller.abort(reason)
      const outcome = await put
      if (outcome instanceof Error) assert.equal(outcome, reason, 'something else than the reason was thrown')
      const seen = await (await context.another()).objects.get(object)
      if (seen !== undefined) assertBytes(seen, bytes)
      const again = await storage.objects.put(object, bytes)
      assert.equal(again.created, seen === undefined)
      assertBytes(await storage.objects.get(object), bytes)
    }
  }),
  abortCase('swap-midway', 'a swap aborted while it runs is whole or did not happen', async ({ storage, key }) => {
    let version = await swapAlone(storage, key('r'), 'start')
    for (const delayMs of [0, 0, 1, 2, 3]) {
      const controller = new AbortController()
      const swap = storage.refs.compareAndSwap(key('r'), patterned(200_000), version, { signal: controller.signal }).catch(() => undefined)
      if (delayMs > 0) await setTimeout(delayMs)
      controller.abort(new Error('midway'))
      const swapped = await swap
      const read = await storage.refs.read(key('r'))
      assert.ok(read)
      if (swapped !== undefined) assert.equal(read.version, swapped)
      if (read.version !== version) assertBytes(read.value, patterned(200_000))
      version = await swapAlone(storage, key('r'), 'again', read.version)
    }
  }),
  abortCase('not-aborted', 'a signal that is never aborted, or only afterwards, disturbs nothing', async ({ storage, key }) => {
    const controller = new AbortController()
    const { signal } = controller
    await storage.objects.put(key('a'), utf8('a'), { signal })
    assert.notEqual(await storage.refs.compareAndSwap(key('a'), utf8('ref'), undefined, { signal }), undefined)
    for (const call of Object.values(operations)) await call(storage, key('b'), { signal })
    controller.abort()
    assertBytes(await storage.objects.get(key('a')), utf8('a'))
    assertBytes((await storage.refs.read(key('a')))?.value, utf8('ref'))
  }),
]
