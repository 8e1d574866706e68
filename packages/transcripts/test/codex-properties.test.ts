import { CheckpointError } from '@palimpsest/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  all,
  call,
  compacted,
  completed,
  count,
  environment,
  event,
  type Fields,
  item,
  jsonl,
  meta,
  output,
  read,
  reader,
  rewritten,
  row,
  says,
  started,
  summaryMessage,
  transcriptOf,
  user,
} from './codex-sessions.ts'
import { contextIn } from './contexts.ts'

const word = fc.constantFrom('a', 'b', 'c')
const ownId = fc.option(
  fc.integer({ min: 0, max: 9 }).map((number) => `msg_${number}`),
  { nil: undefined },
)

/** An item with an id or without, ids and texts repeated. */
const anyItem: fc.Arbitrary<Fields> = fc.oneof(
  fc.tuple(word, ownId).map(([text, id]) => user(text, id)),
  fc.tuple(word, ownId).map(([text, id]) => says(text, id)),
  ownId.map((id) => environment(id)),
  fc.tuple(word, ownId).map(([callId, id]) => call(callId, id)),
  fc.tuple(word, ownId).map(([callId, id]) => output(callId, 'x', id)),
  fc.constant(row('response_item', { type: 'ghost_snapshot' })),
  ownId.map((id) => ({ ...says('s', id), metadata: { compaction_output: true } })),
)

const anyCompaction = fc
  .tuple(word, fc.option(fc.array(anyItem, { maxLength: 4 }), { nil: undefined }), fc.option(word, { nil: undefined }))
  .map(([summary, items, windowId]) =>
    compacted(summaryMessage(summary), items?.map(item), windowId === undefined ? {} : { window_id: windowId }),
  )

const anyLine: fc.Arbitrary<Fields> = fc.oneof(
  { weight: 4, arbitrary: anyItem },
  anyCompaction,
  word.map((turn) => started(turn)),
  word.map((turn) => completed(turn)),
  fc.nat({ max: 2 }).map((tokens) => count(tokens)),
  fc.integer({ min: -1, max: 5 }).map((turns) => event('thread_rolled_back', { num_turns: turns })),
  fc.constant(meta()),
  fc.constant(row('unheard-of', {})),
)

/** Lines as Codex writes them, in any order. */
const anyRollout = fc.array(anyLine, { maxLength: 25 }).map((lines) => jsonl([meta(), ...lines]))

test('no bytes make anything throw but a CheckpointError, and every byte belongs to a line', async () => {
  const values = fc.record({ type: fc.constantFrom('response_item', 'compacted', 'event_msg', 'session_meta'), payload: fc.jsonValue() })
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    anyLine.map((line) => jsonl([line])),
    values.map((value) => Buffer.from(`${JSON.stringify(value)}\n`)),
    anyLine.map((line) => jsonl([line]).subarray(0, 90)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const bytes = Buffer.concat(pieces)
      const transcript = await transcriptOf(bytes)
      reader.detect(bytes, { path: '/p/x.jsonl', siblings: new Set() })
      const lines = await all(reader.entries(transcript))
      expect(lines.reduce((size, { start, end }) => size + end - start, 0)).toBe(bytes.length)
      await all(reader.compactions(transcript))
      for (const work of [() => reader.identify(transcript), () => rewritten(bytes, { leafId: 'L1', dropUnanswered: true })])
        await work().catch((error: unknown) => expect(error).toBeInstanceOf(CheckpointError))
    }),
    { numRuns: 150 },
  )
})

test('of any rollout: ids are unique, contexts are sound, and what a compaction keeps was there before it', async () => {
  await fc.assert(
    fc.asyncProperty(anyRollout, async (bytes) => {
      const transcript = await transcriptOf(bytes)
      const { index, leafId } = await read(transcript)
      expect(index.entries.every(({ id }, position) => index.positionOf(id) === position)).toBe(true)
      for (const view of ['context', 'all'] as const) {
        const { entryIds, problems } = contextIn(reader, index, leafId, view)
        expect(problems).toHaveLength(leafId === '' ? 1 : 0)
        expect(new Set(entryIds).size).toBe(entryIds.length)
      }
      for (const { boundary, leafId: before, keptEntryIds = [] } of await all(reader.compactions(transcript))) {
        for (const id of [before, ...keptEntryIds]) expect(index.entries[index.positionOf(id) ?? -1]?.start).toBeLessThan(boundary.start)
      }
    }),
    { numRuns: 200 },
  )
})

test('a rewritten rollout shows at its last line what the old one shows at the leaf, wherever that is', async () => {
  await fc.assert(
    fc.asyncProperty(anyRollout, fc.nat(), async (bytes, pick) => {
      const { index } = await read(await transcriptOf(bytes))
      const leaves = index.entries.filter(({ id, leafId }) => leafId === id)
      const leaf = leaves[pick % Math.max(1, leaves.length)]
      if (leaf === undefined) return
      const copy = await rewritten(bytes, { leafId: leaf.id })
      const written = await read(await transcriptOf(copy))
      expect(written.bad).toEqual([])
      expect(written.leafId).toBe(leaf.id)
      for (const view of ['context', 'all'] as const)
        expect(contextIn(reader, written.index, written.leafId, view)).toEqual(contextIn(reader, index, leaf.id, view))
    }),
    { numRuns: 200 },
  )
})

test('a long rollout full of compactions takes a moment: nothing is looked for twice', async () => {
  const turn = (at: number) => [
    user(`prompt ${at}`),
    says(`answer ${at}`),
    compacted(summaryMessage(`s${at}`), [item(user(`prompt ${at}`))]),
  ]
  const bytes = jsonl([meta(), ...Array.from({ length: 2000 }, (_, at) => turn(at)).flat()])
  const transcript = await transcriptOf(bytes)
  const { index, leafId } = await read(transcript)
  expect(contextIn(reader, index, leafId, 'all').entryIds).toHaveLength(4000)
  expect(await all(reader.compactions(transcript))).toHaveLength(2000)
})
