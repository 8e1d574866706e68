import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { CheckpointError, type Checkpoints, createCheckpoints, type Storage, StorageError } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { piReader } from '@palimpsest/transcripts'
import { expect, test } from 'vitest'
import { smallSession } from '../service/reading-cases.ts'
import { secondsFrom } from '../service/support/workshop.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { everything } from './support/whole.ts'

type Open = () => Promise<Storage>

/** A stored value, and how another is put in its place behind the back of the storage. */
interface Value {
  readonly name: string
  readonly bytes: Uint8Array
  put(bytes: Uint8Array): Promise<void>
}

/** Another service on the store, as a new process would have. */
async function withService<Result>(open: Open, use: (service: Checkpoints) => Promise<Result>): Promise<Result> {
  const storage = await open()
  try {
    await storage.open()
    return await use(createCheckpoints({ storage, readers: [piReader()], now: secondsFrom(Date.UTC(2026, 5, 1)) }))
  } finally {
    await storage.close()
  }
}

/** A tiny store: a checkpoint that was completed, and a snapshot after it. */
async function tinyStore(open: Open): Promise<void> {
  await withService(open, async (service) => {
    const pending = await service.capture({ ...smallSession('s', 1), reason: 'manual' })
    await pending.complete({ summary: 'what was' })
    await service.capture({ ...smallSession('s', 2), reason: 'requested' })
  })
}

/** What verify says: that something is damaged, an error, or nothing. */
async function verified(open: Open): Promise<'damage' | 'error' | 'silent'> {
  try {
    return await withService(open, async (service) => ((await service.verify()).damaged.length > 0 ? 'damage' : 'silent'))
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof StorageError) return 'error'
    throw error
  }
}

/** Everything that reading gives; an error is no answer, and no wrong one. */
async function served(open: Open): Promise<{ readonly isWhole: boolean; readonly text: string }> {
  try {
    return await withService(open, async (service) => {
      const { checkpoints, problems } = await service.list()
      return { isWhole: problems.length === 0, text: JSON.stringify([checkpoints, [...(await everything(service))]]) }
    })
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof StorageError) return { isWhole: false, text: '' }
    throw error
  }
}

/** Flips a bit in every `step`th byte of every value, one after the other. Gives how many of those verify passed over, by value. */
async function flipEach(open: Open, values: readonly Value[], step: number): Promise<ReadonlyMap<string, number>> {
  const expected = await served(open)
  expect([await verified(open), expected.isWhole]).toEqual(['silent', true])
  const silent = new Map<string, number>()
  for (const { name, bytes, put } of values) {
    for (let at = bytes.byteLength % step; at < bytes.byteLength; at += step) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      await put(damaged)
      const seen = await verified(open)
      const given = await served(open)
      // What nobody is told of must not matter; and nothing but what was stored is ever given.
      if (seen === 'silent') expect({ name, at, ...given }).toEqual({ name, at, ...expected })
      else if (given.isWhole) expect({ name, at, text: given.text }).toEqual({ name, at, text: expected.text })
      if (seen === 'silent') silent.set(name, (silent.get(name) ?? 0) + 1)
    }
    await put(bytes)
  }
  return silent
}

test('a flipped bit in any byte that is stored is reported or harmless, and never served', async () => {
  const shared = createMemoryStore()
  const open: Open = async () => createMemoryStorage({ shared })
  await tinyStore(open)
  const values: Value[] = [
    ...[...shared.objects].map(([key, bytes]) => ({ name: key, bytes, put: async (by: Uint8Array) => void shared.objects.set(key, by) })),
    ...[...shared.refs].map(([key, ref]) => ({
      name: key,
      bytes: ref.value,
      put: async (by: Uint8Array) => void shared.refs.set(key, { value: by, version: ref.version }),
    })),
  ]
  const silent = await flipEach(open, values, 1)
  // The number of a stream in a header is a hint for repair, and a frame of zstd has bits that mean nothing.
  for (const [name, count] of silent) expect({ name, isFew: count <= 3 }).toEqual({ name, isFew: true })
  expect([...silent.keys()].filter((name) => !name.includes('/'))).toEqual([])
})

test('a flipped bit in a file of a store is reported or harmless, and never served', async () => {
  const folder = join(await temporaryFolder(), 'store')
  const open: Open = async () => createFsStorage({ folder })
  await tinyStore(open)
  const values: Value[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile()) continue
    values.push({ name: relative(folder, path), bytes: await readFile(path), put: (bytes) => writeFile(path, bytes) })
  }
  const silent = await flipEach(open, values, 23)
  // Of a ref only the newest generation counts; the fourth is of the second capture.
  expect([...silent.keys()].filter((name) => name.startsWith('refs') && !name.endsWith('3'))).toEqual([])
})
