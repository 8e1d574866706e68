import assert from 'node:assert/strict'
import {
  type EntryIndex,
  entryIndexOf,
  growingIndex,
  type RewriteOptions,
  type RewriteSink,
  type StructureSink,
  type Transcript,
  type TranscriptReader,
} from '@palimpsest/core'
import type { ReaderCase, ReaderSample } from '../reader-case.ts'
import { compactionsOf, contextOf, entriesOf, leafOf, linesOf, sampleTranscript } from './sample-transcript.ts'

const newId = '7c0a4a55-2d0e-4b5e-8a57-0d6a9d6f2f10'

/** What a reader writes back. */
export const rewriteCases: readonly ReaderCase[] = [
  {
    id: 'rewrite/new-session',
    group: 'rewrite',
    name: 'writes a session under a new id that stands at the leaf with the same context, every line of it whole',
    async run({ reader, sample }) {
      const written = await rewritten(reader, sample, sampleTranscript(sample), sample.leafId)
      await assertSameContext(reader, sample, sampleTranscript(sample), sample.leafId, written)
    },
  },
  {
    id: 'rewrite/before-each-compaction',
    group: 'rewrite',
    name: 'gives back the context before each compaction',
    async run({ reader, sample }) {
      for (const compaction of await compactionsOf(reader, sampleTranscript(sample))) {
        const before = sampleTranscript(sample, sample.main().slice(0, compaction.boundary.start))
        const written = await rewritten(reader, sample, before, compaction.leafId)
        await assertSameContext(reader, sample, before, compaction.leafId, written)
      }
    },
  },
  {
    id: 'rewrite/parts',
    group: 'rewrite',
    name: 'writes the main part and nothing but known sidecars, one part after the other, in bounded pieces',
    async run({ reader, sample }) {
      const known = new Set(['main', ...Object.keys(sample.sidecars ?? {})])
      const order: string[] = []
      for await (const { part, bytes } of reader.rewrite(sampleTranscript(sample), {
        sessionId: newIdOf(reader),
        leafId: sample.leafId,
        createdAt: 0,
      })) {
        assert.ok(known.has(part), part)
        assert.ok(bytes.byteLength <= 16 * 1024 * 1024)
        if (order.at(-1) !== part) order.push(part)
      }
      assert.equal(new Set(order).size, order.length)
    },
  },
  {
    id: 'rewrite/into',
    group: 'rewrite',
    name: 'gives the same bytes into a sink, and its index for theirs only where it is',
    async run({ reader, sample }) {
      const { rewriteInto } = reader
      if (rewriteInto === undefined) return
      const leaves = [sample.leafId, ...(await compactionsOf(reader, sampleTranscript(sample))).map(({ leafId }) => leafId)]
      for (const leafId of leaves) {
        const plain = await rewritten(reader, sample, sampleTranscript(sample), leafId)
        const { sink, bytes, index } = keepingSink()
        const options = { ...rewriteOptions(reader, sample, leafId), wellFormed: true }
        const { isWhole } = await rewriteInto(sampleTranscript(sample), options, sink)
        assert.equal(Buffer.from(bytes()).toString('base64'), Buffer.from(plain).toString('base64'))
        if (!isWhole) continue
        const entries = entriesOf(await linesOf(reader, sampleTranscript(sample, plain)))
        const idAt = (position: number) => index.idOf(position)
        assert.equal(index.size, entries.length)
        assert.deepEqual(entries.map((_entry, position) => idAt(position)).slice(1), entries.map(({ id }) => id).slice(1))
      }
    },
  },
  {
    id: 'rewrite/source-untouched',
    group: 'rewrite',
    name: 'leaves the transcript it reads as it is',
    async run({ reader, sample }) {
      const main = sample.main()
      const before = Buffer.from(main).toString('base64')
      await rewritten(reader, sample, sampleTranscript(sample, main), sample.leafId)
      assert.equal(Buffer.from(main).toString('base64'), before)
    },
  },
  {
    id: 'rewrite/unknown-leaf',
    group: 'rewrite',
    name: 'refuses a leaf that the transcript does not have',
    async run({ reader, sample }) {
      await assert.rejects(rewritten(reader, sample, sampleTranscript(sample), 'no-such-leaf'), { code: 'TRANSCRIPT_MALFORMED' })
    },
  },
  {
    id: 'rewrite/in-place',
    group: 'rewrite',
    name: 'says how a session goes back in its own file, and an appended line moves the leaf there',
    async run({ reader, sample }) {
      const [first] = await compactionsOf(reader, sampleTranscript(sample))
      if (first === undefined) return
      const plan = await reader.inPlace(sampleTranscript(sample), { sessionId: sample.sessionId, leafId: first.leafId, createdAt: 0 })
      if (plan.mode !== 'append') return
      const main = sample.main()
      const lines = await linesOf(reader, sampleTranscript(sample, Buffer.concat([main, plan.bytes])))
      assert.equal(contextOf(reader, entriesOf(lines), leafOf(lines) ?? '', 'context').entryIds.length, sample.compactions[0]?.contextCount)
    },
  },
]

/** A new session's id, as the agent can take it. */
function newIdOf(reader: TranscriptReader): string {
  return reader.place({ sessionId: newId, createdAt: 1_700_000_000_000, to: '/tmp/there' }).sessionId ?? newId
}

function rewriteOptions(reader: TranscriptReader, sample: ReaderSample, leafId: string): RewriteOptions {
  const parent = { sessionId: sample.sessionId, path: sample.path }
  return { sessionId: newIdOf(reader), leafId, createdAt: 1_700_000_000_000, parent }
}

/** A sink that keeps what it is given. */
function keepingSink(): { readonly sink: RewriteSink; readonly index: EntryIndex; bytes(): Uint8Array } {
  const index = growingIndex()
  let bytes = Buffer.alloc(0)
  const lines: StructureSink = {
    line(line) {
      if (line.kind !== 'bad') index.add(line)
    },
    message: index.addMessage,
    has: (id) => index.positionOf(id) !== undefined,
  }
  const write = (more: Uint8Array) => {
    bytes = Buffer.concat([bytes, more])
    return undefined
  }
  const cut = async (sizeBytes: number) => {
    assert.ok(sizeBytes <= bytes.length)
    bytes = bytes.subarray(0, sizeBytes)
  }
  return { sink: { lines, index, write, cut }, index, bytes: () => bytes }
}

async function rewritten(reader: TranscriptReader, sample: ReaderSample, transcript: Transcript, leafId: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const { part, bytes } of reader.rewrite(transcript, rewriteOptions(reader, sample, leafId))) {
    if (part === 'main') pieces.push(bytes)
  }
  return Buffer.concat(pieces)
}

async function assertSameContext(
  reader: TranscriptReader,
  sample: ReaderSample,
  source: Transcript,
  leafId: string,
  written: Uint8Array,
): Promise<void> {
  const sessionId = newIdOf(reader)
  const target = sampleTranscript({ ...sample, path: sample.path.replace(sample.sessionId, sessionId) }, written)
  assert.equal((await reader.identify(target)).sessionId, sessionId)
  const before = await linesOf(reader, source)
  const after = await linesOf(reader, target)
  assert.deepEqual(
    after.filter((line) => line.kind === 'bad'),
    [],
  )
  assert.deepEqual(contextTexts(reader, entriesOf(after), leafOf(after) ?? ''), contextTexts(reader, entriesOf(before), leafId))
}

function contextTexts(reader: TranscriptReader, entries: ReturnType<typeof entriesOf>, leafId: string): readonly string[] {
  const { positions, problems } = reader.context(entryIndexOf(entries), leafId, 'context')
  assert.deepEqual(problems, [])
  return Array.from(positions, (position) => entries[position]?.text ?? '')
}
