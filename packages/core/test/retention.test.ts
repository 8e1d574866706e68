import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evictedSessions, openClawRetention, retain, retainOf } from '../src/retention.ts'
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

const anyRetention = fc.record({ maxCheckpoints: fc.nat({ max: 30 }), maxAgeMs: fc.nat({ max: 60 }) }, { requiredKeys: [] })

describe('the whole policy of a session', () => {
  test('loses no row, keeps every pinned and labelled one, and no unprotected one that is too old or stands behind one that goes', () => {
    fc.assert(
      fc.property(anyRows, anyRetention, fc.boolean(), (rows, retention, evict) => {
        const { rows: kept, trash } = retainOf(rows, [], { retention, now: 50, evict })
        const trashed = trash.map(({ deletedAt: _deletedAt, ...rest }) => rest)
        expect([...kept, ...trashed].sort(byNewest)).toEqual([...rows].sort(byNewest))
        expect(trashed.some(isProtected)).toBe(false)
        const free = kept.filter((each) => !isProtected(each))
        if (evict) expect(free).toEqual([])
        if (retention.maxAgeMs !== undefined) expect(free.every((each) => each.createdAt >= 50 - (retention.maxAgeMs ?? 0))).toBe(true)
        for (const gone of evict ? [] : trashed) {
          for (const stayed of free.filter(({ status }) => status !== 'pending')) expect(byNewest(stayed, gone)).toBeLessThan(0)
        }
      }),
    )
  })

  test('applied again changes nothing', () => {
    fc.assert(
      fc.property(anyRows, anyRetention, (rows, retention) => {
        const policy = { retention, now: 50, evict: false }
        const once = retainOf(rows, [], policy)
        expect(retainOf(once.rows, once.trash, policy)).toEqual(once)
      }),
    )
  })
})

describe('eviction', () => {
  const anyCandidates = fc.uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1 }),
      bytes: fc.nat({ max: 100 }),
      newestAt: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
    }),
    { selector: ({ name }) => name, maxLength: 20 },
  )

  test('takes the least recently captured first, no more than are needed, and none that is protected', () => {
    fc.assert(
      fc.property(anyCandidates, fc.nat({ max: 1000 }), (candidates, maxBytes) => {
        const total = candidates.reduce((sum, { bytes }) => sum + bytes, 0)
        const evicted = evictedSessions(candidates, total, maxBytes)
        const gone = candidates.filter(({ name }) => evicted.has(name))
        const stayed = candidates.filter(({ name, newestAt, bytes }) => !evicted.has(name) && newestAt !== undefined && bytes > 0)
        expect(gone.every(({ newestAt }) => newestAt !== undefined)).toBe(true)
        for (const one of gone) for (const other of stayed) expect(one.newestAt).toBeLessThanOrEqual(other.newestAt ?? 0)
        const left = total - gone.reduce((sum, { bytes }) => sum + bytes, 0)
        if (stayed.length > 0) expect(left).toBeLessThanOrEqual(maxBytes)
        const last = Math.max(0, ...gone.map(({ newestAt }) => newestAt ?? 0))
        const smallest = Math.min(...gone.filter(({ newestAt }) => newestAt === last).map(({ bytes }) => bytes))
        if (gone.length > 0) expect(left + Math.max(smallest, ...gone.map(({ bytes }) => bytes))).toBeGreaterThan(maxBytes)
      }),
    )
  })

  test('without a limit takes nothing', () => {
    expect(evictedSessions([{ name: 'a', bytes: 5, newestAt: 1 }], 5, undefined).size).toBe(0)
  })
})
