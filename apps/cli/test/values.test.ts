import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byteSize } from '../src/byte-size.ts'
import { indexingText } from '../src/indexing-text.ts'
import { isoTime, parseTime, timeAgo } from '../src/point-in-time.ts'
import { shellQuote } from '../src/shell-quote.ts'
import { tokenChange } from '../src/token-count.ts'

test('progress of indexing says how far it is in a long session', () => {
  expect(indexingText('Indexing', { done: 1, total: 3 })).toBe('Indexing… 1 of 3 sessions')
  const session = { doneBytes: 12 * 1024 * 1024, totalBytes: 1024 * 1024 * 1024 }
  expect(indexingText('Indexing', { done: 0, total: 1, session })).toBe('Indexing… 0 of 1 session · 12 MiB of 1.0 GiB of this one')
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 KiB'],
  [4_200, '4.1 KiB'],
  [16 * 1024 * 1024, '16 MiB'],
  [1023.9 * 1024 ** 3, '1.0 TiB'],
])('%d bytes are %s', (bytes, expected) => {
  expect(byteSize(bytes)).toBe(expected)
})

describe('a time', () => {
  const now = Date.parse('2026-08-10T12:00:00Z')

  test.each([
    [0, 'just now'],
    [59_000, 'just now'],
    [-30_000, 'just now'],
    [60_000, '1 min ago'],
    [3_600_000, '1 h ago'],
    [86_400_000, '1 day ago'],
    [6 * 86_400_000, '6 days ago'],
    [7 * 86_400_000, '2026-08-03 12:00'],
    [-120_000, '2026-08-10 12:02'],
  ])('%d ms back is %s', (ageMs, expected) => {
    expect(timeAgo(now - ageMs, now)).toBe(expected)
  })

  test('that no calendar reaches is shown as a number', () => {
    expect(timeAgo(9e15, now)).toBe('9000000000000000')
    expect(isoTime(9e15)).toBe('9000000000000000')
  })

  test.each([
    ['2026-08-01', Date.UTC(2026, 7, 1)],
    ['2026-08-01T14:03:00Z', Date.UTC(2026, 7, 1, 14, 3)],
    ['2026-08-01T14:03+02:00', Date.UTC(2026, 7, 1, 12, 3)],
    ['2026', Date.UTC(2026, 0, 1)],
    [' 1786363200000 ', 1_786_363_200_000],
    ['0', 0],
  ])('is read from %j', (text, expected) => {
    expect(parseTime(text)).toBe(expected)
  })

  test.each(['', 'yesterday', '2026-13-01', '1.5', '-5', '01/02/2026', '1e9', '1960-01-01'])('is not read from %j', (text) => {
    expect(parseTime(text)).toBeUndefined()
  })
})

test('token counts show what is known', () => {
  expect(tokenChange({ tokensBefore: 175_004, tokensAfter: 12_300 })).toBe('175,004 → 12,300')
  expect(tokenChange({ tokensBefore: 175_004 })).toBe('175,004')
  expect(tokenChange({ tokensAfter: 0 })).toBe('→ 0')
  expect(tokenChange({})).toBe('')
})

test('a shell splits a quoted command line into the same words', () => {
  const word = fc.string({ unit: fc.constantFrom('a', "'", '"', ' ', '$', '\\', '~', '*', '!', ';', 'é') })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
      const printed = execFileSync('sh', ['-c', `printf '%s\\n' ${shellQuote(words)}`], { encoding: 'utf8' })
      expect(printed).toBe(words.map((each) => `${each}\n`).join(''))
    }),
    { numRuns: 40 },
  )
})
