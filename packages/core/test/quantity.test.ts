import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseByteCount, parseDurationMs } from '../src/quantity.ts'

test.each([
  ['90d', 7_776_000_000],
  ['12h', 43_200_000],
  [' 30 m ', 1_800_000],
  ['2W', 1_209_600_000],
  ['1.5d', 129_600_000],
  ['45s', 45_000],
  ['250ms', 250],
  ['86400000', 86_400_000],
  ['0', 0],
])('%s is %d milliseconds', (text, expected) => {
  expect(parseDurationMs(text)).toBe(expected)
})

test.each([
  ['10GB', 10_000_000_000],
  ['512MiB', 536_870_912],
  ['1.5 kb', 1500],
  ['2048', 2048],
  ['7b', 7],
  ['1TiB', 1_099_511_627_776],
])('%s is %d bytes', (text, expected) => {
  expect(parseByteCount(text)).toBe(expected)
})

test.each(['', 'd', '-1d', '1e3', '0x10', '1.5', '10 GB s', '10GBs', '1..5d', '9999999999999999TiB', 'NaN', '1,000'])(
  '%j is neither a time nor a size',
  (text) => {
    expect([parseDurationMs(text), parseByteCount(text)]).toEqual([undefined, undefined])
  },
)

test('whatever is typed gives a whole number of at least 0, or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{1,8} ?[a-zA-Z]{0,3}$/)), (text) => {
      for (const value of [parseDurationMs(text), parseByteCount(text)]) {
        expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
      }
    }),
  )
})
