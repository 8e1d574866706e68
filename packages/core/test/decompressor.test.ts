import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { compress, decompress } from '../src/compression.ts'

const sizeBytes = 1024 * 1024
const large = async (seed: number) => {
  const raw = Buffer.alloc(sizeBytes, randomBytes(5000))
  raw[0] = seed
  return { raw, frame: await compress(raw) }
}

test('large frames come back one after the other and at once, each in a buffer of its own', async () => {
  const frames = await Promise.all([0, 1, 2, 3, 4, 5].map(large))
  for (const { raw, frame } of frames) expect(raw.equals(await decompress(frame, sizeBytes))).toBe(true)
  const all = await Promise.all(frames.map(({ frame }) => decompress(frame, sizeBytes)))
  for (const [at, bytes] of all.entries()) {
    expect(frames[at]?.raw.equals(bytes)).toBe(true)
    expect(bytes.buffer.byteLength).toBe(sizeBytes)
  }
})

test('a large frame that is cut off, damaged, too short or too long is refused, and the next one is read', async () => {
  const { raw, frame } = await large(1)
  const damaged = Uint8Array.from(frame)
  damaged.fill(0xff, 0, 8)
  for (const [bad, rawBytes] of [
    [frame.subarray(0, frame.length / 2), sizeBytes],
    [frame.subarray(0, 0), sizeBytes],
    [damaged, sizeBytes],
    [frame, sizeBytes - 1],
    [await compress(raw.subarray(1)), sizeBytes],
  ] as const) {
    await expect(decompress(bad, rawBytes)).rejects.toThrow()
    expect(raw.equals(await decompress(frame, sizeBytes))).toBe(true)
  }
})

test('a frame without its end, though it gives all bytes, spoils none that comes after it', async () => {
  const { raw, frame } = await large(2)
  await decompress(frame.subarray(0, -1), sizeBytes).catch(() => undefined)
  expect(raw.equals(await decompress(frame, sizeBytes))).toBe(true)
})
