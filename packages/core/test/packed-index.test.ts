import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryIndexOf, growingIndex } from '../src/packed-index.ts'
import { textTable } from '../src/text-table.ts'
import type { EntryIndex, IndexedEntry } from '../src/transcript.ts'

/** Ids that are easily taken for one another: digits of either case, a UUID beside its digits, halves of surrogate pairs, NUL at the end. */
const id = fc.oneof(
  fc.constantFrom(
    '0000000a',
    '0000000A',
    '000000a',
    'a0000000',
    '\u0000',
    '\u0000\u0000',
    'a',
    'a\u0000',
    '',
    '\ud800',
    '\ud801',
    '\ufffd',
  ),
  fc.constantFrom('L1', 'L2', '0000000a@L3', 'ÿ', 'Ā', 'ÿ\u0001', 'é', 'e\u0301'),
  fc.constantFrom('00000000-0000-0000-0000-000000000000', '00000000000000000000000000000000', '00000000-0000-0000-0000-00000000000A'),
  fc.uuid(),
  fc.nat(40).map((number) => number.toString(16).padStart(8, '0')),
  fc.string({ maxLength: 8 }),
  fc.constantFrom('x', 'y').chain((letter) => fc.integer({ min: 198, max: 203 }).map((length) => letter.repeat(length))),
)

const entry = fc.record(
  {
    id,
    kind: fc.constantFrom(
      'header' as const,
      'message' as const,
      'summary' as const,
      'boundary' as const,
      'state' as const,
      'unknown' as const,
    ),
    parentId: id,
    role: fc.constantFrom('user' as const, 'assistant' as const, 'tool' as const, 'system' as const),
    leafId: id,
    movesToItself: fc.boolean(),
    keeps: fc.record({ firstKeptEntryId: id, keptEntryIds: fc.array(id, { maxLength: 3 }) }, { requiredKeys: [] }),
    note: id,
    linesBetween: fc.constantFrom(0, 0, 0, 1, 70_000),
    sizeBytes: fc.constantFrom(1, 30, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 40),
  },
  { requiredKeys: ['id', 'kind', 'linesBetween', 'sizeBytes', 'movesToItself'] },
)

const entries = fc.array(entry, { maxLength: 60 }).map((drafts): IndexedEntry[] => {
  let line = -1
  let start = 0
  return drafts.map(({ linesBetween, sizeBytes, movesToItself, ...draft }) => {
    line += 1 + linesBetween
    start += linesBetween
    const place = { part: 'main', line, start, end: start + sizeBytes }
    start += sizeBytes
    return { ...place, ...draft, ...(movesToItself ? { leafId: draft.id } : {}) }
  })
})

test('an index says of every entry what was added, and finds each id at its first place', () => {
  fc.assert(
    fc.property(entries, (added) => expectSame(entryIndexOf(added), added)),
    { numRuns: 300 },
  )
})

test('an index that is asked while it grows answers for what is in it by then', () => {
  fc.assert(
    fc.property(entries, (added) => {
      const index = growingIndex()
      for (const [position, each] of added.entries()) {
        index.add(each)
        if (position % 7 === 0) expectSame(index, added.slice(0, position + 1))
      }
      expectSame(index, added)
    }),
    { numRuns: 50 },
  )
})

test('a position that is none has nothing', () => {
  const index = entryIndexOf([{ part: 'main', line: 0, start: 0, end: 1, kind: 'message', id: 'a' }])
  for (const position of [-1, 1, 4095, 4096, Number.NaN]) {
    expect(index.entry(position)).toBeUndefined()
    expect([index.idOf(position), index.kindOf(position), index.roleOf(position), index.noteOf(position)]).toEqual(Array(4).fill(undefined))
    expect([index.startOf(position), index.endOf(position), index.parentOf(position), index.parentIdOf(position)]).toEqual(
      Array(4).fill(undefined),
    )
    expect(index.movesLeaf(position)).toBe(false)
  }
})

test('a table numbers texts as they come, over many pages of them, as a map does', () => {
  const table = textTable()
  const model = new Map<string, number>()
  for (let number = 0; number < 60_000; number++) {
    const text = textAt(number % 50_000)
    expect(table.intern(text)).toBe(model.get(text) ?? model.size)
    if (!model.has(text)) model.set(text, model.size)
  }
  expect(table.size).toBe(model.size)
  for (const [text, number] of model) if (table.find(text) !== number || table.at(number) !== text) expect.fail(text)
  for (let number = 50_000; number < 51_000; number++) expect(table.find(textAt(number))).toBeUndefined()
})

test('an id of a MB is an id like any other, and one that stands on every line is found at the first', () => {
  const long = 'é'.repeat(1 << 20)
  const repeated = Array.from({ length: 20_000 }, (_, line) => message(line, '0000000a', '0000000a'))
  const index = entryIndexOf([
    message(0, long),
    message(1, `${long}!`, long),
    ...repeated.map((each) => ({ ...each, line: each.line + 2 })),
  ])
  expect([index.positionOf(long), index.positionOf(`${long}!`), index.positionOf(`${long}?`)]).toEqual([0, 1, undefined])
  expect(index.parentOf(1)).toBe(0)
  expect(index.entry(1)?.parentId).toBe(long)
  expect(index.positionOf('0000000a')).toBe(2)
  expect(index.parentOf(20_001)).toBe(2)
  expect(index.idOf(20_001)).toBe('0000000a')
})

function textAt(number: number): string {
  const hex = (number * 0x1000).toString(16).padStart(8, '0')
  switch (number % 4) {
    case 0:
      return hex
    case 1:
      return `${hex}-0000-4000-8000-000000000000`
    case 2:
      return `L${number}`
    default:
      return `ψ${number}${'.'.repeat(number % 230)}`
  }
}

function message(line: number, ownId: string, parentId?: string): IndexedEntry {
  return { part: 'main', line, start: line, end: line + 1, kind: 'message', id: ownId, ...(parentId === undefined ? {} : { parentId }) }
}

function expectSame(index: EntryIndex, added: readonly IndexedEntry[]): void {
  const byId = new Map<string, number>()
  for (const [position, each] of added.entries()) if (!byId.has(each.id)) byId.set(each.id, position)
  expect(index.size).toBe(added.length)
  for (const [position, each] of added.entries()) {
    expect(index.entry(position)).toStrictEqual(each)
    expect(index.idOf(position)).toBe(each.id)
    expect(index.kindOf(position)).toBe(each.kind)
    expect(index.roleOf(position)).toBe(each.role)
    expect(index.noteOf(position)).toBe(each.note)
    expect([index.startOf(position), index.endOf(position)]).toEqual([each.start, each.end])
    expect(index.movesLeaf(position)).toBe(each.leafId !== undefined)
    expect(index.parentIdOf(position)).toBe(each.parentId)
    expect(index.parentOf(position)).toBe(each.parentId === undefined ? undefined : byId.get(each.parentId))
    expect(index.positionOf(each.id)).toBe(byId.get(each.id))
    const other = each.note ?? each.parentId ?? ''
    expect(index.positionOf(other)).toBe(byId.get(other))
  }
}

test('parents are the same whether a page has them or its entries all hang off the one before', () => {
  const idAt = (position: number) => position.toString(16).padStart(8, '0')
  /** The header, the first entry, one in the second page, and two in the third of which one has a parent that comes later. */
  const odd = new Map([
    [1, undefined],
    [5000, 4],
    [9000, 9999],
    [9001, 9000],
  ])
  const parentAt = (position: number) => (odd.has(position) ? odd.get(position) : position - 1)
  const list = Array.from({ length: 13_000 }, (_, position): IndexedEntry => {
    const parent = position === 0 ? undefined : parentAt(position)
    const place = { part: 'main', line: position, start: position * 10, end: position * 10 + 10 }
    const kind = position === 0 ? 'header' : 'message'
    return { ...place, kind, id: idAt(position), ...(parent === undefined ? {} : { parentId: idAt(parent) }) }
  })
  const index = entryIndexOf(list)
  expect(list.map((_entry, position) => index.entry(position))).toEqual(list)
  expect(list.map((_entry, position) => index.parentOf(position))).toEqual(list.map((_entry, at) => (at === 0 ? undefined : parentAt(at))))
})
