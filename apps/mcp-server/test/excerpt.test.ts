import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endWithin, excerptOf } from '../src/excerpt.ts'

const pages = fc.record({
  texts: fc.array(fc.oneof(fc.string({ maxLength: 3000, unit: fc.constantFrom('a', '"', '\n', '🎉') }), fc.string({ maxLength: 40 })), {
    minLength: 1,
    maxLength: 12,
  }),
  from: fc.nat(50),
  budget: fc.integer({ min: 500, max: 5000 }),
  single: fc.boolean(),
  anchor: fc.nat(11),
})

describe('excerptOf', () => {
  test('stays within its budget, leaves no hole, and goes on right behind what it showed', () => {
    fc.assert(
      fc.property(pages, ({ texts, from, budget, single, anchor: wanted }) => {
        const entries = (single ? texts.slice(0, 1) : texts).map((text, index) => ({ id: `e${index}`, kind: 'message' as const, text }))
        const anchor = Math.min(wanted, entries.length - 1)
        const total = from + entries.length + 3
        const { slices, next } = excerptOf({ entries, from, total, budget, textFrom: 0, anchor, single })
        expect(slices.map(({ position }) => position)).toContain(from + anchor)
        expect(slices.map(({ position }) => position)).toEqual(slices.map((_, index) => (slices[0]?.position ?? 0) + index))
        expect(JSON.stringify(slices.map(({ text }) => text).join('')).length).toBeLessThanOrEqual(budget + 10)
        for (const { text, start, end, totalCharacters } of slices) {
          expect(text.length).toBe(end - start)
          expect(text).not.toMatch(/\p{Surrogate}/u)
          if (totalCharacters > 0) expect(end).toBeGreaterThan(start)
        }
        const last = slices.at(-1)
        const unfinished = single && last !== undefined && last.end < last.totalCharacters
        expect(next).toEqual(unfinished ? { from: last.position, textFrom: last.end } : { from: (last?.position ?? 0) + 1, textFrom: 0 })
      }),
    )
  })

  test('has no next page behind the last entry, and none of an empty page', () => {
    const entries = [{ id: 'a', kind: 'message' as const, text: 'x' }]
    const request = { from: 4, budget: 500, textFrom: 0, anchor: 0, single: false }
    expect(excerptOf({ ...request, entries, total: 5 }).next).toBeUndefined()
    expect(excerptOf({ ...request, entries: [], total: 4 })).toEqual({ slices: [] })
  })
})

test('endWithin counts what JSON escapes twice', () => {
  expect(endWithin('""""', 0, 4)).toBe(2)
  expect(endWithin('abcd', 1, 2)).toBe(3)
  expect(endWithin('a🎉', 0, 2)).toBe(1)
})
