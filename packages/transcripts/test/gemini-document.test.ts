import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { geminiDocument, nodeTranscriptFiles } from '../src/index.ts'
import { gemini, reader, sessionId, user } from './gemini-session.ts'
import { all, readSession } from './session-kit.ts'

const files = nodeTranscriptFiles()
const name = `session-2025-12-17T10-20-${sessionId.slice(0, 8)}.json`
const startTime = '2025-12-17T10:20:00.000Z'

/** What a client before the log wrote. */
const record = (messages: readonly unknown[], fields: object = {}) => ({
  sessionId,
  projectHash: 'ab12',
  startTime,
  lastUpdated: '2025-12-17T10:30:00.000Z',
  messages,
  ...fields,
})

async function written(content: string, fileName = name): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-gemini-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, fileName)
  await writeFile(path, content)
  return path
}

async function bytesIn(path: string): Promise<string> {
  const transcript = await files.origin(path).open()
  try {
    for await (const { source } of transcript.parts()) return Buffer.from(await source.read(0, source.sizeBytes)).toString()
    return ''
  } finally {
    await transcript.close()
  }
}

test('a document of an older client is a log: the session, each message as it is, then what changes with every turn', async () => {
  const messages = [user('u1'), { ...gemini('g1', 1500), toolCalls: [{ id: 'call', name: 'read', result: [] }] }, { later: 'kind' }]
  const path = await written(JSON.stringify(record(messages, { summary: 'a chat', unheardOf: { of: 1 } }), null, 2))
  const lines = (await bytesIn(path)).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { sessionId, projectHash: 'ab12', startTime },
    ...messages,
    { $set: { lastUpdated: '2025-12-17T10:30:00.000Z', summary: 'a chat', unheardOf: { of: 1 } } },
  ])
  const { entries, compactions } = await readSession(reader, lines)
  expect(entries.map(({ id, kind }) => [id, kind])).toEqual([
    ['L0', 'header'],
    ['u1', 'message'],
    ['g1', 'message'],
    ['L3', 'unknown'],
    ['L4', 'state'],
  ])
  expect(compactions).toEqual([])
  const transcript = await files.origin(path).open()
  const head = Buffer.from(lines.join('\n'))
  expect(reader.detect(head, { path, siblings: new Set() })).toBe(true)
  expect(await reader.identify(transcript)).toEqual({ sessionKey: sessionId, sessionId, recordsNoCompactions: true })
  expect(await reader.inPlace(transcript, { sessionId, leafId: 'g1', createdAt: 0 })).toMatchObject({ mode: 'refused' })
})

test('a turn more appends to the lines before the last, whatever else the document says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.jsonValue(), async (messages, next) => {
      const before = await bytesIn(await written(JSON.stringify(record(messages))))
      const after = await bytesIn(await written(JSON.stringify(record([...messages, next], { lastUpdated: 'later' }), null, 2)))
      const kept = before.split('\n').slice(0, -2).join('\n')
      expect(after.startsWith(kept)).toBe(true)
      expect(after.split('\n')).toHaveLength(before.split('\n').length + 1)
    }),
    { numRuns: 40 },
  )
})

test('a document that is written while it is read is another one', async () => {
  const path = await written(JSON.stringify(record([user('u1')])))
  const transcript = await files.origin(path).open()
  expect([await transcript.unchanged(), await transcript.written?.()]).toEqual([true, false])
  await writeFile(path, JSON.stringify(record([user('u1'), user('u2')])))
  expect([await transcript.unchanged(), await transcript.written?.()]).toEqual([false, true])
  await rm(path)
  expect(await transcript.unchanged()).toBe(false)
})

test('a document that was torn is an error that says so; a file that only has such a name is its own bytes', async () => {
  const whole = JSON.stringify(record([user('u1')]), null, 2)
  for (const end of [30, 200, whole.length - 1]) {
    const path = await written(whole.slice(0, end))
    await expect(files.origin(path).open()).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED', details: { path } })
  }
  for (const other of ['', '{}', '[1]', 'no json', '{"sessionId":"x"}', '{"sessionId":"x","projectHash":"y","messages":{}}']) {
    const path = await written(other)
    expect(await bytesIn(path)).toBe(other)
    const claimed = reader.detect(Buffer.from(other), { path, siblings: new Set() })
    expect(claimed).toBe(other.includes('projectHash'))
  }
  expect(geminiDocument(await written(whole, 'chat.json'))).toBeUndefined()
  expect((await all(reader.entries(await files.origin(await written(whole)).open()))).map(({ kind }) => kind)).toEqual([
    'header',
    'message',
    'state',
  ])
})
