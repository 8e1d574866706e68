import { expect, test } from 'vitest'
import { chunkWindow } from '../src/chunk-window.ts'
import { freeBytes } from '../src/free-bytes.ts'

const count = 12
const sizeBytes = 100_000

test('whoever uses a chunk sees its bytes, whatever others read meanwhile and in which order', async () => {
  let reads = 0
  const window = chunkWindow(count, async (index) => {
    reads++
    await new Promise((resolve) => setTimeout(resolve, (index * 7) % 5))
    return new Uint8Array(sizeBytes).fill(index + 1)
  })
  const orders = [range(count), range(count).reverse(), range(count).map((at) => (at * 5) % count)]
  await Promise.all(
    orders.map(async (order) => {
      for (const index of order) {
        const seen = await window.use(index, (raw) => [raw.length, raw[0], raw[sizeBytes - 1]])
        expect(seen).toEqual([sizeBytes, index + 1, index + 1])
      }
    }),
  )
  expect(reads).toBeGreaterThanOrEqual(count)
})

test('read forwards each chunk is read once, in slices of any length, and its memory is given back', async () => {
  const read: { index: number; raw: Uint8Array }[] = []
  const window = chunkWindow(count, async (index) => {
    const raw = new Uint8Array(sizeBytes).fill(index + 1)
    read.push({ index, raw })
    return raw
  })
  for (const index of range(count).flatMap((at) => [at, at, at])) expect(await window.use(index, (raw) => raw[5])).toBe(index + 1)
  await new Promise(setImmediate)
  expect(read.map(({ index }) => index)).toEqual(range(count))
  expect(read.filter(({ raw }) => raw.length > 0).length).toBeLessThanOrEqual(3)
})

test('a chunk that can not be read is an error for whoever asks for it, and for nobody else', async () => {
  const window = chunkWindow(count, async (index) => {
    if (index === 3) throw new Error('damaged')
    return new Uint8Array(10).fill(index)
  })
  for (const index of range(3)) expect(await window.use(index, (raw) => raw[0])).toBe(index)
  await expect(window.use(3, (raw) => raw[0])).rejects.toThrow('damaged')
  expect(await window.use(4, (raw) => raw[0])).toBe(4)
  expect(await window.use(count, () => 0)).toBeUndefined()
})

test('bytes that are a small part of something larger are not freed, nor is that', () => {
  const whole = new Uint8Array(1000).fill(1)
  freeBytes(whole.subarray(0, 400))
  freeBytes(whole.subarray(1))
  const pooled = Buffer.from('a few bytes')
  freeBytes(pooled)
  expect([whole.length, whole[0], pooled.toString()]).toEqual([1000, 1, 'a few bytes'])
  freeBytes(whole)
  expect(whole.length).toBe(0)
})

function range(length: number): number[] {
  return Array.from({ length }, (_, at) => at)
}
