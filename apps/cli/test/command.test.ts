import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Checkpoint } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { piSession } from './pi-session.ts'
import { programArgv, startProgram } from './process.ts'
import { createStore, type Scanned, scannedStore } from './store.ts'

describe('Ctrl-C', () => {
  test('during a scan exits 130, leaves nothing half-written, and the next scan finds everything', async () => {
    await using store = await createStore()
    await mkdir(join(store.folder, 'work'))
    for (let number = 1; number <= 40; number += 1) {
      const session = piSession({ number, messages: 200, textOf: (index) => `${number}.${index} ${'lorem ipsum '.repeat(80)}` })
      await writeFile(join(store.folder, 'work', `${number}.jsonl`), session.text)
    }
    const { child, finished } = startProgram(store.folder, ['scan', 'work', '--json'])
    child.stdin.end()
    const filesStored = async () => (await readdir(join(store.folder, 'store'), { recursive: true }).catch(() => [])).length
    while ((await filesStored()) < 20 && child.exitCode === null) await delay(2)
    child.kill('SIGINT')
    const { status, stdout, stderr } = await finished
    expect({ status, stderr }).toEqual({ status: 130, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } })

    const { checkpoints: before } = (await store.json('list', '--limit', '1000')) as { checkpoints: Checkpoint[] }
    expect(before.length).toBeLessThan(40)
    const { sessions } = (await store.json('scan', 'work')) as Scanned
    const ids = sessions.flatMap(({ checkpoints }) => checkpoints)
    expect(ids).toHaveLength(40)
    expect(ids).toEqual(expect.arrayContaining(before.map(({ id }) => id)))
    const { checkpoints } = (await store.json('list', '--limit', '1000')) as { checkpoints: Checkpoint[] }
    expect(new Set(checkpoints.map(({ id }) => id))).toEqual(new Set(ids))
  })

  test('while a command waits for its input exits 130 at once', async () => {
    const { store, id } = await scannedStore()
    await using _folder = store
    const { child, finished } = startProgram(store.folder, ['complete', id, '--summary-file', '-'])
    // More than a pipe holds: when it is gone, the command is reading.
    await new Promise((resolve) => child.stdin.write('x'.repeat(4 * 1024 * 1024), resolve))
    child.kill('SIGINT')
    expect(await finished).toEqual({ status: 130, stdout: '', stderr: 'palimpsest: interrupted; nothing was left half-done\n' })
  })
})

test('the exact bytes go through a pipe', async () => {
  const { store, session } = await scannedStore({ messages: 500, textOf: (index) => `${index} ${'größe '.repeat(300)}` })
  await using _folder = store
  const { child, finished } = startProgram(store.folder, ['read', 'latest', '--raw'])
  child.stdin.end()
  expect(await finished).toEqual({ status: 0, stdout: session.beforeCompaction, stderr: '' })
})

test('a command whose reader went away ends quietly', async () => {
  const { store, session } = await scannedStore({ messages: 2000, textOf: () => 'x'.repeat(2000) })
  await using _folder = store
  const program = programArgv.map((word) => `'${word}'`).join(' ')
  const script = `{ ${program} read latest --raw; echo "status $?" >&2; } | head -c 100`
  const { finished } = startProgram(store.folder, [script], ['sh', '-c'])
  expect(await finished).toEqual({ status: 0, stdout: session.beforeCompaction.slice(0, 100), stderr: 'status 0\n' })
})

test('the version is said without loading the service, tables or the MCP server', async () => {
  await using store = await createStore()
  const preload = new URL('print-loaded.ts', import.meta.url).href
  const [node = '', conditions = '', bin = ''] = programArgv
  const { child, finished } = startProgram(store.folder, ['--version'], [node, conditions, `--import=${preload}`, bin])
  child.stdin.end()
  const { status, stdout, stderr } = await finished
  expect(status).toBe(0)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(stderr).toContain('/commander/')
  for (const heavy of [
    '/packages/core/',
    '/packages/host/',
    '/mcp-server/',
    '/zod/',
    '/cli-table3/',
    '/ora/',
    '/p-map/',
    '/src/commands/',
  ]) {
    expect(stderr).not.toContain(heavy)
  }
})

test('mcp serves until its input ends', async () => {
  await using store = await createStore()
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const { child, finished } = startProgram(store.folder, ['mcp', '--read-only'])
  child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`)
  const { status, stdout } = await finished
  expect(status).toBe(0)
  const [answer = '', ...rest] = stdout.trimEnd().split('\n')
  expect(JSON.parse(answer)).toMatchObject({ id: 1, result: { serverInfo: { name: 'palimpsest' } } })
  expect(rest).toEqual([])
})
