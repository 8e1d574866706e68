import assert from 'node:assert/strict'
import {
  type BadLine,
  type IndexedEntry,
  type LineStart,
  type StructureSink,
  searchableText,
  type Transcript,
  type TranscriptReader,
} from '@palimpsest/core'
import type { ReaderCase } from '../reader-case.ts'
import { compactionsOf, entriesOf, leafOf, linesOf, sampleTranscript, withLine } from './sample-transcript.ts'

const text = new TextEncoder()

/** How a reader walks over lines, good and bad. */
export const lineCases: readonly ReaderCase[] = [
  {
    id: 'lines/ranges',
    group: 'lines',
    name: 'gives every line once, in order, its byte range included',
    async run({ reader, sample }) {
      const main = sample.main()
      const lines = await linesOf(reader, sampleTranscript(sample))
      let end = 0
      lines.forEach((line, index) => {
        assert.equal(line.line, index)
        assert.equal(line.start, end)
        assert.ok(line.end > line.start)
        end = line.end
      })
      assert.equal(end, main.byteLength)
      assert.equal(leafOf(lines), sample.leafId)
    },
  },
  {
    id: 'lines/unique-ids',
    group: 'lines',
    name: 'gives every entry an id of its own, repeated lines too',
    async run({ reader, sample }) {
      const main = sample.main()
      for (const bytes of [main, Buffer.concat([main, lastLine(main)])]) {
        const ids = entriesOf(await linesOf(reader, sampleTranscript(sample, bytes))).map((entry) => entry.id)
        assert.equal(new Set(ids).size, ids.length)
      }
    },
  },
  {
    id: 'lines/from',
    group: 'lines',
    name: 'reads on from the start of any line as if it had read what is before',
    async run({ reader, sample }) {
      const all = await linesOf(reader, sampleTranscript(sample))
      const first = all[Math.floor(all.length / 2)]
      assert.ok(first !== undefined)
      const rest = await linesOf(reader, sampleTranscript(sample), { line: first.line, start: first.start })
      assert.deepEqual(
        rest.map((line) => [line.kind, line.line, line.start, line.end]),
        all.slice(first.line).map((line) => [line.kind, line.line, line.start, line.end]),
      )
      assert.equal(leafOf(rest), sample.leafId)
    },
  },
  {
    id: 'lines/structure',
    group: 'lines',
    name: 'gives the same lines without what they say',
    async run({ reader, sample }) {
      const main = withLine(sample.main(), 2, text.encode('torn'))
      const lines = await linesOf(reader, sampleTranscript(sample, main))
      const structure: unknown[] = []
      for await (const batch of reader.structure(sampleTranscript(sample, main))) structure.push(...batch)
      assert.deepEqual(
        structure,
        lines.map((line) => {
          if (line.kind === 'bad') return line
          const { text: _text, tool: _tool, createdAt: _createdAt, ...indexed } = line
          return indexed
        }),
      )
    },
  },
  {
    id: 'lines/structure-into',
    group: 'lines',
    name: 'gives the same lines into a sink',
    async run({ reader, sample }) {
      const { structureInto } = reader
      if (structureInto === undefined) return
      const main = withLine(sample.main(), 2, text.encode('torn'))
      const whole = await structureOf(reader, sampleTranscript(sample, main))
      assert.deepEqual(await taken((sink) => structureInto(sampleTranscript(sample, main), sink)), whole)
      const plain = await structureOf(reader, sampleTranscript(sample))
      assert.deepEqual(await taken((sink) => structureInto(sampleTranscript(sample), sink, { wellFormed: true })), plain)
      const first = whole[Math.floor(whole.length / 2)]
      assert.ok(first !== undefined)
      const from = { line: first.line, start: first.start }
      assert.deepEqual(
        await taken((sink) => structureInto(sampleTranscript(sample, main), sink, { from })),
        await structureOf(reader, sampleTranscript(sample, main), from),
      )
    },
  },
  {
    id: 'lines/entry',
    group: 'lines',
    name: 'reads an entry again from its own bytes',
    async run({ reader, sample }) {
      const main = sample.main()
      for (const entry of entriesOf(await linesOf(reader, sampleTranscript(sample)))) {
        const { text: _text, tool: _tool, createdAt: _createdAt, ...indexed } = entry
        const again = reader.entry(main.slice(entry.start, entry.end), indexed)
        assert.equal(again.text, entry.text)
        assert.equal(again.id, entry.id)
        assert.equal(again.kind, entry.kind)
      }
    },
  },
  {
    id: 'lines/everything-said',
    group: 'lines',
    name: 'gives everything that is said in a line of a message in the text of an entry, so that it can be searched',
    async run({ reader, sample }) {
      const main = sample.main()
      const entries = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const said = plain(entries.map((entry) => searchableText(entry)).join('\n'))
      for (const entry of entries.filter(({ kind }) => kind === 'message')) {
        const line: unknown = JSON.parse(Buffer.from(main.slice(entry.start, entry.end)).toString())
        for (const words of sentencesIn(line)) {
          // Around what was said a client may keep it with words of its own, the time of day and the like.
          const isWrapped = entry.text !== '' && words.includes(entry.text)
          assert.ok(isWrapped || said.includes(plain(words)), `line ${entry.line}: ${words}`)
        }
      }
      for (const { summary } of await compactionsOf(reader, sampleTranscript(sample))) {
        assert.ok(summary === undefined || said.includes(plain(summary)), `the summary ${summary}`)
      }
    },
  },
  ...['torn {"type":"mess', 'null', '42', '', '\u0000'].map(
    (bad): ReaderCase => ({
      id: `lines/bad-${Buffer.from(bad).toString('hex') || 'empty'}`,
      group: 'lines',
      name: `counts the line ${JSON.stringify(bad)} in the middle and reads everything else`,
      async run({ reader, sample }) {
        const clean = entriesOf(await linesOf(reader, sampleTranscript(sample)))
        const lines = await linesOf(reader, sampleTranscript(sample, withLine(sample.main(), 2, text.encode(bad))))
        assert.equal(lines.filter((line) => line.kind === 'bad').length, 1)
        assert.deepEqual(
          entriesOf(lines).map((entry) => entry.text),
          clean.map((entry) => entry.text),
        )
      },
    }),
  ),
  {
    id: 'lines/utf8',
    group: 'lines',
    name: 'counts a line of invalid UTF-8 and reads everything else',
    async run({ reader, sample }) {
      const lines = await linesOf(reader, sampleTranscript(sample, withLine(sample.main(), 1, Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d))))
      assert.equal(lines.filter((line) => line.kind === 'bad').length, 1)
    },
  },
  {
    id: 'lines/torn-tail',
    group: 'lines',
    name: 'takes a last line without line feed for what it is: an entry when it is whole, else a bad line',
    async run({ reader, sample }) {
      const main = sample.main()
      const clean = await linesOf(reader, sampleTranscript(sample))
      const whole = await linesOf(reader, sampleTranscript(sample, main.slice(0, -1)))
      assert.equal(whole.length, clean.length)
      assert.equal(whole.at(-1)?.kind, clean.at(-1)?.kind)
      const torn = await linesOf(reader, sampleTranscript(sample, main.slice(0, -5)))
      assert.equal(torn.at(-1)?.kind, 'bad')
    },
  },
  {
    id: 'lines/crlf',
    group: 'lines',
    name: 'reads lines that end in CRLF, and a byte order mark before the first',
    async run({ reader, sample }) {
      const clean = entriesOf(await linesOf(reader, sampleTranscript(sample)))
      const crlf = Buffer.concat([
        Buffer.from([0xef, 0xbb, 0xbf]),
        Buffer.from(Buffer.from(sample.main()).toString().replaceAll('\n', '\r\n')),
      ])
      const lines = await linesOf(reader, sampleTranscript(sample, crlf))
      assert.deepEqual(
        entriesOf(lines).map((entry) => entry.text),
        clean.map((entry) => entry.text),
      )
      assert.equal((await reader.identify(sampleTranscript(sample, crlf))).sessionId, sample.sessionId)
    },
  },
  {
    id: 'lines/abort',
    group: 'lines',
    name: 'stops when its signal says so, with the reason untouched',
    async run({ reader, sample }) {
      const reason = new Error('enough')
      const read = async (): Promise<void> => {
        for await (const _line of reader.entries(sampleTranscript(sample), { signal: AbortSignal.abort(reason) }))
          assert.fail('a line came')
      }
      await assert.rejects(read(), (error) => error === reason)
    },
  },
]

/** The strings in a value that are more than one word: no name, id or time is. */
function sentencesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /\S\s+\S/.test(value) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(sentencesIn)
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

async function structureOf(
  reader: TranscriptReader,
  transcript: Transcript,
  from?: LineStart,
): Promise<readonly (IndexedEntry | BadLine)[]> {
  return (await Array.fromAsync(reader.structure(transcript, { from }))).flat()
}

/** What a sink is given, messages as the entries that they stand for. */
async function taken(give: (sink: StructureSink) => Promise<void>): Promise<readonly (IndexedEntry | BadLine)[]> {
  const lines: (IndexedEntry | BadLine)[] = []
  const ids = new Set<string>()
  const digits = (word: number) => (word >>> 0).toString(16).padStart(8, '0')
  await give({
    line(line) {
      if (line.kind !== 'bad') ids.add(line.id)
      lines.push(line)
    },
    message({ part, line, start, end, id: word, hasParent, parent, role }) {
      const id = digits(word)
      if (ids.has(id)) return false
      ids.add(id)
      lines.push({
        part,
        line,
        start,
        end,
        kind: 'message',
        id,
        ...(hasParent ? { parentId: digits(parent) } : {}),
        role,
        leafId: id,
      })
      return true
    },
    has: (id) => ids.has(id),
  })
  return lines
}

function lastLine(main: Uint8Array): Uint8Array {
  return main.slice(main.lastIndexOf(10, main.byteLength - 2) + 1)
}
