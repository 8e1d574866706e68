import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countLineFeeds, cutChunk, maxChunkBytes } from '../src/chunking.ts'

/** Bytes as large as a few chunks, made of few numbers so that many of them can be tried. */
const largeBytes: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.record({
      sizeBytes: fc.oneof(
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 2 * maxChunkBytes }),
        fc.constantFrom(maxChunkBytes / 2, maxChunkBytes / 2 - 1, maxChunkBytes - 1, maxChunkBytes, maxChunkBytes + 1),
      ),
      fill: fc.constantFrom(10, 32, 97, 0xff),
      endsLine: fc.boolean(),
    }),
    { maxLength: 4 },
  )
  .map((runs) =>
    Buffer.concat(runs.flatMap(({ sizeBytes, fill, endsLine }) => [Buffer.alloc(sizeBytes, fill), Buffer.from(endsLine ? '\n' : '')])),
  )

/** Cuts as the writer does: through a window of at most one chunk, at whose end the part may end. */
function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength; at += chunks.at(-1)?.byteLength ?? 0) {
    const windowEnd = Math.min(bytes.byteLength, at + maxChunkBytes)
    const window = bytes.subarray(at, windowEnd)
    chunks.push(window.subarray(0, cutChunk(window, windowEnd === bytes.byteLength)))
  }
  return chunks
}

describe('chunks', () => {
  test('put together are the bytes again, none is empty, and none has more than 1 MiB', () => {
    fc.assert(
      fc.property(largeBytes, (bytes) => {
        const chunks = chunksOf(bytes)
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
        expect(chunks.every((chunk) => chunk.byteLength > 0 && chunk.byteLength <= maxChunkBytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('that are not the last are at least half full, and end at a line end where the second half of the window has one', () => {
    fc.assert(
      fc.property(largeBytes, (bytes) => {
        for (const chunk of chunksOf(bytes).slice(0, -1)) {
          expect(chunk.byteLength).toBeGreaterThanOrEqual(maxChunkBytes / 2)
          expect(chunk.at(-1) === 10 || chunk.subarray(maxChunkBytes / 2).indexOf(10) === -1).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('do not change when something is appended, but for the last one', () => {
    fc.assert(
      fc.property(largeBytes, largeBytes, (bytes, more) => {
        const before = chunksOf(bytes).slice(0, -1)
        const after = chunksOf(Buffer.concat([bytes, more]))
        before.forEach((chunk, index) => {
          expect(Buffer.compare(chunk, after[index] ?? new Uint8Array())).toBe(0)
        })
      }),
      { numRuns: 60 },
    )
  })

  test('a window that is exactly full and the last is one chunk', () => {
    expect(cutChunk(Buffer.alloc(maxChunkBytes, 'a\n'), true)).toBe(maxChunkBytes)
    expect(cutChunk(Buffer.alloc(maxChunkBytes, 97), false)).toBe(maxChunkBytes)
    expect(cutChunk(new Uint8Array(0), true)).toBe(0)
  })
})

test('line feeds are counted as they are', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(10, 13, 97)), (bytes) => {
      expect(countLineFeeds(Uint8Array.from(bytes))).toBe(bytes.filter((byte) => byte === 10).length)
    }),
  )
})
