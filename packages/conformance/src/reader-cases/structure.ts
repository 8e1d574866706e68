import assert from 'node:assert/strict'
import { type Compaction, entryIndexOf } from '@palimpsest/core'
import type { ReaderCase } from '../reader-case.ts'
import { compactionsOf, contextOf, entriesOf, linesOf, sampleTranscript } from './sample-transcript.ts'

/** What a reader makes of the entries together. */
export const structureCases: readonly ReaderCase[] = [
  {
    id: 'structure/context',
    group: 'structure',
    name: 'gives the context at the leaf: entries that exist, each once, as many as the model saw',
    async run({ reader, sample }) {
      const entries = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const { positions, problems } = reader.context(entryIndexOf(entries), sample.leafId, 'context')
      assert.equal(positions.length, sample.contextCount)
      assert.equal(new Set(positions).size, positions.length)
      assert.ok(positions.every((position) => entries[position] !== undefined))
      assert.deepEqual(problems, [])
    },
  },
  {
    id: 'structure/all',
    group: 'structure',
    name: 'leaves compaction summaries out of the view of everything, and nothing else of the context',
    async run({ reader, sample }) {
      const index = entryIndexOf(entriesOf(await linesOf(reader, sampleTranscript(sample))))
      const all = reader.context(index, sample.leafId, 'all').positions
      assert.ok(all.every((position) => index.kindOf(position) === 'message'))
      for (const position of reader.context(index, sample.leafId, 'context').positions)
        assert.ok(index.kindOf(position) === 'summary' || all.includes(position), index.idOf(position))
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
        assert.ok(line?.kind === 'boundary' || line?.kind === 'summary', `line ${compaction.boundary.line} is of kind ${line?.kind}`)
        assert.equal(compaction.leafId, expected?.leafId)
        if (expected?.tokensBefore !== undefined) assert.equal(compaction.tokensBefore, expected.tokensBefore)
        const before = sampleTranscript(sample, sample.main().slice(0, compaction.boundary.start))
        const index = entryIndexOf(entriesOf(await linesOf(reader, before)))
        assert.equal(reader.context(index, compaction.leafId, 'context').positions.length, expected?.contextCount)
        for (const id of compaction.keptEntryIds ?? [])
          assert.ok(index.positionOf(id) !== undefined, `${id} is kept but not before the boundary`)
      }
    },
  },
  {
    id: 'structure/kept',
    group: 'structure',
    name: 'finds what each compaction keeps: entries on the branch before it, each once, as the first one that it names says',
    async run({ reader, sample }) {
      for (const compaction of await compactionsOf(reader, sampleTranscript(sample))) {
        const before = sampleTranscript(sample, sample.main().slice(0, compaction.boundary.start))
        const index = entryIndexOf(entriesOf(await linesOf(reader, before)))
        const views = (['context', 'all'] as const).map((view) => reader.context(index, compaction.leafId, view).positions)
        const kept = reader.kept(index, compaction.leafId, compaction)
        assert.equal(new Set(kept).size, kept.length)
        assert.ok(kept.every((position) => views.some((positions) => positions.includes(position))))
        const first = index.positionOf(compaction.firstKeptEntryId ?? '')
        const isThere = first !== undefined && index.kindOf(first) === 'message'
        if (isThere && compaction.keptEntryIds === undefined) assert.equal(kept[0], first)
        assert.deepEqual(reader.kept(index, compaction.leafId, { firstKeptEntryId: 'no-such-entry' }), new Int32Array(0))
        assert.deepEqual(reader.kept(index, 'no-such-leaf', compaction), new Int32Array(0))
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
      const context = contextOf(reader, entries, sample.leafId, 'all').entryIds
      const [first, last] = [context[0], context.at(-1)]
      if (first === undefined || last === undefined || first === last) return
      const cyclic = entries.map((entry) => (entry.id === first ? { ...entry, parentId: last } : entry))
      const { problems } = contextOf(reader, cyclic, sample.leafId, 'all')
      assert.ok(problems.length > 0)
    },
  },
  {
    id: 'structure/dangling',
    group: 'structure',
    name: 'goes as far as it can where a parent does not exist and says so',
    async run({ reader, sample }) {
      const entries = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const context = contextOf(reader, entries, sample.leafId, 'all').entryIds
      const middle = context[Math.floor(context.length / 2)]
      const dangling = entries.map((entry) => (entry.id === middle ? { ...entry, parentId: 'nobody' } : entry))
      const { problems, entryIds } = contextOf(reader, dangling, sample.leafId, 'all')
      assert.ok(problems.length > 0)
      assert.ok(middle === undefined || entryIds.includes(middle))
    },
  },
  {
    id: 'structure/unknown-leaf',
    group: 'structure',
    name: 'gives nothing but a problem for a leaf that does not exist',
    async run({ reader, sample }) {
      const entries = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const { entryIds, problems } = contextOf(reader, entries, 'no-such-leaf', 'context')
      assert.deepEqual(entryIds, [])
      assert.ok(problems.length > 0)
    },
  },
]
