import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { openHost } from '@palimpsest/host'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forgotten, piSession, piSessionId } from './pi-session.ts'

const entry = fileURLToPath(new URL('./stdio-server.ts', import.meta.url))
const argumentsOf = (...flags: string[]) => ['--conditions=@palimpsest/source', entry, ...flags]
const project = '/home/dev/queue'

let home = ''
let env: Record<string, string> = {}
let transcript = ''
const open = new Map<string, Promise<Client>>()

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'palimpsest-mcp-'))
  env = { PATH: process.env['PATH'] ?? '', HOME: home, USERPROFILE: home }
  const sessions = join(home, '.pi/agent/sessions/--home-dev-queue--')
  await mkdir(sessions, { recursive: true })
  transcript = join(sessions, `2026-11-21T08-00-00-000Z_${piSessionId}.jsonl`)
  await writeFile(transcript, piSession(project))
  const host = await openHost({ env, homeFolder: home })
  await host.checkpoints.import({ agent: 'pi', transcript: host.files.origin(transcript) })
  await host.close()
})
afterAll(async () => {
  for (const client of open.values()) await (await client).close()
  await rm(home, { recursive: true, force: true })
})

/** A client of a server with these flags and variables; the same one for all tests that need the same. */
function connected(flags: readonly string[] = [], more: Record<string, string> = {}): Promise<Client> {
  const name = JSON.stringify([flags, more])
  const client = open.get(name) ?? connect(flags, more)
  open.set(name, client)
  return client
}

async function connect(flags: readonly string[], more: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'test', version: '0.0.0' })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: argumentsOf(...flags), env: { ...env, ...more } }))
  return client
}

const textOf = (result: Awaited<ReturnType<Client['callTool']>>): string => JSON.stringify(result.content)

describe('a server in its own process, over a real store', () => {
  test('searches in everything that is kept, and the ids of a hit read around it', async () => {
    const client = await connected()
    const found = await client.callTool({ name: 'search_checkpoints', arguments: { query: forgotten.error, limit: 1 } })
    const hits: unknown = Reflect.get(found.structuredContent ?? {}, 'hits')
    expect(hits).toMatchObject([{ entry: 'aaaa0002', tool: 'bash', dropped: true }])
    const [hit] = Array.isArray(hits) ? hits : []
    const around = await client.callTool({ name: 'get_checkpoint', arguments: { id: hit.checkpoint, around: hit.entry } })
    expect(textOf(around)).toContain('The queue is borrowed twice.')
  })

  test('finds again what the summary forgot, inside a fence that the transcript can not close', async () => {
    const client = await connected()
    await client.listTools()
    const list = await client.callTool({ name: 'list_checkpoints', arguments: { agent: 'pi' } })
    expect(list.structuredContent).toMatchObject({
      checkpoints: [{ agent: 'pi', session_key: piSessionId, status: 'complete', tokens_before: 4100 }],
    })
    expect(textOf(list)).not.toContain('E0502')
    const read = await client.callTool({ name: 'get_checkpoint', arguments: { dropped: true } })
    const history = String((read.structuredContent as { history: string }).history)
    const tag = /^<untrusted-([0-9a-f]{12})>/.exec(history)?.[1]
    expect(history).toContain(forgotten.error)
    expect(history).toContain(forgotten.forgery)
    expect(history.indexOf(`</untrusted-${tag}>`)).toBe(history.length - `</untrusted-${tag}>`.length)
    expect(read.structuredContent).toMatchObject({ page: { view: 'context', dropped: true, total: 3 } })
  })

  test('branches into a new session that stands before the compaction, and leaves the old one alone', async () => {
    const client = await connected()
    const result = await client.callTool({ name: 'restore_checkpoint', arguments: { id: 'latest' } })
    const { path, resume, session_id: sessionId } = result.structuredContent as { path: string; resume: string; session_id: string }
    const lines = (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({ type: 'session', id: sessionId })
    expect(lines.at(-1)).toMatchObject({ id: 'aaaa0004' })
    expect(lines.some(({ type }) => type === 'compaction')).toBe(false)
    expect(resume).toContain('pi')
    expect(await readFile(transcript, 'utf8')).toBe(piSession(project))
    await rm(path)
  })

  test('without --allow-restore in_place changes nothing; with it, in a session at rest, it gives back what undoes it', async () => {
    const refused = await (await connected()).callTool({ name: 'restore_checkpoint', arguments: { id: 'latest', in_place: true } })
    expect(refused.isError).toBe(true)
    expect(textOf(refused)).toContain('--allow-restore')
    const before = await readdir(join(transcript, '..'))
    const conflict = await (await connected(['--allow-restore'])).callTool({
      name: 'restore_checkpoint',
      arguments: { id: 'latest', in_place: true },
    })
    // The file was written within the last minute, and a model has no --force.
    expect(conflict.isError).toBe(true)
    expect(textOf(conflict)).toContain('CHECKPOINT_CONFLICT')
    expect(await readFile(transcript, 'utf8')).toBe(piSession(project))
    expect(await readdir(join(transcript, '..'))).toEqual(before)
  })

  test('shows the project of its client alone', async () => {
    const here = await connected(['--scope=project'], { CLAUDE_PROJECT_DIR: project })
    expect((await here.callTool({ name: 'get_checkpoint', arguments: {} })).isError ?? false).toBe(false)
    const elsewhere = await connected(['--scope=project'], { CLAUDE_PROJECT_DIR: '/home/dev/other' })
    expect((await elsewhere.callTool({ name: 'list_checkpoints', arguments: {} })).structuredContent).toMatchObject({ checkpoints: [] })
    const id = (await (await connected()).callTool({ name: 'list_checkpoints', arguments: {} })).structuredContent
    const [row] = (id as { checkpoints: { id: string }[] }).checkpoints
    const outside = await elsewhere.callTool({ name: 'get_checkpoint', arguments: { id: row?.id } })
    expect(textOf(outside)).toContain('CHECKPOINT_NOT_FOUND')
  })

  test('errors of the real service say what to do next', async () => {
    const client = await connected()
    for (const [args, code] of [
      [{ id: 'ffffff' }, 'CHECKPOINT_NOT_FOUND'],
      [{ id: 'no id' }, 'ARGUMENT_INVALID'],
      [{ around: 'nowhere' }, 'ARGUMENT_INVALID'],
      [{ agent: 'Not An Agent', session_key: 'x' }, 'agent must be'],
      [{ agent: 'nobody', session_key: 'x' }, 'CHECKPOINT_NOT_FOUND'],
    ] as const) {
      const result = await client.callTool({ name: 'get_checkpoint', arguments: args })
      expect(result.isError, JSON.stringify(args)).toBe(true)
      expect(textOf(result)).toContain(code)
      expect(textOf(result)).toContain('Next: ')
      expect(textOf(result)).not.toContain('UNEXPECTED')
    }
  })

  test('ends with its input, exits 0, and writes nothing but the protocol', async () => {
    const child = spawn(process.execPath, argumentsOf(), { env, stdio: ['pipe', 'pipe', 'pipe'] })
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } }
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 'probe-1', method: 'server/discover', params: {} })}\n`)
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })}\n`)
    child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_checkpoints' } })}\n`)
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const messages = lines.map((line) => JSON.parse(line))
    expect(messages.map(({ id }) => id)).toEqual(['probe-1', 0, 1])
    expect(messages[0]).toMatchObject({ error: { code: -32601 } })
  })
})

const fixtures = join(process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures', 'claude-code/generated/mcp')

describe.skipIf(!existsSync(fixtures))('what Claude Code really sends', () => {
  test.each(['handshake-2.1.197.jsonl', 'handshake-2.1.330.jsonl'])('%s: every request is answered, each with its own id', async (name) => {
    const recorded = (await readFile(join(fixtures, name), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const sessions = recorded.reduce<object[][]>((all, { d, o }) => {
      if (d === 'start') all.push([])
      if (d === 'in') all.at(-1)?.push(o)
      return all
    }, [])
    for (const sent of sessions.slice(0, 1)) {
      const child = spawn(process.execPath, argumentsOf(), { env, stdio: ['pipe', 'pipe', 'inherit'] })
      const answered: unknown[] = []
      createInterface({ input: child.stdout }).on('line', (line) => answered.push(JSON.parse(line).id))
      child.stdin.end(sent.map((message) => `${JSON.stringify(message)}\n`).join(''))
      await once(child, 'close')
      const expected = sent.flatMap((message) => ('id' in message ? [message.id] : []))
      expect(answered).toHaveLength(expected.length)
      expect(new Set(answered)).toEqual(new Set(expected))
    }
  })
})
