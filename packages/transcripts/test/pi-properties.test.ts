import { CheckpointError } from '@palimpsest/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { piReader } from '../src/index.ts'
import { contextIn, keptIn } from './contexts.ts'
import { all, bytesOf, header, type Line, opened, readSession, rewriteOptions, rewritten, row } from './pi-sessions.ts'

const reader = piReader()
const id = fc.constantFrom('a', 'b', 'c', 'd', 'L2', 'a@L3')
const reference = fc.oneof(id, fc.constantFrom(null, '', 'gone', undefined, 7))
const type = fc.constantFrom(
  'message',
  'custom_message',
  'branch_summary',
  'compaction',
  'label',
  'context_edit',
  'leaf',
  'session',
  'session_info',
  'tomorrow',
  5,
)

const entry = fc
  .record({
    type,
    id: fc.oneof(id, fc.constantFrom(undefined, 5)),
    parentId: reference,
    targetId: reference,
    firstKeptEntryId: reference,
    firstKeptEntryIndex: fc.constantFrom(undefined, 0, 1, 3, 99, -1),
    replacement: fc.constantFrom(undefined, null, { content: 'x' }),
    timestamp: fc.constantFrom('2026-01-01T00:00:00Z', 'never', 5, undefined),
    message: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<object>(
        { role: 'user', content: 'q' },
        { role: 'assistant', content: [{ type: 'text', text: 'a' }] },
        { role: 'hookMessage', content: 'h' },
      ),
    ),
    summary: fc.constantFrom('s', '', undefined, 5),
    label: fc.constantFrom('here', undefined),
  })
  .map((value): Line => value)

const line = fc.oneof(
  { weight: 8, arbitrary: entry },
  { weight: 1, arbitrary: fc.jsonValue().map((value): Line => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes): Line => bytes),
  },
)

const session = fc
  .tuple(fc.constantFrom(1, 2, 3, undefined, 'x'), fc.array(line, { maxLength: 14 }))
  .map(([version, lines]): Line[] => [header({ version }), ...lines])

/** Everything a reader does with a transcript; only `CheckpointError`s may come out of it. */
async function everything(bytes: Uint8Array): Promise<void> {
  const transcript = await opened(bytes)
  const lines = await all(reader.entries(transcript))
  expect(lines.map((one) => [one.line, one.start])).toEqual(lines.map((_one, at) => [at, at === 0 ? 0 : lines[at - 1]?.end]))
  const { index, entries } = await readSession(bytes)
  expect(index.size).toBe(entries.length)
  reader.detect(bytes, { path: '/x/1.jsonl', siblings: new Set() })
  await reader.identify(transcript).catch(expectCheckpointError)
  for (const compaction of await all(reader.compactions(transcript))) {
    const { entryIds } = contextIn(reader, index, index.entries.find((one) => one.line === compaction.boundary.line)?.id ?? '', 'context')
    expect(entryIds.slice(1)).toEqual(keptIn(reader, index, compaction))
  }
  for (const leaf of [...entries.map((one) => one.id), 'gone']) {
    for (const view of ['context', 'all'] as const) {
      const { entryIds } = contextIn(reader, index, leaf, view)
      expect(new Set(entryIds).size).toBe(entryIds.length)
    }
    await rewritten(bytes, leaf, { name: 'n', dropUnanswered: leaf === 'a' }).catch(expectCheckpointError)
    await reader.inPlace(transcript, rewriteOptions(leaf)).catch(expectCheckpointError)
  }
}

const expectCheckpointError = (error: unknown) => expect(error).toBeInstanceOf(CheckpointError)

describe('whatever the file', () => {
  test('of any bytes, nothing but a CheckpointError is thrown', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), everything), { numRuns: 200 })
  })

  test('of any session, nothing but a CheckpointError is thrown, every line is accounted for, and what is kept is the context', async () => {
    await fc.assert(
      fc.asyncProperty(session, async (lines) => everything(bytesOf(lines))),
      { numRuns: 300 },
    )
  })

  test('a rewritten session is sound, and shows at its last line what the old one shows at the leaf', async () => {
    const texts = async (bytes: Uint8Array, leafId?: string) => {
      const { index, entries } = await readSession(bytes)
      const { entryIds, problems } = contextIn(reader, index, leafId ?? entries.at(-1)?.id ?? '', 'context')
      return { problems, texts: entryIds.map((entryId) => entries[index.positionOf(entryId) ?? -1]?.text) }
    }
    let made = 0
    await fc.assert(
      fc.asyncProperty(session, async (lines) => {
        const bytes = bytesOf(lines)
        for (const { id: leaf, kind } of (await readSession(bytes)).entries) {
          const before = await texts(bytes, leaf)
          if (kind === 'header' || before.problems.length > 0) continue
          const copy = await rewritten(bytes, leaf, { name: 'name' })
          const { bad, entries } = await readSession(copy)
          expect(bad).toEqual([])
          expect(
            entries.slice(1).every((one) => (!one.id.includes('@') && !/^L\d+$/.test(one.id)) || one.id === 'L2' || one.id === 'a@L3'),
          ).toBe(true)
          expect(await texts(copy)).toEqual(before)
          made++
        }
      }),
      { numRuns: 300 },
    )
    expect(made).toBeGreaterThan(500)
  })

  test('a file of a million closing braces, or of one endless line, takes a moment', async () => {
    const started = performance.now()
    await everything(Buffer.from(`${JSON.stringify(header())}\n${'['.repeat(1_000_000)}`))
    await all(reader.entries(await opened(Buffer.alloc(1_000_000, '}\n'))))
    const chain = [
      header(),
      ...Array.from({ length: 20_000 }, (_, at) =>
        row('compaction', `c${at}`, at === 0 ? null : `c${at - 1}`, { firstKeptEntryId: 'gone' }),
      ),
    ]
    await all(reader.compactions(await opened(chain)))
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
