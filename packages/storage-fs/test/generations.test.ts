import * as nodeFileSystem from 'node:fs/promises'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseKey, type RefVersion, type Storage } from '@palimpsest/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFsStorage, type FileSystem } from '../src/index.ts'
import { type Call, systemError, watchedFileSystem } from './failing-file-system.ts'

const name = parseKey('r')
const text = (value: string) => new TextEncoder().encode(value)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function swapTimes(storage: Storage, times: number): Promise<RefVersion | undefined> {
  let version = (await storage.refs.read(name))?.version
  for (let at = 0; at < times; at += 1) version = await storage.refs.compareAndSwap(name, text(`value ${at}`), version)
  return version
}

/** A file system that stops at the first call of a kind until it is let go. */
function stoppingAt(isIt: (call: Call) => boolean): { readonly fs: FileSystem; readonly reached: Promise<void>; letGo(): void } {
  let letGo = () => {}
  let reach = () => {}
  const gone = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  let stopped = false
  const fs = watchedFileSystem(nodeFileSystem, async (call) => {
    if (stopped || !isIt(call)) return
    stopped = true
    reach()
    await gone
  })
  return { fs, reached, letGo }
}

test('two values stay, older ones are emptied, and the names are bounded however often the ref is swapped', async () => {
  const storage = createFsStorage({ folder })
  await swapTimes(storage, 5)
  const generations = join(folder, 'refs', 'r')
  const sizes = async () => Promise.all((await readdir(generations)).sort().map(async (each) => (await stat(join(generations, each))).size))
  expect(await sizes()).toEqual([0, 0, 0, 8, 8])
  await swapTimes(storage, 200)
  const many = await sizes()
  expect(many).toHaveLength(64)
  expect(many.filter((sizeBytes) => sizeBytes > 0)).toHaveLength(2)
  expect(await readdir(join(folder, 'tmp'))).toEqual([])
})

test.each([30, 63])('a writer that stood still before its link while %i others went past has lost', async (others) => {
  const storage = createFsStorage({ folder })
  const version = await swapTimes(storage, 3)
  const slow = stoppingAt(({ name: call, path }) => call === 'link' && path.endsWith('000000000004'))
  const late = createFsStorage({ folder, fs: slow.fs }).refs.compareAndSwap(name, text('late'), version)
  await slow.reached
  const newest = await swapTimes(storage, others)
  slow.letGo()
  expect(await late).toBeUndefined()
  expect((await storage.refs.read(name))?.version).toBe(newest)
})

test('one that stood still while 70 went past, so that its name is free again, finds out and takes its file away', async () => {
  const storage = createFsStorage({ folder })
  const version = await swapTimes(storage, 3)
  const slow = stoppingAt(({ name: call, path }) => call === 'link' && path.endsWith('000000000004'))
  const late = createFsStorage({ folder, fs: slow.fs }).refs.compareAndSwap(name, text('late'), version)
  await slow.reached
  const newest = await swapTimes(storage, 70)
  expect(await readdir(join(folder, 'refs', 'r'))).not.toContain('000000000004')
  slow.letGo()
  await expect(late).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('unknown') })
  expect(await storage.refs.read(name)).toEqual({ value: text('value 69'), version: newest })
  expect(await readdir(join(folder, 'refs', 'r'))).not.toContain('000000000004')
  expect(await storage.refs.compareAndSwap(name, text('stale'), version)).toBeUndefined()
})

test('a writer that won, and stood still afterwards while 10 went past, has won', async () => {
  const storage = createFsStorage({ folder })
  const version = await swapTimes(storage, 3)
  const slow = stoppingAt(({ name: call, path }) => call === 'file.sync' && path.endsWith('/r'))
  const early = createFsStorage({ folder, fs: slow.fs }).refs.compareAndSwap(name, text('early'), version)
  await slow.reached
  const newest = await swapTimes(storage, 10)
  slow.letGo()
  expect(await early).toBe('4')
  expect((await storage.refs.read(name))?.version).toBe(newest)
})

test.each([3, 70])('a reader whose newest generation was emptied or removed under its hands (%i swaps) lists again', async (swaps) => {
  const storage = createFsStorage({ folder })
  await swapTimes(storage, 3)
  const slow = stoppingAt(({ name: call, path }) => call === 'open' && path.endsWith('000000000003'))
  const read = createFsStorage({ folder, fs: slow.fs }).refs.read(name)
  await slow.reached
  const newest = await swapTimes(storage, swaps)
  slow.letGo()
  expect(await read).toEqual({ value: text(`value ${swaps - 1}`), version: newest })
})

test.each([1, 2, 3, 70])('a reader that remembers a generation finds the newest after %i swaps by others', async (swaps) => {
  const reader = createFsStorage({ folder })
  await swapTimes(createFsStorage({ folder }), 3)
  expect((await reader.refs.read(name))?.version).toBe('3')
  const newest = await swapTimes(createFsStorage({ folder }), swaps)
  expect(await reader.refs.read(name)).toEqual({ value: text(`value ${swaps - 1}`), version: newest })
})

test('a reader whose remembered generation is emptied while it looks gives the newest, never one that it looked at too early', async () => {
  await swapTimes(createFsStorage({ folder }), 3)
  let stops = 0
  const slow = stoppingAt(({ name: call, path }) => {
    if (call === 'readdir' && path.endsWith('/r')) stops += 1
    return stops === 2
  })
  const reader = createFsStorage({ folder, fs: slow.fs })
  await reader.refs.read(name)
  const read = reader.refs.read(name)
  await slow.reached
  const newest = await swapTimes(createFsStorage({ folder }), 5)
  slow.letGo()
  expect(await read).toEqual({ value: text('value 4'), version: newest })
})

test('a failure to read the remembered generation fails no read of a newer one', async () => {
  await swapTimes(createFsStorage({ folder }), 1)
  let isBroken = false
  const fs = watchedFileSystem(nodeFileSystem, ({ name: call, path }) => {
    if (isBroken && call === 'open' && path.endsWith('000000000001')) throw systemError('EIO')
  })
  const reader = createFsStorage({ folder, fs })
  await reader.refs.read(name)
  isBroken = true
  await expect(reader.refs.read(name)).rejects.toMatchObject({ kind: 'unavailable' })
  await swapTimes(createFsStorage({ folder }), 1)
  expect((await reader.refs.read(name))?.version).toBe('2')
})

test('a newest generation that is torn or empty is an error, never absent', async () => {
  const storage = createFsStorage({ folder })
  await swapTimes(storage, 2)
  const newest = join(folder, 'refs', 'r', '000000000002')
  await writeFile(newest, 'tor')
  await expect(storage.refs.read(name)).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('torn') })
  await writeFile(newest, '')
  await expect(storage.refs.read(name)).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('empty') })
})
