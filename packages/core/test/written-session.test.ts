import { expect, test } from 'vitest'
import type { BadLine, IndexedEntry } from '../src/transcript.ts'
import { inspectWritten } from '../src/written-session.ts'

const place = { part: 'main', line: 0, start: 0, end: 1 }
const header: IndexedEntry = { ...place, kind: 'header', id: 'session' }

function entry(id: string, parentId?: string): IndexedEntry {
  return { ...place, kind: 'message', id, leafId: id, ...(parentId === undefined ? {} : { parentId }) }
}

async function inspected(...lines: (IndexedEntry | BadLine)[]): ReturnType<typeof inspectWritten> {
  return inspectWritten(
    (async function* () {
      yield lines
    })(),
  )
}

test('a session is ordered whose every parent stands before its child', async () => {
  expect(await inspected(header, entry('a'), entry('b', 'a'), entry('c', 'a'))).toEqual({ leafId: 'c', badLines: 0, isOrdered: true })
})

test.each([
  ['a parent that does not exist', [entry('a', 'nobody')]],
  ['a parent behind its child', [entry('b', 'a'), entry('a')]],
  ['a cycle', [entry('a', 'b'), entry('b', 'a')]],
  ['an entry that is its own parent', [entry('a', 'a')]],
  ['an id that stands twice', [entry('a'), entry('b', 'a'), entry('a', 'b')]],
  ['a header for a parent', [entry('a', 'session')]],
  ['a leaf that is no entry', [entry('a'), { ...entry('b', 'a'), leafId: 'nobody' }]],
  ['no entry at all', []],
])('a session with %s is not, so that it is looked at as a whole', async (_what, lines) => {
  expect((await inspected(header, ...lines)).isOrdered).toBe(false)
})

test('lines that are no entries are counted', async () => {
  expect(await inspected(header, { ...place, kind: 'bad', message: 'x' }, entry('a'))).toMatchObject({ badLines: 1, isOrdered: true })
})
