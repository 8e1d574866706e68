import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decompress } from '../src/compression.ts'
import { createCompressor, type Frame, freeFrame } from '../src/compressor.ts'

const joined = ({ pieces }: Frame) => Buffer.concat(pieces)
const noise = (sizeBytes: number, seed: number) => {
  let state = seed
  return Uint8Array.from({ length: sizeBytes }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state >>> 24
  })
}

test('what is given at once comes back in order, each as a frame of its own, also after it was closed in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 9 }), fc.integer({ min: 1, max: 3 }), async (raws, lanes) => {
      const compressor = createCompressor(lanes)
      for (const batch of [raws, raws.slice(1)]) {
        const frames = await Promise.all(batch.map((raw) => compressor.compress(raw)))
        for (const [index, raw] of batch.entries()) {
          const frame = frames[index] ?? { sizeBytes: 0, pieces: [] }
          expect(joined(frame)).toHaveLength(frame.sizeBytes)
          expect(Buffer.compare(await decompress(joined(frame), raw.byteLength), raw)).toBe(0)
        }
        compressor.close()
      }
    }),
    { numRuns: 30 },
  )
})

test('frames of many pieces are whole, and freeing one leaves the others as they are', async () => {
  const compressor = createCompressor(2)
  const raws = [1, 2, 3, 4, 5].map((seed) => noise(1024 * 1024, seed))
  const frames = await Promise.all(raws.map((raw) => compressor.compress(raw)))
  for (const [index, frame] of frames.entries()) {
    expect(frame.pieces.length).toBeGreaterThan(8)
    expect(Buffer.compare(await decompress(joined(frame), 1024 * 1024), raws[index] ?? noise(0, 0))).toBe(0)
    freeFrame(frame)
  }
  compressor.close()
})

test('closing while a frame is made rejects it, and what waits behind it', async () => {
  const compressor = createCompressor(1)
  const frames = [compressor.compress(noise(1024 * 1024, 1)), compressor.compress(noise(10, 1))]
  await new Promise((resolve) => setImmediate(resolve))
  compressor.close()
  for (const result of await Promise.allSettled(frames)) expect(result.status).toBe('rejected')
})
