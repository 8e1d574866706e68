import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factTable } from '../src/fact-table.ts'

describe('a table of facts', () => {
  test('has each once, with its first and its last mention', () => {
    const table = factTable()
    table.add(0, [{ category: 'command', text: 'npm test' }])
    table.add(4, [{ category: 'command', text: 'npm test' }])
    table.add(9, [{ category: 'error', text: 'npm test' }])
    expect(table.all()).toEqual([
      { category: 'error', text: 'npm test', isCut: false, firstPlace: 9, lastPlace: 9, mentions: 1 },
      { category: 'command', text: 'npm test', isCut: false, firstPlace: 0, lastPlace: 4, mentions: 2 },
    ])
  })

  test('counts a file that was written as written alone', () => {
    const table = factTable()
    table.add(0, [{ category: 'file-read', text: 'a.ts' }])
    table.add(1, [{ category: 'file-written', text: 'a.ts' }])
    table.add(2, [{ category: 'file-read', text: 'b.ts' }])
    expect(table.all().map(({ category, text }) => [category, text])).toEqual([
      ['file-written', 'a.ts'],
      ['file-read', 'b.ts'],
    ])
  })

  test('keeps the beginning of a text that is too long, and says so', () => {
    const table = factTable()
    table.add(0, [{ category: 'request', text: 'x'.repeat(5000) }])
    expect(table.all()).toMatchObject([{ text: 'x'.repeat(2000), isCut: true }])
  })

  test('never holds more than its bounds, and says how many it left out: those mentioned least, and longest ago', () => {
    const mentions = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 })
    fc.assert(
      fc.property(mentions, (numbers) => {
        const table = factTable({ mostFacts: 5, mostText: 60 })
        for (const [place, number] of numbers.entries()) table.add(place, [{ category: 'symbol', text: `symbol_${number}` }])
        const held = table.all()
        expect(held.length).toBeLessThanOrEqual(5)
        expect(held.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(60)
        expect(held.length + table.leftOut).toBeGreaterThanOrEqual(new Set(numbers).size)
        if (new Set(numbers).size <= 5) expect(table.leftOut).toBe(0)
      }),
    )
    const table = factTable({ mostFacts: 2, mostText: 1000 })
    for (const [place, text] of ['often', 'often', 'once', 'late'].entries()) table.add(place, [{ category: 'symbol', text }])
    expect(table.all().map(({ text }) => text)).toEqual(['often', 'late'])
    expect(table.leftOut).toBe(1)
  })
})
