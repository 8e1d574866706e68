import * as nodeFileSystem from 'node:fs/promises'
import { appendFile, chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Key, parseKey, type RefChanges, type Storage } from '@palimpsest/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFsStorage, type FileSystem } from '../src/index.ts'
import { type Call, systemError, watchedFileSystem } from './failing-file-system.ts'

const any = { names: undefined }
let folder: string
let log: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
  log = join(folder, 'changes')
})
afterEach(() => rm(folder, { recursive: true }))

async function swap(storage: Storage, name: string): Promise<Key> {
  const key = parseKey(name)
  const version = (await storage.refs.read(key))?.version
  expect(await storage.refs.compareAndSwap(key, new Uint8Array(3), version)).toBeDefined()
  return key
}

async function changes(storage: Storage, since: string | undefined): Promise<RefChanges> {
  if (storage.refs.changes === undefined) throw new Error('there is no changes')
  return storage.refs.changes(since)
}

async function tokenOf(storage: Storage): Promise<string | undefined> {
  return (await changes(storage, undefined)).token
}

test('a line for each swap, and none for one that was lost', async () => {
  const storage = createFsStorage({ folder })
  const key = await swap(storage, 'a/b')
  const token = await tokenOf(storage)
  expect(await storage.refs.compareAndSwap(key, new Uint8Array(3), undefined)).toBeUndefined()
  expect(await changes(storage, token)).toEqual({ names: [], token })
  await swap(storage, 'a/b')
  expect((await changes(storage, token)).names).toEqual([key])
  expect(await readFile(log, 'utf8')).toMatch(/^(\+a\/b [\w-]{12}\n){2}$/)
  expect((await stat(log)).mode & 0o777).toBe(0o600)
})

test('asked again, it tells of what was appended and of a log that was replaced by one as long', async () => {
  const storage = createFsStorage({ folder })
  const other = createFsStorage({ folder })
  const key = await swap(storage, 'a/b')
  const first = await changes(storage, await tokenOf(storage))
  expect(await changes(storage, first.token)).toEqual({ names: [], token: first.token })
  await swap(other, 'a/b')
  const second = await changes(storage, first.token)
  expect(second.names).toEqual([key])
  expect(await changes(storage, second.token)).toEqual({ names: [], token: second.token })
  const bytes = await readFile(log)
  await rm(log)
  await writeFile(log, Buffer.from(bytes.toString().replace(/.{12}\n$/, 'AAAAAAAAAAAA\n')))
  expect(await changes(storage, second.token)).toMatchObject(any)
})

test('asking writes nothing, and a store that was never written to has no token', async () => {
  const storage = createFsStorage({ folder })
  expect(await changes(storage, undefined)).toEqual({ names: undefined, token: undefined })
  expect(await readdir(folder)).toEqual([])
})

const damages: readonly (readonly [what: string, damage: () => Promise<void>])[] = [
  ['was deleted', () => rm(log)],
  ['lost its end', async () => truncate(log, (await stat(log)).size - 5)],
  ['lost its end, and others wrote on', async () => swapAfter(async () => truncate(log, (await stat(log)).size - 30))],
  ['was replaced by another', async () => swapAfter(() => rm(log))],
  ['has half a line in it', async () => swapAfter(() => appendFile(log, '+half'))],
  ['has a line without its end in it', async () => swapAfter(() => appendFile(log, '+half AAAAAAAAAAAA'))],
  ['has zeros in it', async () => swapAfter(() => appendFile(log, new Uint8Array(40)))],
  ['names what is no key', () => appendFile(log, '+a//b AAAAAAAAAAAA\n')],
]

async function swapAfter(damage: () => Promise<unknown>): Promise<void> {
  await damage()
  await swap(createFsStorage({ folder }), 'later')
}

test.each(damages)('where the log %s, any ref may have changed, and from there on it is told again', async (_what, damage) => {
  const storage = createFsStorage({ folder })
  for (const name of ['a', 'b', 'c']) await swap(storage, name)
  const token = await tokenOf(storage)
  await damage()
  expect(await changes(storage, token)).toMatchObject(any)
  await swap(storage, 'd')
  const next = await tokenOf(storage)
  await swap(storage, 'e')
  expect((await changes(storage, next)).names).toEqual(['e'])
})

test('half a line at the end is not told before it is whole', async () => {
  const storage = createFsStorage({ folder })
  await swap(storage, 'a')
  const token = await tokenOf(storage)
  await appendFile(log, '+b AAAA')
  expect(await changes(storage, token)).toEqual({ names: [], token })
  await appendFile(log, 'AAAABBBB\n')
  expect((await changes(storage, token)).names).toEqual(['b'])
})

test('a log that grew too long is put away, and is not believed where it could not be', async () => {
  const storage = createFsStorage({ folder })
  await swap(storage, 'a')
  await truncate(log, 16 * 1024 * 1024)
  await appendFile(log, '\n+a AAAAAAAAAAAA\n')
  const long = await readFile(log)
  expect(await changes(storage, undefined)).toEqual({ names: undefined, token: undefined })
  await swap(storage, 'b')
  expect(await readdir(folder)).not.toContain('changes')
  await swap(storage, 'c')
  const token = await tokenOf(storage)
  await swap(storage, 'd')
  expect((await changes(storage, token)).names).toEqual(['d'])
  // As a loss of power may leave it.
  await writeFile(log, long)
  expect(await changes(storage, `${long.byteLength} AAAAAAAAAAAA`)).toEqual({ names: undefined, token: undefined })
})

test('a writer whose log was put away before it wrote writes its line again', async () => {
  await swap(createFsStorage({ folder }), 'a')
  let isFirst = true
  const fs = watchedFileSystem(nodeFileSystem, async ({ name, path }) => {
    if (name !== 'file.write' || path !== log || !isFirst) return
    isFirst = false
    await rename(log, `${log}-away`)
    await swap(createFsStorage({ folder }), 'other')
  })
  await swap(createFsStorage({ folder, fs }), 'b')
  expect(await readFile(log, 'utf8')).toMatch(/^\+other .*\n\+b .*\n$/)
})

function failing(isWrong: (call: Call) => boolean): { readonly fs: FileSystem; mend(): void } {
  let isMended = false
  const fs = watchedFileSystem(nodeFileSystem, (call) => {
    if (!isMended && isWrong(call)) throw systemError('ENOSPC')
  })
  return {
    fs,
    mend: () => {
      isMended = true
    },
  }
}

test.each(['open', 'file.write', 'file.sync', 'file.stat'])(
  'where a line can not be written (%s) the log goes, and the swap stands',
  async (step) => {
    const storage = createFsStorage({ folder })
    await swap(storage, 'a')
    const token = await tokenOf(storage)
    const { fs } = failing(({ name, path }) => name === step && path === log)
    await swap(createFsStorage({ folder, fs }), 'b')
    expect(await changes(storage, token)).toMatchObject(any)
  },
)

test('where it can not go either the swap is in doubt, and who looks what became of it tells of it first', async () => {
  const storage = createFsStorage({ folder })
  await swap(storage, 'a')
  const token = await tokenOf(storage)
  const { fs, mend } = failing(({ name, path }) => ['file.write', 'unlink'].includes(name) && path === log)
  const writer = createFsStorage({ folder, fs })
  const key = parseKey('b')
  await expect(writer.refs.compareAndSwap(key, new Uint8Array(3), undefined)).rejects.toMatchObject({ kind: 'refused' })
  await expect(writer.refs.read(key)).rejects.toMatchObject({ kind: 'refused' })
  mend()
  expect((await writer.refs.read(key))?.version).toBe('1')
  expect((await changes(storage, token)).names).toEqual([key])
})

test('a symbolic link in the place of the log is not followed', async () => {
  const storage = createFsStorage({ folder })
  await swap(storage, 'a')
  await rm(log)
  const outside = join(folder, 'tmp', 'outside')
  await writeFile(outside, 'mine')
  await symlink(outside, log)
  await expect(changes(storage, undefined)).rejects.toMatchObject({ kind: 'refused' })
  await swap(storage, 'b')
  expect(await readFile(outside, 'utf8')).toBe('mine')
  expect(await changes(storage, undefined)).toMatchObject(any)
})

test.skipIf(process.getuid?.() === 0)('a store on ground that can not be written tells its changes', async () => {
  const storage = createFsStorage({ folder })
  await swap(storage, 'a')
  const token = await tokenOf(storage)
  await swap(storage, 'b')
  await chmod(folder, 0o500)
  expect((await changes(createFsStorage({ folder }), token)).names).toEqual(['b'])
  await chmod(folder, 0o700)
})
