import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readNote, writeNote } from '../src/gemini/note.ts'
import { contextIn } from './contexts.ts'
import * as copilot from './copilot-session.ts'
import * as geminiSession from './gemini-session.ts'
import { all, bytesOf, newId, opened, readSession, rewritten } from './session-kit.ts'

const { context, gemini, info, list, metadata, rewind, snapshot, user } = geminiSession

const messages = ['u1', 'g1', 'u2', 'g2', 'i1', 's1', 'g1_response'].map((id) =>
  id.startsWith('u') ? user(id) : id.startsWith('i') ? info(id) : id.startsWith('s') ? snapshot(id) : gemini(id),
)
const message = fc.constantFrom(...messages)
const strange = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(fc.constantFrom('id', '$set', '$rewindTo', 'type', 'sessionId', 'projectHash', 'messages', 'content'), fc.jsonValue()),
)

/** Lines that the client could have written, in any order, and some that it could not. */
const geminiLine = fc.oneof(
  { weight: 4, arbitrary: message },
  { weight: 3, arbitrary: fc.array(message, { maxLength: 6 }).map((listed) => list(context(), ...listed)) },
  { weight: 1, arbitrary: fc.constantFrom('u1', 'g2', 'nobody').map(rewind) },
  { weight: 1, arbitrary: fc.constant(metadata()) },
  { weight: 1, arbitrary: strange.map((value) => JSON.stringify(value)) },
)
const geminiLog = fc.array(geminiLine, { maxLength: 20 }).map((lines) => [metadata(), list(context()), ...lines])

const copilotEvents = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'user.message',
        'assistant.message',
        'session.compaction_start',
        'session.compaction_complete',
        'model.message',
        'session.context_cleared',
        'x',
      ),
      fc.oneof(
        fc.nat(12).map((number) => `e${number}`),
        fc.constant(null),
      ),
      fc.record({ success: fc.boolean(), compactionAttemptId: fc.constantFrom('a', 'b') }),
    ),
    { maxLength: 14 },
  )
  .map((events) => [
    copilot.start(),
    ...events.map(([type, parent, data], at) =>
      // The client names an earlier event as the parent, or one that it never wrote.
      copilot.event(type, `e${at}`, parent === null ? null : at === 0 ? 'nowhere' : `e${Number(parent) % at}`, data),
    ),
  ])

describe.each([
  ['Gemini CLI', geminiSession.reader, geminiLog],
  [
    'Copilot CLI',
    copilot.reader,
    fc.oneof(
      copilotEvents,
      fc.array(strange, { maxLength: 8 }).map((lines) => [copilot.start(), ...lines.map((line) => JSON.stringify(line))]),
    ),
  ],
] as const)('%s: whatever the lines are', (_name, reader, sessions) => {
  test('each is one entry or one bad line, with an id of its own, and every context has entries that exist, each once', async () => {
    await fc.assert(
      fc.asyncProperty(sessions, async (lines) => {
        const { entries, bad, index, compactions } = await readSession(reader, lines)
        expect(entries.length + bad.length).toBe(lines.length)
        expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length)
        for (const { leafId } of entries) {
          if (leafId === undefined) continue
          for (const view of ['context', 'all'] as const) {
            const { entryIds } = contextIn(reader, index, leafId, view)
            expect(new Set(entryIds).size).toBe(entryIds.length)
            for (const id of entryIds) expect(index.positionOf(id)).toBeDefined()
          }
        }
        for (const { leafId, boundary } of compactions) {
          expect(entries.some(({ id, start }) => id === leafId && start < boundary.start)).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('an entry read again says the same, and a copy at any leaf has the same context', async () => {
    await fc.assert(
      fc.asyncProperty(sessions, fc.nat(), async (lines, pick) => {
        const bytes = bytesOf(lines)
        const { entries, index } = await readSession(reader, bytes)
        for (const entry of entries) {
          const { text: _text, tool: _tool, createdAt: _createdAt, ...indexed } = entry
          expect(reader.entry(bytes.subarray(entry.start, entry.end), indexed)).toEqual(entry)
        }
        const leaves = entries.flatMap(({ leafId }) => leafId ?? [])
        const leafId = leaves[pick % Math.max(1, leaves.length)]
        if (leafId === undefined) return
        const { main = '' } = await rewritten(reader, await opened(bytes), { leafId })
        const copy = await readSession(reader, Buffer.from(main))
        expect(contextIn(reader, copy.index, leafId, 'context').entryIds).toEqual(contextIn(reader, index, leafId, 'context').entryIds)
        expect((await reader.identify(await opened(Buffer.from(main)))).sessionId).toBe(newId)
      }),
      { numRuns: 150 },
    )
  })

  test('what is read from any line on is what is read of it from the first on', async () => {
    await fc.assert(
      fc.asyncProperty(sessions, fc.nat(), async (lines, pick) => {
        const bytes = bytesOf(lines)
        const whole = (await all(reader.structure(await opened(bytes)))).flat()
        const from = whole[pick % whole.length]
        if (from === undefined) return
        const rest = (await all(reader.structure(await opened(bytes), { from: { line: from.line, start: from.start } }))).flat()
        expect(rest.map(({ line, start, end, kind }) => [line, start, end, kind])).toEqual(
          whole.slice(from.line).map(({ line, start, end, kind }) => [line, start, end, kind]),
        )
      }),
      { numRuns: 100 },
    )
  })
})

test('a note is read as it was written', () => {
  const place = fc.nat(1000)
  const run = fc.oneof(
    fc.record({ from: fc.constant('own' as const), count: place }),
    fc.record({ from: fc.constantFrom('live' as const, 'aside' as const), first: place, last: place }),
  )
  const note = fc.oneof(
    fc.constant({ op: 'add' as const }),
    fc.record({ op: fc.constant('put' as const), place, replaced: fc.string({ minLength: 1 }) }),
    fc.record({ op: fc.constant('cut' as const), length: place }),
    fc.record({ op: fc.constant('list' as const), runs: fc.array(run) }),
  )
  fc.assert(
    fc.property(note, (written) => {
      expect(readNote(writeNote(written))).toEqual(written)
    }),
  )
})
