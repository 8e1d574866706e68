import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../src/digest.ts'
import { rangeDigests } from '../src/part-bytes.ts'

const mebibyte = 1 << 20
const bytes = Uint8Array.from({ length: 3 * mebibyte + 12_345 }, (_, at) => (at * 7 + (at >> 9)) & 255)

/** A source that counts what is read of it. */
function countedSource(withReadInto: boolean) {
  const counted = { readBytes: 0, reads: 0 }
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    if (start < 0 || end > bytes.length) throw new RangeError('outside')
    counted.reads += 1
    counted.readBytes += end - start
    return bytes.slice(start, end)
  }
  const readInto = async (target: Uint8Array, start: number): Promise<void> => target.set(await read(start, start + target.length))
  return { counted, source: { sizeBytes: bytes.length, read, ...(withReadInto ? { readInto } : {}) } }
}

describe('digests of ranges', () => {
  test('of many short chunks one behind the other read the source once', async () => {
    const { counted, source } = countedSource(true)
    const digestOf = rangeDigests(source)
    for (let start = 0; start < bytes.length; start += 8192) {
      const end = Math.min(start + 8192, bytes.length)
      expect(await digestOf(start, end, {})).toBe(sha256(bytes.subarray(start, end)))
    }
    expect(counted).toEqual({ readBytes: bytes.length, reads: 4 })
  })

  test('are right for any ranges in any order, whether a source fills buffers or not', async () => {
    const place = fc.integer({ min: 0, max: bytes.length })
    const ranges = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 2 * mebibyte })), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(ranges, fc.boolean(), async (wanted, withReadInto) => {
        const digestOf = rangeDigests(countedSource(withReadInto).source)
        for (const [start, size] of wanted) {
          const end = Math.min(start + size, bytes.length)
          expect(await digestOf(start, end, {})).toBe(sha256(bytes.subarray(start, end)))
        }
      }),
      { numRuns: 40 },
    )
  })
})
