import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SearchHit } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { findTranscripts, type Host, openHost } from '../../src/index.ts'
import {
  claudeCodeSession,
  codexRollout,
  compactedPiSession,
  copilotSession,
  geminiSession,
  put,
  putOpenCodeDatabase,
} from '../support/sessions.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const fixtures = resolve(import.meta.dirname, '../../../..', process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures')
const id = 'b9f47197-bbbb-4d92-8990-dfe4a393965b'

async function openedHost(homeFolder: string): Promise<Host> {
  return openHost({ env: {}, homeFolder, store: join(homeFolder, 'store') })
}

/** Of every session that is found, what it compacted; of one that wasn't, its state now. */
async function keepAll(host: Host, paths?: readonly string[]): Promise<void> {
  for await (const found of findTranscripts(host, paths === undefined ? {} : { paths })) {
    if ('error' in found) continue
    const request = { agent: found.agent, transcript: host.files.origin(found.path) }
    const { checkpointIds } = await host.checkpoints.import(request)
    if (checkpointIds.length === 0) await host.checkpoints.capture({ ...request, reason: 'requested' })
  }
}

/** The entry of a hit, in the page that is read around it. */
async function entryAround(host: Host, { checkpointId, entryId }: SearchHit) {
  const page = await host.checkpoints.read(checkpointId, { around: entryId, limit: 3 })
  return page.entries.find((entry) => entry.id === entryId)
}

const plain = (text: string) => text.replace(/\s+/g, ' ')

test('of every agent, what is found can be read around by the ids of the hit', async () => {
  const home = await temporaryFolder()
  await put(join(home, '.pi/agent/sessions/--project--/s.jsonl'), compactedPiSession('pi-session', '2026-01-02T03:05:05.000Z'))
  await put(join(home, `.claude/projects/-project/${id}.jsonl`), claudeCodeSession(id))
  await put(join(home, `.codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-${id}.jsonl`), codexRollout(id))
  await put(join(home, `.gemini/tmp/shop/chats/session-2026-01-02T03-04-b9f47197.jsonl`), geminiSession(id, '/project', true))
  await put(join(home, `.copilot/session-state/${id}/events.jsonl`), copilotSession(id, '/project', true))
  await putOpenCodeDatabase(join(home, '.local/share/opencode/opencode.db'), ['ses_1'])
  const host = await openedHost(home)
  await keepAll(host)
  for (const agent of ['claude-code', 'codex', 'copilot', 'gemini', 'opencode', 'pi']) {
    const { hits, problems, waiting } = await host.checkpoints.search({ query: 'hello', agent })
    expect({ agent, problems, waiting }).toEqual({ agent, problems: [], waiting: 0 })
    expect(hits.length, agent).toBeGreaterThan(0)
    for (const hit of hits) expect((await entryAround(host, hit))?.text.toLowerCase(), `${agent} ${hit.entryId}`).toContain('hello')
  }
  await host.close()
})

test('a hit in a sidecar is read around in that part, be it of lines or of text', async () => {
  const home = await temporaryFolder()
  const main = join(home, `.claude/projects/-project/${id}.jsonl`)
  await put(main, claudeCodeSession(id))
  const agentLines = Array.from({ length: 9 }, (_, at) =>
    claudeCodeSession(id)
      .replaceAll('11111111-1111', `22222222-000${at}`)
      .replace('"hello"', at === 4 ? '"a pangolin among them"' : `"step ${at}"`),
  )
  await put(join(home, `.claude/projects/-project/${id}/subagents/agent-1.jsonl`), agentLines.join(''))
  const output = Array.from({ length: 3_000 }, (_, at) => (at === 2_000 ? 'line of the wombat' : `line ${at} of output`))
  await put(join(home, `.claude/projects/-project/${id}/tool-results/out.txt`), output.join('\n'))
  const host = await openedHost(home)
  await keepAll(host)
  const [inAgent] = (await host.checkpoints.search({ query: 'pangolin' })).hits
  expect(inAgent).toMatchObject({ part: 'subagents/agent-1.jsonl', line: 4 })
  const around = await host.checkpoints.read(inAgent?.checkpointId ?? '', { part: inAgent?.part, around: inAgent?.entryId, limit: 3 })
  expect(around).toMatchObject({ view: 'raw', part: 'subagents/agent-1.jsonl', from: 3, total: 9 })
  expect(around.entries.map(({ text }) => text)).toEqual(['step 3', 'a pangolin among them', 'step 5'])
  const [inOutput] = (await host.checkpoints.search({ query: 'wombat' })).hits
  expect(inOutput).toMatchObject({ part: 'tool-results/out.txt' })
  const page = await host.checkpoints.read(inOutput?.checkpointId ?? '', { part: inOutput?.part, around: inOutput?.entryId, limit: 1_000 })
  expect(page.total).toBe(3_000)
  // Of plain text many lines make one hit: the page is around its first.
  const [first] = page.entries.filter((entry) => entry.id === inOutput?.entryId)
  expect(first?.line).toBeLessThanOrEqual(2_000)
  const read = (query: object) => host.checkpoints.read(inAgent?.checkpointId ?? '', query)
  const refused = (message: string) => ({ code: 'ARGUMENT_INVALID', message: expect.stringContaining(message) })
  await expect(read({ part: 'no/such' })).rejects.toMatchObject(refused('It has: main, subagents/agent-1.jsonl, tool-results/out.txt.'))
  await expect(read({ part: 'tool-results/out.txt', view: 'context' })).rejects.toMatchObject(refused('has the view raw alone'))
  await expect(read({ part: 'tool-results/out.txt', dropped: true })).rejects.toMatchObject(refused('has the view raw alone'))
  await expect(read({ part: 'tool-results/out.txt', around: 'L9999' })).rejects.toMatchObject(refused('This part has no entry "L9999".'))
  expect(await read({ part: 'main' })).toMatchObject({ view: 'context', total: 1 })
  await host.close()
})

test('an entry that the model no longer saw is read around in a wider view, unless another one was asked for', async () => {
  const home = await temporaryFolder()
  await put(join(home, `.copilot/session-state/${id}/events.jsonl`), copilotSession(id, '/project', true))
  const host = await openedHost(home)
  await keepAll(host)
  const { checkpoint } = await host.checkpoints.capture({
    agent: 'copilot',
    transcript: host.files.origin(join(home, `.copilot/session-state/${id}/events.jsonl`)),
    reason: 'requested',
  })
  const page = await host.checkpoints.read(checkpoint.id, { around: 'u1', limit: 1 })
  expect(page).toMatchObject({ view: 'all', entries: [{ id: 'u1', text: 'hello' }] })
  expect(await host.checkpoints.read(checkpoint.id, { around: 'c1', limit: 1 })).toMatchObject({ view: 'raw' })
  const refused = { code: 'ARGUMENT_INVALID', message: expect.stringContaining('This view has no entry "u1".') }
  await expect(host.checkpoints.read(checkpoint.id, { view: 'context', around: 'u1' })).rejects.toMatchObject(refused)
  const unknown = { code: 'ARGUMENT_INVALID', message: 'This checkpoint has no entry "u9".' }
  await expect(host.checkpoints.read(checkpoint.id, { around: 'u9' })).rejects.toMatchObject(unknown)
  await host.close()
})

describe.skipIf(!existsSync(join(fixtures, 'pi')))('sessions of real agents', () => {
  test.each([
    ['pi', ['pi/before-compaction.jsonl']],
    ['claude-code', ['claude-code/real', 'claude-code/generated/subagent']],
    ['codex', ['codex/0.157.1', 'codex/0.169.0']],
    ['gemini', ['gemini-cli/v0.61.0-tui-compress-session.jsonl']],
    ['opencode', ['opencode/v1.18.33-opencode.db']],
  ])('%s: hits are entries of their checkpoints, with the text that the snippet is of', async (agent, paths) => {
    const host = await openedHost(await temporaryFolder())
    await keepAll(
      host,
      paths.map((path) => join(fixtures, path)),
    )
    const seen: SearchHit[] = []
    for (const query of ['role:user', 'role:tool error', 'role:assistant file dropped:true']) {
      const { hits } = await host.checkpoints.search({ query, agent, limit: 4, snippetCharacters: 60 })
      seen.push(...hits.filter((hit) => hit.part === 'main'))
    }
    expect(seen.length).toBeGreaterThan(0)
    for (const hit of seen) {
      const entry = await entryAround(host, hit)
      expect(entry, `${hit.checkpointId} ${hit.entryId}`).toBeDefined()
      const words = hit.snippet
        .replace(/^…|…$/g, '')
        .split(/[\\\s]+/)
        .slice(1, 3)
        .join(' ')
      if (hit.role !== 'assistant') expect(plain(entry?.text ?? '')).toContain(words)
    }
    await host.close()
  })
})
