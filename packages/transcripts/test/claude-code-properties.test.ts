import { CheckpointError } from '@palimpsest/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fieldsOfObject, textOf } from '../src/claude-code/json-object-bytes.ts'
import { readNote, writeNote } from '../src/claude-code/note.ts'
import { idSet } from '../src/id-set.ts'
import {
  boundary,
  compactionsOf,
  type Fields,
  indexOf,
  jsonl,
  linesOf,
  otherId,
  parsed,
  preserving,
  prompt,
  reader,
  result,
  rewritten,
  says,
  sessionId,
  summary,
  transcriptOf,
  uuid,
} from './claude-code-session.ts'
import { contextIn } from './contexts.ts'

const number = fc.integer({ min: 0, max: 12 })
const parent = fc.option(number, { nil: null })

/** Lines of any structure: parents that lead nowhere, forwards, or round in circles; repeated ids; sub-agents; compactions that keep anything. */
const anyLine: fc.Arbitrary<Fields | string> = fc.oneof(
  fc.tuple(number, parent, fc.boolean()).map(([id, up, isSidechain]) => ({ ...prompt(id, up, 'a'), isSidechain })),
  fc.tuple(number, parent).map(([id, up]) => says(id, up, 'b')),
  fc.tuple(number, parent, number).map(([id, up, call]) => result(id, up, `t${call}`)),
  fc.tuple(number, parent, number, number).map(([id, up, call, message]) => ({
    ...says(id, up, ''),
    message: { id: `m${message}`, content: [{ type: 'tool_use', id: `t${call}`, name: 'Bash', input: {} }] },
  })),
  fc.tuple(number, number, fc.array(number)).map(([id, anchor, kept]) => boundary(id, preserving(anchor, kept))),
  fc.tuple(number, number).map(([id, up]) => summary(id, up, 's')),
  fc.json(),
)

test('no bytes make anything throw but a CheckpointError', async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    anyLine.map((line) => jsonl([line])),
    fc.constant(Uint8Array.of(0x0a)),
    anyLine.map((line) => jsonl([line]).subarray(0, 90)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const bytes = Buffer.concat(pieces)
      const transcript = await transcriptOf(bytes)
      reader.detect(bytes, { path: '/p/x.jsonl', siblings: new Set() })
      const lines = await linesOf(transcript)
      expect(lines.reduce((size, { start, end }) => size + end - start, 0)).toBe(bytes.length)
      await compactionsOf(transcript)
      for (const work of [
        () => reader.identify(transcript),
        () => rewritten(transcript, { leafId: uuid(1), dropUnanswered: true, name: 'x', parent: { sessionId } }),
      ]) {
        await work().catch((error) => expect(error).toBeInstanceOf(CheckpointError))
      }
    }),
    { numRuns: 300 },
  )
})

test('a branch is found at every entry of every structure, each entry once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyLine, { maxLength: 30 }), async (lines) => {
      const index = await indexOf(await transcriptOf(lines))
      for (const { id, kind } of index.entries) {
        for (const view of ['context', 'all'] as const) {
          const { entryIds } = contextIn(reader, index, id, view)
          expect(new Set(entryIds).size).toBe(entryIds.length)
          if (kind === 'message') expect(entryIds).toContain(id)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a rewritten session is a prefix with the new id, and ends at its leaf', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyLine, { minLength: 1, maxLength: 20 }), fc.nat(), async (lines, choice) => {
      const transcript = await transcriptOf(lines)
      const leaves = (await indexOf(transcript)).entries.flatMap(({ leafId }) => leafId ?? [])
      const leafId = leaves[choice % leaves.length]
      fc.pre(leafId !== undefined)
      const main = (await rewritten(transcript, { leafId: leafId ?? '' }))['main'] ?? new Uint8Array(0)
      const original = parsed(jsonl(lines))
      const copy = parsed(main)
      expect(copy).toEqual(
        original.slice(0, copy.length).map((line) => (typeof line?.['sessionId'] === 'string' ? { ...line, sessionId: otherId } : line)),
      )
      expect((await indexOf(await transcriptOf(main))).entries.findLast((entry) => entry.leafId !== undefined)?.leafId).toBe(leafId)
    }),
    { numRuns: 200 },
  )
})

test('the fields found in bytes are those that JSON.parse finds', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat({ max: 3 }), (object, spaces) => {
      const bytes = new TextEncoder().encode(JSON.stringify(object, undefined, spaces))
      const { fields, whole } = fieldsOfObject(bytes)
      expect(whole).toBe(true)
      const found = fields.map(({ key, valueStart, valueEnd }) => [
        key,
        JSON.parse(new TextDecoder().decode(bytes.subarray(valueStart, valueEnd))),
      ])
      expect(found).toEqual(Object.entries(JSON.parse(JSON.stringify(object))))
      for (let cut = 0; cut < bytes.length; cut += 7) expect(fieldsOfObject(bytes.subarray(0, cut)).whole).toBe(false)
    }),
  )
  expect(textOf(new TextEncoder().encode('"a'))).toBeUndefined()
})

test('a set of ids holds what was added, UUIDs and others', () => {
  const id = fc.oneof(fc.uuid(), fc.string(), fc.constantFrom('00000000-0000-0000-0000-000000000000', uuid(1), uuid(1).toUpperCase()))
  fc.assert(
    fc.property(fc.array(id, { maxLength: 2000, size: 'max' }), (ids) => {
      const set = idSet()
      const model = new Set<string>()
      const answers = ids.map((each) => [set.has(each), set.add(each), set.has(each)])
      const expected = ids.map((each) => [model.has(each), !model.has(each), model.add(each).has(each)])
      expect(answers).toEqual(expected)
      expect([...model].filter((each) => !set.has(each))).toEqual([])
    }),
    { numRuns: 10 },
  )
})

test('a note is read as it was written; a name that can’t stand in one is left out', () => {
  expect(readNote(writeNote({ is: 'reply', calls: true, messageId: 'msg_1' }))).toEqual({ is: 'reply', calls: true, messageId: 'msg_1' })
  expect(readNote(writeNote({ is: 'boundary', tail: 'b' }))).toEqual({ is: 'boundary', anchor: undefined, tail: 'b' })
  expect(readNote(writeNote({ is: 'result', tool: 'a\tb' }))).toEqual({ is: 'result', tool: undefined })
  expect(readNote(writeNote({ is: 'result', tool: 'x'.repeat(201) }))).toEqual({ is: 'result', tool: undefined })
  expect(readNote('something else')).toBeUndefined()
})
