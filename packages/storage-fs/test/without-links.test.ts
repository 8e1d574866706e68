import * as nodeFileSystem from 'node:fs/promises'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testStorage } from '@palimpsest/conformance'
import { parseKey, type Storage } from '@palimpsest/core'
import { afterAll, describe, expect, test } from 'vitest'
import { createFsStorage } from '../src/index.ts'
import { systemError, watchedFileSystem } from './failing-file-system.ts'

const folder = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
afterAll(() => rm(folder, { recursive: true }))

const fs = watchedFileSystem(nodeFileSystem, (call) => {
  if (call.name === 'link') throw systemError('EPERM')
})

/** Registers the cases of these groups. */
const testGroups = (groups: RegExp, open: () => Storage) =>
  testStorage({ test: (name, run) => (groups.test(name) ? test(name, () => run()) : undefined), open })

describe('where hard links are refused, the contract holds', () => {
  testGroups(/^(objects\/(?!large|too)|lists\/(?!default)|refs|concurrency)/, () => createFsStorage({ folder: join(folder, 'store'), fs }))
})

describe('where some writers can link and others can’t, it holds between them', () => {
  let instances = 0
  testGroups(/^concurrency/, () => {
    instances += 1
    return createFsStorage({ folder: join(folder, 'mixed'), ...(instances % 2 === 0 ? { fs } : {}) })
  })
})

test('what another deletes and a third creates anew, while it is deleted here, counts as deleted', async () => {
  const key = parseKey('contested')
  const other = createFsStorage({ folder: join(folder, 'between'), fs })
  await other.objects.put(key, new Uint8Array(10))
  let interrupted = false
  const slow = watchedFileSystem(nodeFileSystem, async (call) => {
    if (call.name !== 'rename' || interrupted) return
    interrupted = true
    await other.objects.delete([key])
    setImmediate(() => void other.objects.put(key, new Uint8Array(20)))
    await nodeFileSystem
      .rename(join(folder, 'between', 'objects', 'contested'), join(folder, 'between', 'tmp', 'nothing'))
      .catch(async (error) => {
        while ((await other.objects.get(key)) === undefined) await new Promise((done) => setImmediate(done))
        throw error
      })
  })
  await createFsStorage({ folder: join(folder, 'between'), fs: slow }).objects.delete([key])
  expect(interrupted).toBe(true)
  expect((await other.objects.get(key))?.byteLength).toBe(20)
})

test('emptied generations take no room, and nothing temporary stays', async () => {
  const storage = createFsStorage({ folder: join(folder, 'small'), fs })
  const name = parseKey('r')
  let version = (await storage.refs.read(name))?.version
  for (let at = 0; at < 100; at += 1) version = await storage.refs.compareAndSwap(name, new Uint8Array(1000), version)
  const generations = join(folder, 'small', 'refs', 'r')
  const names = await readdir(generations)
  expect(names).toHaveLength(64)
  const files = (await readdir(generations, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  expect(sizes.filter((sizeBytes) => sizeBytes > 0)).toEqual([1001, 1001])
  expect(await readdir(join(folder, 'small', 'tmp'))).toEqual([])
})
