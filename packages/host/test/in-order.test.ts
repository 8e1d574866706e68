import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inOrder } from '../src/in-order.ts'

test('results come in the order of their items, whatever each takes, and never more than the limit are under way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), async (delays, limit) => {
      let underWay = 0
      let most = 0
      const results = inOrder(delays.entries(), limit, async ([at, delayMs]) => {
        underWay += 1
        most = Math.max(most, underWay)
        await wait(delayMs)
        underWay -= 1
        return at
      })
      expect(await Array.fromAsync(results)).toEqual(delays.map((_delay, at) => at))
      expect(most).toBeLessThanOrEqual(limit)
      if (delays.length >= limit) expect(most).toBe(limit)
    }),
    { numRuns: 30 },
  )
})

test('an error comes when its turn has come, and whoever stops early finds nothing under way any more', async () => {
  const ended: number[] = []
  const use = async (item: number) => {
    await wait(item === 1 ? 0 : 10)
    if (item === 1) throw new Error('the second')
    ended.push(item)
    return item
  }
  const got: number[] = []
  const all = async () => {
    for await (const item of inOrder([0, 1, 2, 3], 4, use)) got.push(item)
  }
  await expect(all()).rejects.toThrow('the second')
  expect([got, ended]).toEqual([[0], [0, 2, 3]])
  ended.length = 0
  for await (const item of inOrder([0, 2, 3, 4, 5], 3, use)) {
    got.push(item)
    break
  }
  expect(ended).toEqual([0, 2, 3])
})
