import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHost } from '@palimpsest/host'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCorpus } from '../corpus.ts'
import { copyCorpus } from '../corpus-copy.ts'
import { runCorpus } from '../corpus-run.ts'
import { exactEvidence } from '../exact-evidence.ts'
import { openPlainEngine } from '../plain-engine.ts'
import { purposeToCommand } from '../purpose-to-command.ts'

const lost = "src/a.ts(12,3): error TS2304: Cannot find name 'foo'."
const repeated = 'TypeError: x is not a function (seen twice)'
const summarised = 'fatal: not a git repository: the summary says so'
const kept = 'panic: this is still in the context afterwards'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-recall-'))
  await mkdir(join(folder, 'sessions'))
  await writeFile(join(folder, 'sessions', '2026-01-01_0b.jsonl'), piSession())
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the queries of a corpus', () => {
  test('are what stands once, was dropped and is not in the summary; the descriptions of calls are not indexed', async () => {
    const copy = await copyCorpus([join(folder, 'sessions')], join(folder, 'copy'))
    const host = await openHost({ env: {}, homeFolder: join(folder, 'home'), store: join(folder, 'store') })
    const corpus = await readCorpus(host, copy)
    const plain = openPlainEngine({ sessions: corpus.sessions, transcriptBytes: corpus.transcriptBytes, folder })
    try {
      const evidence = await exactEvidence(host, corpus.sessions, plain)
      expect(evidence.filter(({ kind }) => kind === 'error').map(({ text }) => text)).toEqual([lost])
      expect(evidence.filter(({ kind }) => kind === 'command').map(({ text }) => text)).toEqual(['npx tsc --noEmit'])
      const [purpose, ...others] = purposeToCommand(corpus.sessions)
      expect(others).toEqual([])
      expect(purpose).toMatchObject({ text: 'Verify all typings quickly', session: expect.stringMatching(/^pi\//) })
      expect([...(purpose?.answers ?? [])]).toEqual([expect.stringMatching(/\nb0000002$/)])
      for (const { entries } of corpus.sessions) for (const { text } of entries.values()) expect(text).not.toContain('Verify all typings')
    } finally {
      await plain.close()
      await host.close()
    }
  })

  test('are asked of both engines, and each is found where it stood', async () => {
    const report = await runCorpus([join(folder, 'sessions')], {
      engines: ['plain', 'palimpsest'],
      splits: ['dev', 'test'],
      folder: join(folder, 'run'),
      progress: () => undefined,
    })
    const evidence = report.results.filter(({ task, kind }) => task === 'exact evidence' && kind === undefined)
    expect(new Set(evidence.map(({ engine }) => engine))).toEqual(new Set(['plain', 'palimpsest']))
    for (const { entry } of evidence) expect(entry.map(({ share }) => share)).toEqual([1, 1, 1])
    expect(report.corpus.sessions).toBe(1)
    expect(report.index.map(({ engine }) => engine)).toEqual(['plain', 'palimpsest'])
  })
})

/** A session of pi with one compaction that keeps the last two messages. */
function piSession(): string {
  const call = (id: string, command: string, description: string) => [
    { type: 'text', text: 'I look.' },
    { type: 'toolCall', id, name: 'bash', arguments: { command, description } },
  ]
  const result = (toolCallId: string, text: string) => ({
    role: 'toolResult',
    toolCallId,
    toolName: 'bash',
    content: [{ type: 'text', text }],
    isError: false,
  })
  const messages = [
    { role: 'user', content: [{ type: 'text', text: 'Why does it fail?' }] },
    { role: 'assistant', content: call('c1', 'npx tsc --noEmit', 'Verify all typings quickly') },
    result('c1', `${lost}\n${repeated}\n${summarised}`),
    { role: 'assistant', content: [{ type: 'text', text: `There it is.\n${repeated}` }] },
    { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
    result('c2', kept),
  ]
  const ids = messages.map((_, at) => `b000000${at + 1}`)
  const at = (second: number) => ({ timestamp: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z` })
  const lines = [
    { type: 'session', version: 3, id: '0b8a1f6e-0000-4000-8000-00000000000b', ...at(0), cwd: '/home/dev/project' },
    ...messages.map((message, place) => ({ type: 'message', id: ids[place], parentId: ids[place - 1] ?? null, ...at(place + 1), message })),
    {
      type: 'compaction',
      id: 'b0000099',
      parentId: ids.at(-1),
      ...at(20),
      summary: `Found: ${summarised}`,
      firstKeptEntryId: ids[4],
      tokensBefore: 9000,
    },
  ]
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}
