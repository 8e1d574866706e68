import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type McpServerOptions, runMcpServer } from '../src/run-mcp-server.ts'
import { fakeCheckpoints, keep } from './fake-checkpoints.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
}
const call = (id: number, name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})

function served(options: Partial<McpServerOptions> = {}) {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const lines: string[] = []
  const waiting = new Map<unknown, (message: Message) => void>()
  const received = new Map<unknown, Message>()
  stdout.on('data', (bytes: Buffer) => {
    for (const line of bytes.toString().split('\n').filter(Boolean)) {
      lines.push(line)
      const message: Message = JSON.parse(line)
      received.set(message.id, message)
      waiting.get(message.id)?.(message)
    }
  })
  const ended = runMcpServer({
    host: { checkpoints: fakeCheckpoints([keep(1)]).checkpoints, close: async () => undefined },
    scope: 'all',
    allowRestore: false,
    readOnly: false,
    env: {},
    stdin,
    stdout,
    log: () => undefined,
    ...options,
  })
  const send = (message: object) => void stdin.write(`${JSON.stringify(message)}\n`)
  const answerTo = (id: unknown) =>
    new Promise<Message>((resolve) => {
      const already = received.get(id)
      if (already === undefined) waiting.set(id, resolve)
      else resolve(already)
    })
  return { stdin, stdout, ended, send, answerTo, lines }
}

interface Message {
  readonly id: unknown
  readonly error?: { readonly code: number; readonly message: string }
  readonly result?: Record<string, unknown>
}

describe('runMcpServer', () => {
  test('answers the probe of a newer client at once with -32601, then the handshake it falls back to', async () => {
    const { send, answerTo, stdin, ended, lines } = served()
    send({ jsonrpc: '2.0', id: 'server-discover-probe-1', method: 'server/discover', params: { _meta: {} } })
    expect(await answerTo('server-discover-probe-1')).toMatchObject({ error: { code: -32601 } })
    send(initialize)
    expect((await answerTo(0)).result).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'palimpsest', version: '0.1.0' },
      capabilities: { tools: {} },
      instructions: expect.stringContaining('After a compaction'),
    })
    for (const [id, method] of ['prompts/list', 'resources/list', 'no/such'].entries()) {
      send({ jsonrpc: '2.0', id: 10 + id, method })
      expect(await answerTo(10 + id)).toMatchObject({ error: { code: -32601 } })
    }
    stdin.end()
    await ended
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
  })

  test('opens no host before the first call, opens it once, and closes what it opened', async () => {
    const events: string[] = []
    const { checkpoints } = fakeCheckpoints([keep(1)])
    const host = async () => {
      events.push('opened')
      return { checkpoints, close: async () => void events.push('closed') }
    }
    const { send, answerTo, stdin, ended } = served({ host })
    send(initialize)
    await answerTo(0)
    send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    await answerTo(1)
    expect(events).toEqual([])
    send(call(2, 'list_checkpoints'))
    send(call(3, 'get_checkpoint'))
    await Promise.all([answerTo(2), answerTo(3)])
    expect(events).toEqual(['opened'])
    stdin.end()
    await ended
    expect(events).toEqual(['opened', 'closed'])
  })

  test('a host that can not be opened is an error of the call, and the next call tries again', async () => {
    const { checkpoints } = fakeCheckpoints([keep(1)])
    let tries = 0
    const host = async () => {
      if (tries++ === 0) throw new Error('the disk at /secret is gone')
      return { checkpoints, close: async () => undefined }
    }
    const { send, answerTo, stdin, ended } = served({ host })
    send(initialize)
    send(call(1, 'list_checkpoints'))
    const first = await answerTo(1)
    expect(first.result).toMatchObject({ isError: true })
    expect(JSON.stringify(first)).not.toContain('/secret')
    send(call(2, 'list_checkpoints'))
    expect((await answerTo(2)).result).not.toHaveProperty('isError')
    stdin.end()
    await ended
  })

  test('requests that were piped in are all answered before it ends', async () => {
    const stdin = new PassThrough()
    const stdout = new PassThrough()
    stdin.end(
      [initialize, call(1, 'list_checkpoints'), call(2, 'get_checkpoint')].map((message) => `${JSON.stringify(message)}\n`).join(''),
    )
    const { checkpoints } = fakeCheckpoints([keep(1)])
    const slow = { ...checkpoints, list: () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error('late')), 300)) }
    await runMcpServer({
      host: { checkpoints: slow, close: async () => undefined },
      scope: 'all',
      allowRestore: false,
      readOnly: false,
      env: {},
      stdin,
      stdout,
      log: () => undefined,
    })
    stdout.end()
    const ids = (await text(stdout))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id)
    expect(ids.sort()).toEqual([0, 1, 2])
  })

  test('a client that sends no JSON gets no answer, and does not end the server', async () => {
    const logged: string[] = []
    const { send, answerTo, stdin, ended } = served({ log: (message) => logged.push(message) })
    stdin.write('this is not JSON\n{"also":"not a message"}\n')
    send(initialize)
    await answerTo(0)
    expect(logged).not.toEqual([])
    stdin.end()
    await ended
  })

  test('ends when its signal is aborted, though its input is open', async () => {
    const controller = new AbortController()
    const { send, answerTo, ended } = served({ signal: controller.signal })
    send(initialize)
    await answerTo(0)
    controller.abort()
    await ended
  })

  test('ends when its client no longer reads', async () => {
    const { send, answerTo, stdout, ended } = served()
    send(initialize)
    await answerTo(0)
    stdout.destroy(new Error('EPIPE'))
    await ended
  })

  test('takes the calling session and the project from the environment that Claude Code gives it', async () => {
    const here = { cwd: '/home/dev/here', agent: 'claude-code' }
    const { checkpoints } = fakeCheckpoints([
      keep(1, { ...here, sessionKey: 'mine', sessionId: 'mine' }),
      keep(2, { ...here, sessionKey: 'theirs', sessionId: 'theirs' }),
      keep(3, { cwd: '/elsewhere' }),
    ])
    const env = { CLAUDE_CODE_SESSION_ID: 'mine', CLAUDE_PROJECT_DIR: '/home/dev/here/' }
    const { send, answerTo, stdin, ended } = served({
      host: { checkpoints, close: async () => undefined },
      scope: 'project',
      cwd: '/',
      env,
    })
    send(initialize)
    send(call(1, 'list_checkpoints'))
    const { result } = await answerTo(1)
    expect(result?.['structuredContent']).toMatchObject({ checkpoints: [{ id: '00000001', this_session: true }, { id: '00000002' }] })
    stdin.end()
    await ended
  })
})
