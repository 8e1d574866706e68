import { appendFile, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createCheckpoints } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { fileTranscript, nodeTranscriptFiles } from '@palimpsest/transcripts'
import { expect, test } from 'vitest'
import { knownAgents } from '../src/agents.ts'
import { findTranscripts } from '../src/find-transcripts.ts'
import { copilotSession, geminiSession, put } from './support/sessions.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const sessionId = 'b9f47197-bbbb-4d92-8990-dfe4a393965b'
const minute = 'session-2026-01-02T03-04'

async function serviceIn(homeFolder: string) {
  const agents = knownAgents({}, homeFolder)
  const files = nodeTranscriptFiles()
  const service = createCheckpoints({ storage: createMemoryStorage(), readers: agents.readers, files })
  const scan = async () => {
    const ids: string[] = []
    for await (const found of findTranscripts({ ...agents, files })) {
      if ('error' in found) throw found.error
      ids.push(...(await service.import({ agent: found.agent, transcript: fileTranscript(found.path) })).checkpointIds)
    }
    return ids
  }
  return { service, scan }
}

test('a session of Gemini CLI is kept with its sub-agents, outlives its file, and is given back where its project is', async () => {
  const home = await temporaryFolder()
  const cwd = join(home, 'work/shop')
  const chats = join(home, '.gemini/tmp/shop-1/chats')
  await put(join(home, '.gemini/projects.json'), JSON.stringify({ projects: { [cwd]: 'shop-1' } }))
  const path = await put(join(chats, `${minute}-b9f47197.jsonl`), geminiSession(sessionId, cwd, true))
  await put(join(chats, 'session-2026-01-02T03-05-b9f47197.jsonl'), geminiSession(sessionId, cwd).split('\n').slice(0, 2).join('\n'))
  await put(join(chats, sessionId, 'sub.jsonl'), `${JSON.stringify({ sessionId: 'sub', projectHash: 'ab12', kind: 'subagent' })}\n`)
  const { service, scan } = await serviceIn(home)
  const [id = '', ...others] = await scan()
  expect(others).toEqual([])
  expect((await service.parts(id)).map(({ name }) => name)).toEqual(['main', `${sessionId}/sub.jsonl`])
  expect(await service.get(id)).toMatchObject({ agent: 'gemini', sessionKey: sessionId, cwd, tokensBefore: 5000, tokensAfter: 80 })
  expect((await service.read(id, { view: 'after' })).entries.map(({ kind }) => kind)).toEqual(['summary', 'message'])
  // What the client's own cleaning does.
  for (const name of [path, join(chats, 'session-2026-01-02T03-05-b9f47197.jsonl')]) await unlink(name)
  const branch = await service.branch(id)
  expect(dirname(branch.path)).toBe(chats)
  expect(branch.resumeArgv).toEqual(['gemini', '--resume', branch.sessionId])
  expect((await readFile(branch.path, 'utf8')).trimEnd().split('\n')).toHaveLength(4)
  expect(await scan()).toEqual([])
})

test('a second compaction in a branch is found, and the first that it inherited is not found again', async () => {
  const home = await temporaryFolder()
  const cwd = join(home, 'work/shop')
  const path = await put(join(home, `.gemini/tmp/shop/chats/${minute}-b9f47197.jsonl`), geminiSession(sessionId, cwd, true))
  const { service, scan } = await serviceIn(home)
  const [first = ''] = await scan()
  const { checkpoint } = await service.capture({ agent: 'gemini', transcript: fileTranscript(path), reason: 'manual' })
  const branch = await service.branch(checkpoint.id)
  expect(await scan()).toEqual([first])
  const summary = { id: 's9', type: 'user', content: [{ text: '<state_snapshot>all of it</state_snapshot>' }] }
  await appendFile(branch.path, `${JSON.stringify({ $set: { messages: [summary] } })}\n`)
  const [again, second, ...others] = await scan()
  expect([again, others]).toEqual([first, []])
  expect(await service.get(second ?? '')).toMatchObject({ sessionKey: branch.sessionId, boundary: { id: 's9' }, tokensBefore: 90 })
})

test('the document of an older Gemini CLI is found and captured as it grows, says that it records no compaction, and comes back as a log', async () => {
  const home = await temporaryFolder()
  const cwd = join(home, 'work/shop')
  const path = join(home, '.gemini/tmp/0f0f/chats', `${minute}-b9f47197.json`)
  const [first = '', , ...messages] = geminiSession(sessionId, cwd).trimEnd().split('\n')
  const { lastUpdated, ...metadata } = JSON.parse(first) as Record<string, unknown>
  const write = (count: number) =>
    put(
      path,
      JSON.stringify({ ...metadata, lastUpdated, messages: messages.slice(0, count).map((line): unknown => JSON.parse(line)) }, null, 2),
    )
  await write(1)
  await put(join(home, '.gemini/tmp/0f0f/chats/session-of-others.json'), '{"not":"ours"}')
  const { service } = await serviceIn(home)
  const files = nodeTranscriptFiles()
  const found = await Array.fromAsync(findTranscripts({ ...knownAgents({}, home), files }))
  expect(found).toMatchObject([{ agent: 'gemini', path, files: [path] }])
  const transcript = files.origin(path)
  expect(await service.import({ agent: 'gemini', transcript })).toMatchObject({
    sessionKey: sessionId,
    checkpointIds: [],
    recordsNoCompactions: true,
  })
  const early = await service.capture({ agent: 'gemini', transcript, reason: 'requested' })
  await write(2)
  const late = await service.capture({ agent: 'gemini', transcript, reason: 'manual', tokensBefore: 5000 })
  await late.complete({ summary: 'it said hello' })
  expect((await service.read(early.checkpoint.id)).total).toBe(1)
  expect((await service.read(late.checkpoint.id)).entries.map(({ text }) => text)).toEqual(['hello', 'hello yourself'])
  const branch = await service.branch(late.checkpoint.id)
  expect(branch.path).toMatch(/chats\/session-[^/]*\.jsonl$/)
  expect((await service.import({ agent: 'gemini', transcript: files.origin(branch.path) })).recordsNoCompactions).toBeUndefined()
  await expect(service.restore(late.checkpoint.id)).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
})

test('a session of Copilot CLI is given back as a folder with what lies beside its events, and put back in place', async () => {
  const home = await temporaryFolder()
  const folder = join(home, '.copilot/session-state', sessionId)
  const path = await put(join(folder, 'events.jsonl'), copilotSession(sessionId, '/work/shop', true))
  await put(join(folder, 'workspace.yaml'), `id: ${sessionId}\ncwd: /work/shop\nsummary_count: 1\n`)
  await put(join(folder, 'checkpoints/001-hello.md'), 'hello was said')
  await put(join(folder, 'session.db'), 'not ours')
  const { service, scan } = await serviceIn(home)
  const [id = '', ...others] = await scan()
  expect(others).toEqual([])
  expect((await service.parts(id)).map(({ name }) => name)).toEqual(['main', 'checkpoints/001-hello.md', 'workspace.yaml'])
  expect(await service.get(id)).toMatchObject({ agent: 'copilot', reason: 'manual', tokensBefore: 5000, tokensAfter: 90 })
  const branch = await service.branch(id)
  expect(branch.path).toBe(join(home, '.copilot/session-state', branch.sessionId, 'events.jsonl'))
  expect(await readFile(join(dirname(branch.path), 'workspace.yaml'), 'utf8')).toBe(
    `id: ${branch.sessionId}\ncwd: /work/shop\nsummary_count: 0\n`,
  )
  expect(await stat(join(dirname(branch.path), 'checkpoints')).catch(() => undefined)).toBeUndefined()
  expect(await scan()).toEqual([id])
  const restored = await service.restore(id, { force: true })
  expect(await readFile(path, 'utf8')).toBe(copilotSession(sessionId, '/work/shop'))
  await service.restore(restored.undo, { force: true })
  expect(await readFile(path, 'utf8')).toBe(copilotSession(sessionId, '/work/shop', true))
})

test('a capture at the hook is completed by the next scan, whether the client has written that it compacts or not yet', async () => {
  const home = await temporaryFolder()
  const events = join(home, '.copilot/session-state', sessionId, 'events.jsonl')
  const otherId = 'c0f47197-bbbb-4d92-8990-dfe4a393965b'
  const other = join(home, '.copilot/session-state', otherId, 'events.jsonl')
  const log = join(home, `.gemini/tmp/shop/chats/${minute}-b9f47197.jsonl`)
  const { service, scan } = await serviceIn(home)
  await put(events, copilotSession(sessionId, '/work/shop'))
  await put(other, copilotSession(otherId, '/work/shop', true).split('\n').slice(0, 4).join('\n').concat('\n'))
  await put(log, geminiSession(sessionId, '/work/shop'))
  const pending = [
    await service.capture({ agent: 'gemini', transcript: fileTranscript(log), reason: 'auto-threshold' }),
    await service.capture({ agent: 'copilot', transcript: fileTranscript(events), reason: 'manual' }),
    await service.capture({ agent: 'copilot', transcript: fileTranscript(other), reason: 'manual' }),
  ]
  // A hook that fired on a turn that was not compacted leaves it pending.
  expect(await scan()).toEqual([])
  await put(other, copilotSession(otherId, '/work/shop', true))
  await put(events, copilotSession(sessionId, '/work/shop', true))
  await put(log, geminiSession(sessionId, '/work/shop', true))
  expect(await scan()).toEqual(pending.map(({ checkpoint }) => checkpoint.id))
  expect(await service.get(pending[0]?.checkpoint.id ?? '')).toMatchObject({ status: 'complete', reason: 'auto-threshold' })
})
