import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openClawRetention, retain } from '../src/retention.ts'
import { isProtected } from '../src/row.ts'
import { byNewest } from '../src/rows.ts'
import { anyRows, row } from './support/rows.ts'

describe('retention', () => {
  test('moves rows to the trash and loses none; pinned, labelled and pending ones stay', () => {
    fc.assert(
      fc.property(anyRows, fc.nat({ max: 30 }), (rows, maxCheckpoints) => {
        const { rows: kept, trash } = retain(rows, [], { maxCheckpoints }, 99)
        const trashed = trash.map(({ deletedAt: _deletedAt, ...rest }) => rest)
        expect([...kept, ...trashed].sort(byNewest)).toEqual([...rows].sort(byNewest))
        expect(trash.every((each) => each.deletedAt === 99)).toBe(true)
        expect(trashed.some((each) => isProtected(each) || each.status === 'pending')).toBe(false)
      }),
    )
  })

  test('keeps the newest: whatever goes is older than whatever it lets stay', () => {
    fc.assert(
      fc.property(anyRows, fc.nat({ max: 30 }), (rows, maxCheckpoints) => {
        const { rows: kept, trash } = retain(rows, [], { maxCheckpoints }, 99)
        const counted = kept.filter((each) => !isProtected(each) && each.status !== 'pending')
        expect(counted.length).toBeLessThanOrEqual(maxCheckpoints)
        for (const gone of trash) for (const stayed of counted) expect(byNewest(stayed, gone)).toBeLessThan(0)
        const unprotected = rows.filter((each) => !isProtected(each)).length
        expect(kept.filter((each) => !isProtected(each)).length).toBeGreaterThanOrEqual(Math.min(unprotected, maxCheckpoints))
      }),
    )
  })

  test('without a policy keeps everything, and with one that is met changes nothing', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        expect(retain(rows, [], {}, 99)).toEqual({ rows, trash: [] })
        expect(retain(rows, [], { maxCheckpoints: 60 }, 99)).toEqual({ rows, trash: [] })
      }),
    )
  })

  test("by OpenClaw's policy keeps 25 and what is pinned besides", () => {
    const rows = Array.from({ length: 40 }, (_, at) => row(at, at < 3 ? { pinned: true } : {}))
    const { rows: kept, trash } = retain(rows, [row(1000)], openClawRetention, 99)
    expect(kept.map((each) => each.createdAt)).toEqual([0, 1, 2, ...Array.from({ length: 25 }, (_, at) => 15 + at)])
    expect(trash).toHaveLength(13)
  })
})
