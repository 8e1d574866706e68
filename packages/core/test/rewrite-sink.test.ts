import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pieceWriter } from '../src/rewrite-sink.ts'
import type { TranscriptTarget } from '../src/transcript-target.ts'

const mebibyte = 1024 * 1024

/** A target in memory that takes its time. */
function slowTarget() {
  let bytes: Buffer = Buffer.alloc(0)
  let inFlight = 0
  const never = (): never => {
    throw new Error('it is not asked for that')
  }
  const target: TranscriptTarget = {
    async write(_part, more) {
      inFlight += 1
      expect(inFlight).toBe(1)
      await new Promise((resolve) => setImmediate(resolve))
      bytes = Buffer.concat([bytes, more])
      inFlight -= 1
    },
    async cut(_part, sizeBytes) {
      expect(inFlight).toBe(0)
      expect(sizeBytes).toBeLessThanOrEqual(bytes.length)
      bytes = bytes.subarray(0, sizeBytes)
    },
    written: never,
    commit: never,
    discard: never,
  }
  return { target, bytes: () => bytes, inFlight: () => inFlight }
}

const action = fc.oneof(
  fc.record({ writes: fc.integer({ min: 0, max: 2 * mebibyte + 10 }) }),
  fc.record({ writes: fc.integer({ min: 0, max: 3000 }) }),
  fc.record({ keeps: fc.double({ min: 0, max: 1, noNaN: true }) }),
)

test('what arrives is what was written and not taken back, whatever the giver does with its bytes afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 8 }), async (actions) => {
      const { target, bytes } = slowTarget()
      const pieces = pieceWriter(target)
      let expected: Buffer = Buffer.alloc(0)
      for (const [at, each] of actions.entries()) {
        if ('keeps' in each) {
          const kept = Math.floor(each.keeps * expected.length)
          await pieces.cut(kept)
          expected = expected.subarray(0, kept)
          continue
        }
        const given = Buffer.alloc(each.writes, at + 1)
        expected = Buffer.concat([expected, given])
        await pieces.write(given, [])
        given.fill(0xff)
      }
      await pieces.end()
      expect(bytes().equals(expected)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('a changed line is parsed, and a copied one is not', async () => {
  const lines = Buffer.from('{"copied":}\n{"changed":1}\n')
  const { target } = slowTarget()
  const pieces = pieceWriter(target)
  await pieces.write(lines, [{ start: 12, end: lines.length }])
  expect(pieces.isParsed()).toBe(true)
  await pieces.write(lines, [{ start: 0, end: 12 }])
  expect(pieces.isParsed()).toBe(false)
})

test('a target that fails is met by the next piece or the end, and not as an unhandled rejection', async () => {
  const failing: TranscriptTarget = { ...slowTarget().target, write: () => Promise.reject(new Error('full')) }
  const pieces = pieceWriter(failing)
  await pieces.write(Buffer.alloc(mebibyte), [])
  await new Promise((resolve) => setImmediate(resolve))
  await expect(pieces.end()).rejects.toThrow('full')
  await pieces.settled()
})
