import { expect, test } from 'vitest'
import { type CompactionReason, compactionReason, compactionReasons, isCompactionReason } from '../src/checkpoint.ts'
import { strongerReason } from '../src/settlement.ts'

test.each([
  [{ trigger: 'manual' }, 'manual'],
  [{ trigger: 'manual', timedOut: true }, 'manual'],
  [{ trigger: 'budget' }, 'auto-threshold'],
  [{ trigger: 'budget', timedOut: true }, 'timeout-retry'],
  [{ trigger: 'overflow' }, 'overflow-retry'],
  [{ trigger: 'overflow', timedOut: true }, 'timeout-retry'],
  [{ timedOut: true }, 'timeout-retry'],
  [{ timedOut: false }, 'auto-threshold'],
  [{}, 'auto-threshold'],
] as const)('%j was compacted for %s', (options, reason) => {
  expect(compactionReason(options)).toBe(reason)
})

test('three reasons are of no compaction', () => {
  expect(compactionReasons.filter((reason) => !isCompactionReason(reason))).toEqual(['session-end', 'requested', 'before-restore'])
})

test('of two reasons that of a compaction wins, and a known one over unknown', () => {
  for (const one of compactionReasons) {
    for (const other of compactionReasons) {
      const stronger: CompactionReason = strongerReason(one, other)
      expect([one, other]).toContain(stronger)
      if (isCompactionReason(one) || isCompactionReason(other)) expect(isCompactionReason(stronger), `${one} ${other}`).toBe(true)
      if (one === 'unknown' && isCompactionReason(other)) expect(stronger).toBe(other)
      if (isCompactionReason(one) && one !== 'unknown') expect(stronger).toBe(one)
    }
  }
})
