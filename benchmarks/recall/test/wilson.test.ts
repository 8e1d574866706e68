import { describe, expect, test } from 'vitest'
import { wilson } from '../wilson.ts'

describe("Wilson's interval", () => {
  test.each([
    // Checked by hand against the formula: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), z = 1.95996.
    [8, 10, 0.4902, 0.9433],
    [50, 100, 0.4038, 0.5962],
    [98, 100, 0.93, 0.9945],
    [1, 3, 0.0615, 0.7923],
  ])('of %i in %i is [%f, %f]', (hits, count, low, high) => {
    expect(wilson(hits, count).low).toBeCloseTo(low, 3)
    expect(wilson(hits, count).high).toBeCloseTo(high, 3)
  })

  test('stays within 0 and 1 at both ends, and is not empty there', () => {
    expect(wilson(0, 20)).toEqual({ low: 0, high: expect.closeTo(0.1611, 3) })
    expect(wilson(20, 20)).toEqual({ low: expect.closeTo(0.8389, 3), high: 1 })
  })

  test('of nothing is everything', () => expect(wilson(0, 0)).toEqual({ low: 0, high: 1 }))

  test.each([
    [3, 2],
    [-1, 2],
    [0.5, 2],
  ])('of %d in %d is refused', (hits, count) => expect(() => wilson(hits, count)).toThrow(TypeError))
})
