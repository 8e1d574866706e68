import { describe, expect, test } from 'vitest'
import { quantile } from '../../statistics.ts'
import { hitRate, meanReciprocalRank, rankOf } from '../scoring.ts'

describe('a rank', () => {
  test('counts from 1', () => {
    expect(rankOf(['a', 'b'], (item) => item === 'a')).toBe(1)
    expect(rankOf(['a', 'b'], (item) => item === 'b')).toBe(2)
  })

  test('counts different items: many hits of one session are one place', () => {
    expect(rankOf(['a', 'a', 'b', 'a', 'c'], (item) => item === 'c')).toBe(3)
  })

  test('is of the first of several answers', () => expect(rankOf(['a', 'b', 'c'], (item) => item !== 'a')).toBe(2))

  test('is none where nothing was found', () => {
    expect(rankOf([], () => true)).toBeUndefined()
    expect(rankOf(['a'], () => false)).toBeUndefined()
  })
})

describe('a hit rate', () => {
  const ranks = [1, 5, 6, undefined]

  test('takes the ranks up to the cut-off, and what was not found counts as a miss', () => {
    expect(hitRate(ranks, 1)).toMatchObject({ hits: 1, share: 0.25 })
    expect(hitRate(ranks, 5)).toMatchObject({ hits: 2, share: 0.5 })
    expect(hitRate(ranks, 20)).toMatchObject({ hits: 3, share: 0.75 })
  })

  test('of no queries is no number', () => expect(hitRate([], 5).share).toBeNaN())
})

describe('the mean reciprocal rank', () => {
  test('gives nothing for what was not found', () => expect(meanReciprocalRank([1, 2, undefined, 4])).toBeCloseTo((1 + 0.5 + 0.25) / 4))
  test('of no queries is no number', () => expect(meanReciprocalRank([])).toBeNaN())
})

describe('a quantile', () => {
  test('is the value at its rank, whatever the order', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at)
    expect(quantile(values, 0.5)).toBe(50)
    expect(quantile(values, 0.95)).toBe(95)
    expect(quantile([7], 0.95)).toBe(7)
  })

  test('of nothing is refused', () => expect(() => quantile([], 0.5)).toThrow(TypeError))
})
