import { expect, test } from 'vitest'
import type { PlainMessage } from '../src/structure-sink.ts'
import type { BadLine, IndexedEntry } from '../src/transcript.ts'
import { inspectWritten } from '../src/written-session.ts'

const place = { part: 'main', line: 0, start: 0, end: 1 }
const header: IndexedEntry = { ...place, kind: 'header', id: 'session' }

function entry(id: string, parentId?: string): IndexedEntry {
  return { ...place, kind: 'message', id, leafId: id, ...(parentId === undefined ? {} : { parentId }) }
}

function isPlain(line: IndexedEntry | BadLine): line is IndexedEntry {
  return line.kind === 'message' && line.leafId === line.id && isWord(line.id) && (line.parentId === undefined || isWord(line.parentId))
}

function isWord(id: string): boolean {
  return /^[0-9a-f]{8}$/.test(id)
}

function messageOf({ id, parentId }: IndexedEntry): PlainMessage {
  const word = (digits: string) => Number.parseInt(digits, 16) | 0
  return { ...place, id: word(id), hasParent: parentId !== undefined, parent: word(parentId ?? '0'), role: 'user' }
}

async function inspected(...lines: (IndexedEntry | BadLine)[]): ReturnType<typeof inspectWritten> {
  const asLines = await inspectWritten(async (sink) => {
    for (const line of lines) sink.line(line)
  })
  const asMessages = await inspectWritten(async (sink) => {
    for (const line of lines) if (!isPlain(line) || !sink.message(messageOf(line))) sink.line(line)
  })
  expect(asMessages).toEqual(asLines)
  return asLines
}

test('a session is ordered whose every parent stands before its child', async () => {
  expect(await inspected(header, entry('aaaaaaaa'), entry('bbbbbbbb', 'aaaaaaaa'), entry('cccccccc', 'aaaaaaaa'))).toEqual({
    leafId: 'cccccccc',
    badLines: 0,
    isOrdered: true,
  })
})

test.each([
  ['a parent that does not exist', [entry('aaaaaaaa', 'nobody')]],
  ['a parent behind its child', [entry('bbbbbbbb', 'aaaaaaaa'), entry('aaaaaaaa')]],
  ['a cycle', [entry('aaaaaaaa', 'bbbbbbbb'), entry('bbbbbbbb', 'aaaaaaaa')]],
  ['an entry that is its own parent', [entry('aaaaaaaa', 'aaaaaaaa')]],
  ['an id that stands twice', [entry('aaaaaaaa'), entry('bbbbbbbb', 'aaaaaaaa'), entry('aaaaaaaa', 'bbbbbbbb')]],
  ['a header for a parent', [entry('aaaaaaaa', 'session')]],
  ['a leaf that is no entry', [entry('aaaaaaaa'), { ...entry('bbbbbbbb', 'aaaaaaaa'), leafId: 'nobody' }]],
  ['no entry at all', []],
])('a session with %s is not, so that it is looked at as a whole', async (_what, lines) => {
  expect((await inspected(header, ...lines)).isOrdered).toBe(false)
})

test('lines that are no entries are counted', async () => {
  expect(await inspected(header, { ...place, kind: 'bad', message: 'x' }, entry('aaaaaaaa'))).toMatchObject({
    badLines: 1,
    isOrdered: true,
  })
})
