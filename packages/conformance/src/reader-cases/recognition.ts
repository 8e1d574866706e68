import assert from 'node:assert/strict'
import type { ReaderCase } from '../reader-case.ts'
import { sampleTranscript } from './sample-transcript.ts'

const text = new TextEncoder()

/** What a reader recognises, and as which session. */
export const recognitionCases: readonly ReaderCase[] = [
  {
    id: 'recognition/own',
    group: 'recognition',
    name: 'recognises the first bytes of its own transcripts, cut anywhere behind the first line',
    async run({ reader, sample }) {
      const main = sample.main()
      const file = { path: sample.path, siblings: new Set(sample.siblings ?? []) }
      assert.equal(reader.detect(main, file), true)
      assert.equal(reader.detect(main.subarray(0, main.indexOf(10) + 1), file), true)
      assert.equal(reader.detect(main.subarray(0, Math.min(main.byteLength, main.indexOf(10) + 20)), file), true)
    },
  },
  {
    id: 'recognition/foreign',
    group: 'recognition',
    name: 'claims neither nothing nor garbage nor other JSON',
    async run({ reader, sample }) {
      const file = { path: sample.path, siblings: new Set<string>() }
      for (const foreign of [
        '',
        '\n',
        'hello\n',
        '{}\n',
        'null\n',
        '[1,2]\n',
        '{"a":1}\n{"b":2}\n',
        '\u0000\u0001\u0002',
        '{"type":"unheard-of"}\n',
      ]) {
        assert.equal(reader.detect(text.encode(foreign), file), false, JSON.stringify(foreign))
      }
    },
  },
  {
    id: 'recognition/identity',
    group: 'recognition',
    name: 'names the session and its key, the same on every prefix that ends with a line',
    async run({ reader, sample }) {
      const main = sample.main()
      const whole = await reader.identify(sampleTranscript(sample))
      assert.equal(whole.sessionKey, sample.sessionKey)
      assert.equal(whole.sessionId, sample.sessionId)
      const half = main.subarray(0, main.indexOf(10, main.byteLength >> 1) + 1)
      const prefix = await reader.identify(sampleTranscript(sample, half))
      assert.equal(prefix.sessionKey, sample.sessionKey)
    },
  },
  {
    id: 'recognition/unrecognised',
    group: 'recognition',
    name: 'says TRANSCRIPT_UNRECOGNISED of what has no valid header',
    async run({ reader, sample }) {
      await assert.rejects(reader.identify(sampleTranscript(sample, text.encode('garbage\nmore garbage\n'))), {
        code: 'TRANSCRIPT_UNRECOGNISED',
      })
    },
  },
  {
    id: 'recognition/sidecars',
    group: 'recognition',
    name: 'names sidecars that stay below its own folder',
    async run({ reader, sample }) {
      const fileName = sample.path.split('/').at(-1) ?? ''
      for (const rule of reader.sidecars(fileName)) {
        assert.ok(!rule.folder.startsWith('/') && !rule.folder.split('/').includes('..'), rule.folder)
        for (const hostile of ['../x', '..', '/etc/passwd', 'a/../../x', '.', 'subagents/../../x'])
          assert.equal(rule.pattern.test(hostile), false, hostile)
      }
    },
  },
  {
    id: 'recognition/place',
    group: 'recognition',
    name: 'places a new session where it is told to, under a name that is one segment or in a folder of that name',
    async run({ reader }) {
      const placed = reader.place({
        sessionId: '0b4e7f0e-6f1d-4c58-9f53-5d6f5f7f7c11',
        createdAt: 1_700_000_000_000,
        cwd: '/work/shop',
        to: '/tmp/there',
      })
      // An agent whose sessions are folders makes one there, and it is the folder that is named.
      assert.match(placed.fileName, /^[A-Za-z0-9._-]+$/)
      assert.match(
        `${placed.folder}/${placed.fileName}`,
        /^\/tmp\/there\/(?:[A-Za-z0-9._-]*0b4e7f0e-6f1d-4c58-9f53-5d6f5f7f7c11[A-Za-z0-9._-]*|0b4e7f0e-6f1d-4c58-9f53-5d6f5f7f7c11\/[A-Za-z0-9._-]+)$/,
      )
      assert.ok(placed.resumeArgv.length > 1)
      const hostile = reader.place({ sessionId: '0b4e7f0e-6f1d-4c58-9f53-5d6f5f7f7c11', createdAt: 0, cwd: '/work/../../etc' })
      assert.ok(!hostile.folder.split('/').includes('..'), hostile.folder)
    },
  },
]
