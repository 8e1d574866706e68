import { parseKey } from '@palimpsest/core'
import { expect, test } from 'vitest'
import { createMemoryStorage, createMemoryStore } from '../src/index.ts'

const key = parseKey('a')
const bytes = new Uint8Array([1, 2, 3])

test('instances without a shared store see nothing of each other', async () => {
  const [one, other] = [createMemoryStorage(), createMemoryStorage()]
  await one.objects.put(key, bytes)
  expect(await other.objects.get(key)).toBeUndefined()
})

test('a shared store outlives the instances that were closed', async () => {
  const shared = createMemoryStore()
  const first = createMemoryStorage({ shared })
  await first.objects.put(key, bytes)
  await first.close()
  expect(await createMemoryStorage({ shared }).objects.get(key)).toEqual(bytes)
})

test('the limit of an object is the one that was asked for', async () => {
  const storage = createMemoryStorage({ maxObjectBytes: 3 })
  expect(await storage.objects.put(key, bytes)).toEqual({ created: true })
  await expect(storage.objects.put(parseKey('b'), new Uint8Array(4))).rejects.toMatchObject({ kind: 'too-large' })
})
