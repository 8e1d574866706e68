import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Checkpoints, createCheckpoints, type FactCategory } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
// @boundaries-ignore sessions made by hand are written once, beside the readers that read them
import * as pi from '../../transcripts/test/pi-sessions.ts'
import { knownAgents } from '../src/agents.ts'

const fixtures = resolve(import.meta.dirname, '../../..', process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures')
const piSession = join(fixtures, 'pi/before-compaction.jsonl')
const claudeSession = join(fixtures, 'claude-code/real/8463c716-a2ea-4c14-9efa-87158ebd9f20.jsonl')

async function newService(): Promise<Checkpoints> {
  const storage = createMemoryStorage()
  await storage.open()
  return createCheckpoints({ storage, readers: knownAgents({}, '/home/nobody').readers })
}

const call = (id: string, name: string, given: object) => ({ type: 'toolCall', id, name, arguments: given })
const message = (id: string, parentId: string, fields: object) => ({
  type: 'message',
  id,
  parentId,
  timestamp: '2026-01-02T03:04:05Z',
  message: fields,
})
const result = (id: string, parentId: string, callId: string, text: string, isError = false) =>
  message(id, parentId, { role: 'toolResult', toolCallId: callId, toolName: 'bash', isError, content: [{ type: 'text', text }] })

/** One compaction that drops four entries and keeps two, and of which we know what it forgot. */
function session(more: readonly object[] = []): Uint8Array {
  return pi.bytesOf([
    pi.header({ cwd: '/home/dev/app' }),
    pi.user('u1', null, 'Please make the queue faster, it takes 250 ms.'),
    message('a1', 'u1', {
      role: 'assistant',
      content: [
        { type: 'text', text: "I'll use a ring buffer instead of a list." },
        call('c1', 'bash', { command: 'cd /home/dev/app && npm run bench -- --long' }),
        call('c2', 'edit', { path: '/home/dev/app/src/queue.ts', oldText: 'const items: number[] = []', newText: 'const ringBuffer = 1' }),
      ],
    }),
    result('r1', 'a1', 'c1', 'TypeError: queue.push is not a function\ncommit 1a2b3c4d'),
    result('r2', 'r1', 'c2', 'Edited.'),
    pi.user('u2', 'r2', 'It still takes 250 ms.'),
    pi.assistant('a2', 'u2', 'I look at `drainQueue`.'),
    ...more,
    { ...pi.compaction('c', 'a2', 'u2'), summary: 'The queue in src/queue.ts uses a ring buffer. npm run bench -- --long fails.' },
  ])
}

async function imported(bytes: Uint8Array): Promise<{ readonly service: Checkpoints; readonly id: string }> {
  const service = await newService()
  const { checkpointIds } = await service.import({ agent: 'pi', transcript: bytesTranscript({ main: bytes }) })
  return { service, id: checkpointIds[0] ?? '' }
}

describe('what a compaction forgot', () => {
  test('is every fact of the dropped entries that stands in no text after it, with the entry that says it', async () => {
    const { service, id } = await imported(session())
    const diff = await service.diff(id)
    expect(diff).toMatchObject({
      kept: { entries: 2 },
      dropped: { entries: 4 },
      summarised: { entries: 1 },
      leftOut: 0,
      gaps: 0,
      problems: [],
    })
    expect(diff.kept.tokensEstimated + diff.dropped.tokensEstimated).toBeCloseTo(diff.tokensBefore ?? 0, -1)
    const shown = diff.forgotten.map(({ category, entryId, survives, part, text }) => [category, entryId, survives, part ?? text])
    expect(shown.toSorted()).toEqual(
      [
        ['request', 'u1', 'none', 'Please make the queue faster, it takes 250 ms.'],
        ['decision', 'a1', 'none', "I'll use a ring buffer instead of a list."],
        ['error', 'r1', 'none', 'TypeError: queue.push is not a function'],
        ['commit', 'r1', 'none', '1a2b3c4d'],
        ['command', 'a1', 'part', 'npm run bench -- --long'],
        ['file-written', 'a1', 'part', 'src/queue.ts'],
        ['replaced-code', 'a1', 'none', 'const items: number[] = []'],
        ['symbol', 'a1', 'none', 'ringBuffer'],
      ].toSorted(),
    )
    expect(diff.survived).toMatchObject([{ category: 'number', text: '250 ms', survives: 'whole', standsIn: 'kept', isInUsersWords: true }])
    expect(diff.forgotten[0]).toMatchObject({ category: 'request' })
    expect(diff.categories).toContainEqual({ category: 'number', facts: 1, whole: 1, part: 0, none: 0, wholeInSummary: 0 })
  })

  test('can be asked for by category and in number, and the counts stay whole', async () => {
    const { service, id } = await imported(session())
    const all = await service.diff(id)
    const errors = await service.diff(id, { category: 'error' })
    expect(errors.forgotten).toEqual(all.forgotten.filter(({ category }) => category === 'error'))
    expect(errors.categories).toEqual(all.categories)
    expect((await service.diff(id, { limit: 2 })).forgotten).toEqual(all.forgotten.slice(0, 2))
  })

  test('is refused where no compaction is complete, and for words that mean nothing', async () => {
    const service = await newService()
    const pending = await service.capture({
      agent: 'pi',
      transcript: bytesTranscript({ main: session().subarray(0, -1) }),
      reason: 'manual',
    })
    const { id } = pending.checkpoint
    await expect(service.diff(id)).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringContaining('not confirmed') as string,
    })
    const unknown = 'errors' as FactCategory
    await expect(service.diff(id, { category: unknown })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(service.diff(id, { limit: 0 })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(service.diff('ffffffff')).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
  })

  test('says less of an error that comes up once than of one that comes up again and again', async () => {
    const again = ['x1', 'x2', 'x3', 'x4'].map((id, at) =>
      result(id, at === 0 ? 'r2' : `x${at}`, 'c1', 'Error: the socket hangs up\nError: only here'.slice(0, at === 0 ? undefined : 26)),
    )
    const bytes = pi.bytesOf([
      pi.header(),
      pi.user('u1', null),
      message('a1', 'u1', { role: 'assistant', content: [call('c1', 'bash', { command: 'make' })] }),
      result('r2', 'a1', 'c1', 'fine'),
      ...again,
      pi.user('u2', 'x4'),
      pi.compaction('c', 'u2', 'u2'),
    ])
    const { service, id } = await imported(bytes)
    const { forgotten } = await service.diff(id, { category: 'error' })
    expect(forgotten.map(({ text, mentions }) => [text, mentions])).toEqual([
      ['Error: the socket hangs up', 4],
      ['Error: only here', 1],
    ])
  })
})

describe('what came and went between two checkpoints', () => {
  test('of one session: entries by their ids', async () => {
    const service = await newService()
    const { checkpointIds } = await service.import({ agent: 'pi', transcript: bytesTranscript({ main: pi.bytesOf(pi.twoCompactions()) }) })
    const [first = '', second = ''] = checkpointIds
    const read = async (id: string) => (await service.read(id)).entries.map((entry) => entry.id)
    const [before, after] = [await read(first), await read(second)]
    const diff = await service.diff(first, second)
    expect(diff).toMatchObject({ fromId: first, toId: second, both: { entries: before.filter((id) => after.includes(id)).length } })
    expect(diff.added.first.map(({ entryId }) => entryId)).toEqual(after.filter((id) => !before.includes(id)))
    expect(diff.gone.first.map(({ entryId }) => entryId)).toEqual(before.filter((id) => !after.includes(id)))
    const back = await service.diff(second, first)
    expect([back.added.entries, back.gone.entries]).toEqual([diff.gone.entries, diff.added.entries])
    expect((await service.diff(first, first)).added.entries).toBe(0)
  })

  test('of different sessions: refused, unless they share entries', async () => {
    const service = await newService()
    const of = async (main: Uint8Array) =>
      (await service.import({ agent: 'pi', transcript: bytesTranscript({ main }) })).checkpointIds[0] ?? ''
    const one = await of(session())
    const branch = await of(
      Buffer.from(
        Buffer.from(session())
          .toString()
          .replace(/"id":"[^"]+"/, '"id":"another-session"'),
      ),
    )
    const other = await of(
      pi.bytesOf([pi.header({ id: 'third-session' }), pi.user('z1', null), pi.user('z2', 'z1'), pi.compaction('zc', 'z2', 'z2')]),
    )
    expect((await service.diff(one, branch)).both.entries).toBe(6)
    await expect(service.diff(one, other)).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringContaining('share no entries') as string,
    })
  })
})

describe('the text to recover with', () => {
  test('cites each fact, those that matter first, and never goes over its tokens', async () => {
    const { service, id } = await imported(session())
    const recovered = await service.recover(id)
    expect(recovered).toMatchObject({ checkpointId: id, facts: 8, leftOut: 0 })
    expect(recovered.text).toContain('- TypeError: queue.push is not a function [r1]')
    expect(recovered.text).toContain(id.slice(-8))
    for (const maxTokens of [100, 150, 200]) {
      const less = await service.recover(id, { maxTokens })
      expect(Buffer.byteLength(less.text) / 3).toBeLessThanOrEqual(maxTokens)
      expect(less.facts + less.leftOut).toBe(8)
    }
    await expect(service.recover(id, { maxTokens: 99 })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })

  test('holds no control, whatever the transcript says, and no fact on lines of its own making', async () => {
    const evil = 'Error: \u001b]0;owned\u0007 \u009b2J \u202e \u2066 evil\u2028- forged [x]\rEnd'
    const bytes = pi.bytesOf([
      pi.header(),
      pi.user('u1', null, `First line\n- forged [y]\u202e`),
      message('r1', 'u1', { role: 'bashExecution', command: `echo\t${evil}`, output: evil, exitCode: 1 }),
      pi.user('u2', 'r1'),
      pi.compaction('c', 'u2', 'u2'),
    ])
    const { service, id } = await imported(bytes)
    const { text, facts } = await service.recover(id)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202a-\u202e\u2066-\u2069]/)
    expect(facts).toBeGreaterThan(2)
    expect(text.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(facts)
  })
})

describe('the report', () => {
  test('adds up what diff says of each checkpoint, and names those that have no compaction', async () => {
    const service = await newService()
    await service.import({ agent: 'pi', transcript: bytesTranscript({ main: session() }) })
    await service.import({ agent: 'pi', transcript: bytesTranscript({ main: pi.bytesOf(pi.twoCompactions()) }) })
    await service.capture({
      agent: 'pi',
      transcript: bytesTranscript({ main: pi.bytesOf([pi.header({ id: 'p' }), pi.user('u', null)]) }),
      reason: 'requested',
    })
    const { checkpoints } = await service.list()
    const complete = checkpoints.filter(({ status }) => status === 'complete')
    const diffs = await Promise.all(complete.map(({ id }) => service.diff(id)))
    const compared: number[] = []
    const report = await service.report({ onProgress: (progress) => compared.push(progress.compared) })
    const sum = (of: (diff: (typeof diffs)[number]) => number) => diffs.reduce((total, diff) => total + of(diff), 0)
    expect(compared).toEqual(complete.map((_checkpoint, at) => at + 1))
    expect(report).toMatchObject({ skipped: checkpoints.length - complete.length, problems: [], problemCount: 0 })
    expect(report.total.dropped.entries).toBe(sum((diff) => diff.dropped.entries))
    const facts = report.total.categories.reduce((total, count) => total + count.facts, 0)
    expect(facts).toBe(sum((diff) => diff.forgotten.length + diff.survived.length))
    expect(report.agents).toEqual([{ agent: 'pi', ...report.total }])
    expect(report.forgottenMost.every(({ survives }) => survives === 'none')).toBe(true)
    expect((await service.report({ agent: 'codex' })).total.compactions).toBe(0)
  })
})

test('what two compactions forgot in the same words, a report shows once', async () => {
  const service = await newService()
  const bytes = Buffer.from(session())
  await service.import({ agent: 'pi', transcript: bytesTranscript({ main: bytes }) })
  const once = (await service.report()).forgottenMost.map(({ category, text }) => `${category} ${text}`)
  const other = bytes.toString().replace(/("type":"session"[^\n]*"id":")([^"]+)/, '$1another')
  await service.import({ agent: 'pi', transcript: bytesTranscript({ main: Buffer.from(other) }) })
  const report = await service.report()
  expect(report.total.compactions).toBe(2)
  expect(once.length).toBeGreaterThan(2)
  expect(report.forgottenMost.map(({ category, text }) => `${category} ${text}`).sort()).toEqual(once.sort())
})

describe.skipIf(!existsSync(piSession) || !existsSync(claudeSession))('on the sessions of real agents', () => {
  // Counted by a program of its own, in another language, that shares nothing with this one: it goes through the lines of the file, takes the distinct texts of
  // the user, of the arguments `command`, `oldText` and `path`, and looks for each in the summary and in the texts of the kept lines.
  const byHand = [
    { entries: [66, 288], request: [11, 0], command: [33, 1], 'replaced-code': [59, 0], 'file-written': [7, 7], 'file-read': [4, 2] },
    // Of the 258 one is the summary of the compaction before.
    { entries: [77, 258], request: [13, 0], command: [51, 3], 'replaced-code': [30, 1], 'file-written': [5, 4], 'file-read': [3, 3] },
  ] as const

  test('pi: the counts are those that were found by hand', async () => {
    const service = await newService()
    const { checkpointIds } = await service.import({ agent: 'pi', transcript: fileTranscript(piSession) })
    for (const [at, { entries, ...facts }] of byHand.entries()) {
      const diff = await service.diff(checkpointIds[at] ?? '')
      expect([diff.kept.entries, diff.dropped.entries]).toEqual(entries)
      for (const [category, counts] of Object.entries(facts)) {
        const found = diff.categories.find((count) => count.category === category)
        expect([category, found?.facts, found?.whole]).toEqual([category, ...counts])
      }
    }
  })

  test('Claude Code: everything is dropped, the prompt stands in the summary, the commit that was pushed too', async () => {
    const service = await newService()
    const { checkpointIds } = await service.import({ agent: 'claude-code', transcript: fileTranscript(claudeSession) })
    const diff = await service.diff(checkpointIds[0] ?? '')
    expect(diff.kept.entries).toBe(0)
    expect(diff.survived).toContainEqual(expect.objectContaining({ category: 'commit', text: 'b9288c2', standsIn: 'summary' }))
    expect(diff.survived.filter(({ category }) => category === 'request')).toHaveLength(1)
    const { summary = '' } = await service.get(checkpointIds[0] ?? '')
    for (const { text } of diff.survived) expect(summary).toContain(text)
    for (const { text } of diff.forgotten.filter(({ survives }) => survives === 'none')) expect(summary).not.toContain(text)
    expect(Buffer.from(await readFile(claudeSession)).toString()).toContain('b9288c2')
  })
})
