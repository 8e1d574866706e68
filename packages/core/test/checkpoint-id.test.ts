import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestPrefixOf, isWholeCheckpointId, makeCheckpointId } from '../src/checkpoint-id.ts'
import { sessionDigest } from '../src/keys.ts'

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const digest = fc.string().map((key) => sessionDigest('pi', key))
const seed = fc.option(fc.string(), { nil: undefined })

describe('a checkpoint id', () => {
  test('has the layout of a UUIDv7 with its time', () => {
    fc.assert(
      fc.property(time, digest, seed, (createdAt, sessionDigest, seed) => {
        const id = makeCheckpointId({ createdAt, sessionDigest, seed })
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(createdAt)
        expect(isWholeCheckpointId(id)).toBe(true)
      }),
    )
  })

  test('gives the first 40 bits of its session digest back', () => {
    fc.assert(
      fc.property(time, digest, seed, (createdAt, sessionDigest, seed) => {
        expect(digestPrefixOf(makeCheckpointId({ createdAt, sessionDigest, seed }))).toBe(sessionDigest.slice(0, 10))
      }),
    )
  })

  test('is the same for the same seed, and another for another seed, or without one', () => {
    fc.assert(
      fc.property(time, digest, fc.string(), fc.string(), (createdAt, sessionDigest, one, other) => {
        const id = makeCheckpointId({ createdAt, sessionDigest, seed: one })
        expect(makeCheckpointId({ createdAt, sessionDigest, seed: one })).toBe(id)
        if (one !== other) expect(makeCheckpointId({ createdAt, sessionDigest, seed: other })).not.toBe(id)
      }),
    )
    const random = new Set(Array.from({ length: 1000 }, () => makeCheckpointId({ createdAt: 1, sessionDigest: sessionDigest('pi', 's') })))
    expect(random.size).toBe(1000)
  })

  test('is sorted by time, whatever the rest', () => {
    fc.assert(
      fc.property(time, time, digest, digest, (one, other, oneDigest, otherDigest) => {
        fc.pre(one !== other)
        const isEarlier =
          makeCheckpointId({ createdAt: one, sessionDigest: oneDigest }) <
          makeCheckpointId({ createdAt: other, sessionDigest: otherDigest })
        expect(isEarlier).toBe(one < other)
      }),
    )
  })

  test('takes a time outside of what it can hold as the nearest that it can', () => {
    for (const [createdAt, held] of [
      [-5, 0],
      [1.9, 1],
      [2 ** 53, 2 ** 48 - 1],
    ] as const) {
      const id = makeCheckpointId({ createdAt, sessionDigest: sessionDigest('pi', 's') })
      expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(held)
    }
  })

  test('is nothing else: other texts carry no digest', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uuid({ version: 4 })), (text) => {
        expect(digestPrefixOf(text)).toBeUndefined()
      }),
    )
  })
})
