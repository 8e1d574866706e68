import { type ReaderSample, readerCases } from '@palimpsest/conformance'
import type { TranscriptReader } from '@palimpsest/core'
import { expect, test } from 'vitest'
import { piReader } from '../src/index.ts'
import { bytesOf, twoCompactions } from './pi-sessions.ts'

const good = piReader({ agentFolder: '/home/dev/.pi/agent' })
const sample: ReaderSample = {
  name: 'pi',
  path: '/home/dev/.pi/agent/sessions/--home-dev-app--/s1.jsonl',
  main: () => bytesOf(twoCompactions()),
  sessionKey: 's1',
  sessionId: 's1',
  leafId: 'a4',
  contextCount: 3,
  compactions: [
    { leafId: 'a2', tokensBefore: 1000, contextCount: 4 },
    { leafId: 'a3', tokensBefore: 1000, contextCount: 5 },
  ],
}

const broken: Readonly<Record<string, { readonly reader: TranscriptReader; readonly fails: string }>> = {
  'claims every file': { reader: { ...good, detect: () => true }, fails: 'recognition/foreign' },
  'passes over bad lines in silence': { reader: { ...good, entries: goodLinesOnly }, fails: 'lines/torn-tail' },
  'forgets where it was told to begin': {
    reader: { ...good, entries: (transcript, options) => good.entries(transcript, { ...options, from: undefined }) },
    fails: 'lines/from',
  },
  'ignores its signal': {
    reader: { ...good, entries: (transcript, options) => good.entries(transcript, { ...options, signal: undefined }) },
    fails: 'lines/abort',
  },
  'finds no compaction': { reader: { ...good, compactions: nothing }, fails: 'structure/compactions' },
  'hides problems': {
    reader: { ...good, context: (index, leafId, view) => ({ ...good.context(index, leafId, view), problems: [] }) },
    fails: 'structure/dangling',
  },
  'keeps the old session id': {
    reader: { ...good, rewrite: (transcript, options) => good.rewrite(transcript, { ...options, sessionId: 's1' }) },
    fails: 'rewrite/new-session',
  },
  'gives back the last leaf instead of the one asked for': {
    reader: { ...good, rewrite: (transcript, options) => good.rewrite(transcript, { ...options, leafId: 'a2' }) },
    fails: 'rewrite/new-session',
  },
}

for (const [name, { reader, fails }] of Object.entries(broken)) {
  test(`a reader that ${name} fails ${fails}`, async () => {
    const failed: string[] = []
    for (const { id, run } of readerCases) await run({ reader, sample }).catch(() => failed.push(id))
    expect(failed).toContain(fails)
  })
}

async function* goodLinesOnly(...[transcript, options]: Parameters<TranscriptReader['entries']>): ReturnType<TranscriptReader['entries']> {
  for await (const line of good.entries(transcript, options)) if (line.kind !== 'bad') yield line
}

async function* nothing(): ReturnType<TranscriptReader['compactions']> {}
