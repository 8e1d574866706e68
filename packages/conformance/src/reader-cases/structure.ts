import assert from 'node:assert/strict'
import type { Compaction } from '@palimpsest/core'
import type { ReaderCase } from '../reader-case.ts'
import { compactionsOf, entriesOf, indexOf, linesOf, sampleTranscript } from './sample-transcript.ts'

/** What a reader makes of the entries together. */
export const structureCases: readonly ReaderCase[] = [
  {
    id: 'structure/context',
    group: 'structure',
    name: 'gives the context at the leaf: entries that exist, each once, as many as the model saw',
    async run({ reader, sample }) {
      const index = indexOf(entriesOf(await linesOf(reader, sampleTranscript(sample))))
      const { entryIds, problems } = reader.context(index, sample.leafId, 'context')
      assert.equal(entryIds.length, sample.contextCount)
      assert.equal(new Set(entryIds).size, entryIds.length)
      assert.ok(entryIds.every((id) => index.byId.has(id)))
      assert.deepEqual(problems, [])
    },
  },
  {
    id: 'structure/all',
    group: 'structure',
    name: 'leaves compaction summaries out of the view of everything, and nothing else of the context',
    async run({ reader, sample }) {
      const index = indexOf(entriesOf(await linesOf(reader, sampleTranscript(sample))))
      const all = reader.context(index, sample.leafId, 'all').entryIds
      const kinds = new Map(index.entries.map((entry) => [entry.id, entry.kind]))
      assert.ok(all.every((id) => kinds.get(id) === 'message'))
      for (const id of reader.context(index, sample.leafId, 'context').entryIds)
        assert.ok(kinds.get(id) === 'summary' || all.includes(id), id)
    },
  },
  {
    id: 'structure/compactions',
    group: 'structure',
    name: 'finds every compaction, oldest first, each at a line, with the leaf before it and the context it had',
    async run({ reader, sample }) {
      const found = await compactionsOf(reader, sampleTranscript(sample))
      assert.equal(found.length, sample.compactions.length)
      const lines = await linesOf(reader, sampleTranscript(sample))
      for (const [number, compaction] of found.entries()) {
        const expected = sample.compactions[number]
        const line = lines[compaction.boundary.line]
        assert.deepEqual([line?.start, line?.end], [compaction.boundary.start, compaction.boundary.end])
        assert.equal(compaction.leafId, expected?.leafId)
        if (expected?.tokensBefore !== undefined) assert.equal(compaction.tokensBefore, expected.tokensBefore)
        const before = sampleTranscript(sample, sample.main().slice(0, compaction.boundary.start))
        const index = indexOf(entriesOf(await linesOf(reader, before)))
        assert.equal(reader.context(index, compaction.leafId, 'context').entryIds.length, expected?.contextCount)
        for (const id of compaction.keptEntryIds ?? []) assert.ok(index.byId.has(id), `${id} is kept but not before the boundary`)
      }
    },
  },
  {
    id: 'structure/compactions-from',
    group: 'structure',
    name: 'finds the same compactions from the start of any line on',
    async run({ reader, sample }) {
      const whole = await compactionsOf(reader, sampleTranscript(sample))
      for (const { line, start } of await linesOf(reader, sampleTranscript(sample))) {
        const found: Compaction[] = []
        for await (const compaction of reader.compactions(sampleTranscript(sample), { from: { line, start } })) found.push(compaction)
        assert.deepEqual(
          found,
          whole.filter((compaction) => compaction.boundary.start >= start),
        )
      }
    },
  },
  {
    id: 'structure/prefix',
    group: 'structure',
    name: 'says of a prefix what it says of the whole, up to there',
    async run({ reader, sample }) {
      const whole = await compactionsOf(reader, sampleTranscript(sample))
      for (const [number, compaction] of whole.entries()) {
        const before = sampleTranscript(sample, sample.main().slice(0, compaction.boundary.start))
        assert.equal((await compactionsOf(reader, before)).length, number)
      }
    },
  },
  {
    id: 'structure/cycle',
    group: 'structure',
    name: 'ends on a cycle of parents and says so',
    async run({ reader, sample }) {
      const entries = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const context = reader.context(indexOf(entries), sample.leafId, 'all').entryIds
      const [first, last] = [context[0], context.at(-1)]
      if (first === undefined || last === undefined || first === last) return
      const cyclic = entries.map((entry) => (entry.id === first ? { ...entry, parentId: last } : entry))
      const { problems } = reader.context(indexOf(cyclic), sample.leafId, 'all')
      assert.ok(problems.length > 0)
    },
  },
  {
    id: 'structure/dangling',
    group: 'structure',
    name: 'goes as far as it can where a parent does not exist and says so',
    async run({ reader, sample }) {
      const entries = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const context = reader.context(indexOf(entries), sample.leafId, 'all').entryIds
      const middle = context[Math.floor(context.length / 2)]
      const dangling = entries.map((entry) => (entry.id === middle ? { ...entry, parentId: 'nobody' } : entry))
      const { problems, entryIds } = reader.context(indexOf(dangling), sample.leafId, 'all')
      assert.ok(problems.length > 0)
      assert.ok(middle === undefined || entryIds.includes(middle))
    },
  },
  {
    id: 'structure/unknown-leaf',
    group: 'structure',
    name: 'gives nothing but a problem for a leaf that does not exist',
    async run({ reader, sample }) {
      const index = indexOf(entriesOf(await linesOf(reader, sampleTranscript(sample))))
      const { entryIds, problems } = reader.context(index, 'no-such-leaf', 'context')
      assert.deepEqual(entryIds, [])
      assert.ok(problems.length > 0)
    },
  },
]
