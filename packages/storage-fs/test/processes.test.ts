import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Key, parseKey } from '@palimpsest/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFsStorage } from '../src/index.ts'

const script = fileURLToPath(new URL('./writing-process.ts', import.meta.url))
const name = parseKey('sessions/shared')
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
})
afterEach(() => rm(folder, { recursive: true }))

function start(...argv: readonly string[]): { readonly child: ChildProcess; readonly lines: () => readonly string[] } {
  const child = spawn(process.execPath, ['--conditions=@palimpsest/source', script, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  // A line that was not finished was not acknowledged.
  return { child, lines: () => output.split('\n').slice(0, -1) }
}

async function entries(): Promise<readonly string[]> {
  const read = await createFsStorage({ folder }).refs.read(name)
  return read === undefined ? [] : new TextDecoder().decode(read.value).split('\n')
}

test('four processes that each add to a ref ten times lose no update', async () => {
  const children = [0, 1, 2, 3].map((writer) => start('add', folder, String(writer), '10').child)
  const statuses = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  expect(statuses).toEqual([0, 0, 0, 0])
  expect(new Set(await entries()).size).toBe(40)
  expect(await entries()).toHaveLength(40)
}, 60_000)

test('killed writers lose nothing acknowledged, leave nothing torn, and what they left is swept', async () => {
  for (let round = 0; round < 2; round += 1) {
    const writers = [0, 1, 2].map((writer) => start('keep-on', folder, `${round}${writer}`))
    for (let waits = 0; waits < 500 && writers.some(({ lines }) => lines().length < 2); waits += 1) await setTimeout(20)
    await setTimeout(11 * round)
    for (const { child } of writers) child.kill('SIGKILL')
    await Promise.all(writers.map(({ child }) => child.signalCode ?? once(child, 'exit')))

    const named = await entries()
    for (const { lines } of writers) {
      expect(lines().length).toBeGreaterThanOrEqual(2)
      expect(named).toEqual(expect.arrayContaining([...lines()]))
    }
    expect(new Set(named).size).toBe(named.length)
    const storage = createFsStorage({ folder })
    for (const { key } of (await storage.objects.list('sessions/')).items) await expectWhole(storage, key)
    for (const key of named) await expectWhole(storage, parseKey(key))
  }
  const temporary = join(folder, 'tmp')
  const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
  for (const left of await readdir(temporary)) await utimes(join(temporary, left), longAgo, longAgo)
  await createFsStorage({ folder }).objects.put(parseKey('after'), new Uint8Array(1))
  expect(await readdir(temporary)).toEqual([])
}, 60_000)

async function expectWhole(storage: ReturnType<typeof createFsStorage>, key: Key): Promise<void> {
  const bytes = await storage.objects.get(key)
  expect(bytes === undefined ? undefined : new TextDecoder().decode(bytes) === `${key}\n`.repeat(5000), key).toBe(true)
}
