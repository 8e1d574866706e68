import { setTimeout as wait } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { Checkpoints } from '@palimpsest/core'
import { afterEach, describe, expect, test } from 'vitest'
import { instructionsFor } from '../src/instructions.ts'
import type { CallingSession } from '../src/registry.ts'
import { createSdkServer } from '../src/sdk-server.ts'
import { fakeCheckpoints, keep } from './fake-checkpoints.ts'
import { registryFor } from './tool-calls.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function connected(checkpoints: Checkpoints, callingSession?: CallingSession) {
  const { server, idle } = createSdkServer({
    registry: async () => registryFor(checkpoints),
    name: 'palimpsest',
    version: '0.0.0',
    instructions: instructionsFor({ readOnly: false }),
    callingSession,
  })
  const client = new Client({ name: 'test', version: '0.0.0' })
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(serverSide), client.connect(clientSide)])
  open.push(client, server)
  return { client, idle }
}

describe('the adapter to the SDK', () => {
  test('passes on the tools, the instructions, and answers that fit their own schemas', async () => {
    const { client } = await connected(fakeCheckpoints([keep(1)]).checkpoints)
    expect(client.getInstructions()).toMatch(/^After a compaction/)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'list_checkpoints',
      'get_checkpoint',
      'diff_checkpoint',
      'search_checkpoints',
      'restore_checkpoint',
    ])
    // After listTools the client checks every structured answer against the tool's output schema.
    for (const name of tools.map((tool) => tool.name)) {
      const needed: Readonly<Record<string, object>> = { restore_checkpoint: { id: 'latest' }, search_checkpoints: { query: 'make' } }
      const result = await client.callTool({ name, arguments: { ...needed[name] } })
      expect(result.isError ?? false).toBe(false)
      expect(result.structuredContent).toBeDefined()
    }
  })

  test('gives errors as text alone, and a tool that is not there as an error of the protocol that names those that are', async () => {
    const { client } = await connected(fakeCheckpoints([]).checkpoints)
    const result = await client.callTool({ name: 'list_checkpoints', arguments: { limt: 1 } })
    expect(result).toMatchObject({ isError: true, content: [{ type: 'text', text: expect.stringContaining('"limt"') }] })
    expect(result).not.toHaveProperty('structuredContent')
    await expect(client.callTool({ name: 'search', arguments: {} })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('list_checkpoints, get_checkpoint, diff_checkpoint, search_checkpoints, restore_checkpoint'),
    })
  })

  test('tells a client that asks how far a search has come in indexing', async () => {
    const { checkpoints } = fakeCheckpoints([])
    const search: typeof checkpoints.search = async ({ onProgress }) => {
      for (const done of [0, 1, 2]) onProgress?.({ done, total: 40 })
      return { hits: [], waiting: 38, problems: [] }
    }
    const { client } = await connected({ ...checkpoints, search })
    const told: object[] = []
    const call = { name: 'search_checkpoints', arguments: { query: 'x' } }
    await client.callTool(call, undefined, { onprogress: (progress) => told.push(progress) })
    expect(told).toEqual([{ progress: 0, total: 40 }])
    expect((await client.callTool(call)).isError ?? false).toBe(false)
    expect(told).toHaveLength(1)
  })

  test('tells how far it is within a long session, and never less than before', async () => {
    const { checkpoints } = fakeCheckpoints([])
    const search: typeof checkpoints.search = async ({ onProgress }) => {
      for (const [done, doneBytes] of [
        [0, 50],
        [0, 10],
        [1, 25],
      ] as const) {
        onProgress?.({ done, total: 2, session: { doneBytes, totalBytes: 100 } })
        await wait(300)
      }
      return { hits: [], waiting: 1, problems: [] }
    }
    const { client } = await connected({ ...checkpoints, search })
    const told: object[] = []
    const call = { name: 'search_checkpoints', arguments: { query: 'x' } }
    await client.callTool(call, undefined, { onprogress: (progress) => told.push(progress) })
    expect(told).toEqual([
      { progress: 0.5, total: 2 },
      { progress: 1.25, total: 2 },
    ])
  })

  test('takes the calling session from Codex at each call, before that of the process', async () => {
    const mine = { agent: 'codex', sessionKey: 'thread-1', sessionId: 'thread-1' }
    const { checkpoints } = fakeCheckpoints([keep(1, mine), keep(2)])
    const { client } = await connected(checkpoints, { id: 'session-a' })
    const latest = async (meta: object | undefined) => {
      const result = await client.callTool({ name: 'get_checkpoint', arguments: {}, ...(meta === undefined ? {} : { _meta: { ...meta } }) })
      return result.structuredContent
    }
    expect(await latest({ threadId: 'thread-1' })).toMatchObject({ checkpoint: { id: '00000001', this_session: true } })
    expect(await latest(undefined)).toMatchObject({ checkpoint: { id: '00000002', this_session: true } })
  })

  test('a call that the client cancels reaches the service as an aborted signal', async () => {
    const { checkpoints } = fakeCheckpoints([keep(1)])
    let seen: AbortSignal | undefined
    let started = () => undefined as unknown
    const reading = new Promise<void>((resolve) => {
      started = resolve
    })
    const slow: Checkpoints = {
      ...checkpoints,
      read: (_, query) => {
        seen = query?.signal
        started()
        return new Promise((_resolve, reject) => query?.signal?.addEventListener('abort', () => reject(query.signal?.reason)))
      },
    }
    const { client, idle } = await connected(slow)
    const controller = new AbortController()
    const call = client.callTool({ name: 'get_checkpoint', arguments: {} }, undefined, { signal: controller.signal })
    await reading
    expect(seen?.aborted).toBe(false)
    controller.abort()
    await expect(call).rejects.toThrow()
    await idle()
    expect(seen?.aborted).toBe(true)
  })
})
