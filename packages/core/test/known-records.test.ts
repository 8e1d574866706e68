import { expect, test } from 'vitest'
import { parseKey } from '../src/keys.ts'
import { createKnownRecords } from '../src/known-records.ts'

const keyOf = (at: number) => parseKey(`sessions/s/0-${at}`)

test('what was read is remembered, and what was not is not', () => {
  const records = createKnownRecords()
  records.set(keyOf(1), '{"id":1}')
  expect(records.get(keyOf(1))).toBe('{"id":1}')
  expect(records.get(keyOf(2))).toBeUndefined()
})

test('those that were not used for longest are forgotten, so that all together stay under 2 million characters', () => {
  const records = createKnownRecords()
  const json = 'x'.repeat(100_000)
  for (let at = 0; at < 20; at += 1) records.set(keyOf(at), json)
  expect(records.get(keyOf(0))).toBe(json)
  records.set(keyOf(20), json)
  expect(records.get(keyOf(0))).toBe(json)
  expect(records.get(keyOf(1))).toBeUndefined()
  records.set(keyOf(20), json)
  expect(Array.from({ length: 21 }, (_, at) => records.get(keyOf(at))).filter((found) => found !== undefined)).toHaveLength(20)
})

test('a record that is larger than all of that is not remembered, and takes no other’s place', () => {
  const records = createKnownRecords()
  records.set(keyOf(1), 'small')
  records.set(keyOf(2), 'x'.repeat(2_000_001))
  expect(records.get(keyOf(1))).toBe('small')
  expect(records.get(keyOf(2))).toBeUndefined()
})
