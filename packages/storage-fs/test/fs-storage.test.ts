import * as nodeFileSystem from 'node:fs/promises'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseKey } from '@palimpsest/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFsStorage } from '../src/index.ts'
import { systemError, watchedFileSystem } from './failing-file-system.ts'

const key = parseKey('sessions/abc/1-x')
const bytes = new TextEncoder().encode('object')
let outside: string
let folder: string

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
  folder = join(outside, 'deep', 'store')
})
afterEach(() => rm(outside, { recursive: true }))

test('nothing is made before the first write; then all of it, for this user alone', async () => {
  const storage = createFsStorage({ folder })
  await storage.open()
  expect(await storage.objects.get(key)).toBeUndefined()
  expect(await storage.refs.read(key)).toBeUndefined()
  expect((await storage.objects.list('')).items).toEqual([])
  await storage.objects.delete([key])
  expect(await readdir(outside)).toEqual([])

  await storage.objects.put(key, bytes)
  await storage.refs.compareAndSwap(key, bytes, undefined)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  expect(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort(),
  ).toEqual(['000000000001', '1-x', 'changes', 'layout'])
  for (const entry of entries) {
    const { mode } = await stat(join(entry.parentPath, entry.name))
    expect(mode & 0o777, entry.name).toBe(entry.isDirectory() ? 0o700 : 0o600)
  }
  expect(await readdir(join(folder, 'tmp'))).toEqual([])
})

test('a store on read-only ground can be opened, read and listed; writing is refused', async () => {
  const writer = createFsStorage({ folder })
  await writer.objects.put(key, bytes)
  await writer.refs.compareAndSwap(key, bytes, undefined)
  const readOnly = watchedFileSystem(nodeFileSystem, (call) => {
    if (call.writes) throw systemError('EROFS')
  })
  const storage = createFsStorage({ folder, fs: readOnly })
  await storage.open()
  expect(await storage.objects.get(key)).toEqual(bytes)
  expect((await storage.refs.read(key))?.value).toEqual(bytes)
  expect((await storage.objects.list('sessions/')).items).toEqual([{ key, sizeBytes: 6 }])
  expect((await storage.refs.list('')).items).toEqual([{ name: key }])
  const refused = { kind: 'refused', cause: { code: 'EROFS' } }
  await expect(storage.objects.put(parseKey('new'), bytes)).rejects.toMatchObject(refused)
  await expect(storage.refs.compareAndSwap(parseKey('new'), bytes, undefined)).rejects.toMatchObject(refused)
  await expect(storage.objects.delete([key])).rejects.toMatchObject(refused)
})

test('a folder that is a file, or lies below one, is refused', async () => {
  await writeFile(join(outside, 'file'), 'x')
  for (const place of ['file', 'file/store']) {
    const storage = createFsStorage({ folder: join(outside, place) })
    await expect(storage.open()).rejects.toMatchObject({ kind: 'refused', cause: { code: 'ENOTDIR' } })
    await expect(storage.objects.put(key, bytes)).rejects.toMatchObject({ kind: 'refused' })
  }
  expect(await readFile(join(outside, 'file'), 'utf8')).toBe('x')
})

test('a store that a newer version laid out is neither read nor changed', async () => {
  await createFsStorage({ folder }).objects.put(key, bytes)
  await writeFile(join(folder, 'layout'), 'palimpsest-fs 2\n')
  await expect(createFsStorage({ folder }).open()).rejects.toMatchObject({ kind: 'newer' })
  await expect(createFsStorage({ folder }).objects.put(parseKey('b'), bytes)).rejects.toMatchObject({ kind: 'newer' })
  await writeFile(join(folder, 'layout'), 'something else')
  await expect(createFsStorage({ folder }).open()).rejects.toMatchObject({ kind: 'unsupported' })
})

test('no key leads out of the store through a symbolic link', async () => {
  const elsewhere = join(outside, 'elsewhere')
  await mkdir(join(elsewhere, 'abc+'), { recursive: true })
  await writeFile(join(elsewhere, 'abc+', 'secret'), 'secret')
  await writeFile(join(elsewhere, 'abc+', '000000000001'), 'secret\n')
  await createFsStorage({ folder }).objects.put(parseKey('own'), bytes)
  await createFsStorage({ folder }).refs.compareAndSwap(parseKey('own'), bytes, undefined)
  await symlink(elsewhere, join(folder, 'objects', 'sessions+'))
  await symlink(join(elsewhere, 'abc+', 'secret'), join(folder, 'objects', 'file'))
  await symlink(join(elsewhere, 'missing'), join(folder, 'objects', 'dangling'))
  await symlink(elsewhere, join(folder, 'refs', 'se='))
  await symlink(join(elsewhere, 'abc+'), join(folder, 'refs', 'r'))

  const storage = createFsStorage({ folder })
  const refused = { kind: 'refused' }
  const secret = parseKey('sessions/abc/secret')
  await expect(storage.objects.get(secret)).rejects.toMatchObject(refused)
  await expect(storage.objects.put(secret, bytes)).rejects.toMatchObject(refused)
  await expect(storage.objects.put(parseKey('sessions/abc/new'), bytes)).rejects.toMatchObject(refused)
  await expect(storage.objects.put(parseKey('sessions/new/new'), bytes)).rejects.toMatchObject(refused)
  await expect(storage.objects.delete([secret])).rejects.toMatchObject(refused)
  await expect(storage.objects.list('sessions/')).rejects.toMatchObject(refused)
  await expect(storage.objects.get(parseKey('file'))).rejects.toMatchObject({ ...refused, cause: { code: 'ELOOP' } })
  await expect(storage.objects.get(parseKey('dangling'))).rejects.toMatchObject(refused)
  expect(await storage.objects.put(parseKey('dangling'), bytes)).toEqual({ created: false })
  await expect(storage.refs.read(parseKey('sessions/abc'))).rejects.toMatchObject(refused)
  await expect(storage.refs.compareAndSwap(parseKey('sessions/new'), bytes, undefined)).rejects.toMatchObject(refused)
  await expect(storage.refs.read(parseKey('r'))).rejects.toMatchObject(refused)
  expect(await readdir(elsewhere, { recursive: true })).toEqual(expect.arrayContaining(['abc+', 'abc+/000000000001', 'abc+/secret']))
  expect(await readdir(elsewhere, { recursive: true })).toHaveLength(3)
  expect(await storage.objects.get(parseKey('own'))).toEqual(bytes)
  await storage.objects.delete([parseKey('file')])
  expect(await readFile(join(elsewhere, 'abc+', 'secret'), 'utf8')).toBe('secret')
})

test.each([0, 1, 32_767, 32_768, 32_769, 65_536, 100_000])('an object of %i bytes comes back whole', async (sizeBytes) => {
  const storage = createFsStorage({ folder })
  const value = Uint8Array.from({ length: sizeBytes }, (_, at) => at % 251)
  await storage.objects.put(key, value)
  expect(Buffer.compare((await storage.objects.get(key)) ?? bytes, value)).toBe(0)
})

test('the store’s own folder may be a symbolic link', async () => {
  await mkdir(join(outside, 'real'))
  await symlink(join(outside, 'real'), join(outside, 'link'))
  const storage = createFsStorage({ folder: join(outside, 'link') })
  await storage.open()
  await storage.objects.put(key, bytes)
  expect(await createFsStorage({ folder: join(outside, 'real') }).objects.get(key)).toEqual(bytes)
})

test('temporary files older than an hour go at the first write, younger ones stay, and none is listed', async () => {
  await createFsStorage({ folder }).objects.put(key, bytes)
  const temporary = join(folder, 'tmp')
  await writeFile(join(temporary, 'young'), 'x')
  await writeFile(join(temporary, 'old'), 'x')
  await mkdir(join(temporary, 'old-folder'))
  await writeFile(join(temporary, 'old-folder', 'value'), 'x')
  const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
  for (const name of ['old', 'old-folder']) await utimes(join(temporary, name), longAgo, longAgo)
  const storage = createFsStorage({ folder })
  await storage.open()
  expect(await readdir(temporary)).toHaveLength(3)
  expect((await storage.objects.list('')).items.map((item) => item.key)).toEqual([key])
  await storage.objects.put(parseKey('b'), bytes)
  expect(await readdir(temporary)).toEqual(['young'])
})

test('what others put into the folders is not listed', async () => {
  const storage = createFsStorage({ folder })
  await storage.objects.put(key, bytes)
  await storage.refs.compareAndSwap(key, bytes, undefined)
  for (const name of ['.DS_Store', 'Thumbs.db', 'a~', 'con', 'b=', 'x'.repeat(201)]) {
    await writeFile(join(folder, 'objects', name), 'x')
    if (name !== 'b=') await writeFile(join(folder, 'refs', name), 'x')
  }
  await mkdir(join(folder, 'refs', 'z'))
  expect((await storage.objects.list('')).items.map((item) => item.key)).toEqual([key])
  expect((await storage.refs.list('')).items).toEqual([{ name: key }])
  expect(await storage.refs.read(parseKey('z'))).toBeUndefined()
})

test('a store that is removed while it is open is made again', async () => {
  const storage = createFsStorage({ folder })
  await storage.objects.put(key, bytes)
  await storage.refs.compareAndSwap(key, bytes, undefined)
  await rm(folder, { recursive: true })
  expect(await storage.objects.get(key)).toBeUndefined()
  expect(await storage.refs.read(key)).toBeUndefined()
  const put = await storage.objects.put(key, bytes).catch(() => storage.objects.put(key, bytes))
  expect(put).toEqual({ created: true })
  expect(await storage.refs.compareAndSwap(key, bytes, undefined)).toBe('1')
  expect(await createFsStorage({ folder }).objects.get(key)).toEqual(bytes)
})
