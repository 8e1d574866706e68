import { parseKey, type Storage, StorageError } from '@palimpsest/core'
import { createFsFromVolume, Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { createFsStorage, type FileSystem } from '../src/index.ts'
import { systemError, watchedFileSystem } from './failing-file-system.ts'

const key = parseKey('sessions/abc/1-x')
const ref = parseKey('sessions/abc')
const bytes = new Uint8Array(3000).fill(7)
const kinds = {
  ENOSPC: 'refused',
  EDQUOT: 'refused',
  EACCES: 'refused',
  EPERM: 'refused',
  EROFS: 'refused',
  EXDEV: 'refused',
  EIO: 'unavailable',
  EMFILE: 'unavailable',
  EBUSY: 'unavailable',
} as const

const memoryFileSystem = (): FileSystem => createFsFromVolume(Volume.fromJSON({ '/disk/other': 'x' })).promises as unknown as FileSystem

/** A store with an object and a ref of three generations, so that the next swap empties one. */
async function filledStore(): Promise<{ readonly fs: FileSystem; readonly clean: Storage }> {
  const fs = memoryFileSystem()
  const clean = createFsStorage({ folder: '/disk/store', fs })
  await clean.objects.put(parseKey('sessions/abc/0-x'), bytes)
  for (const expected of [undefined, '1', '2'])
    await clean.refs.compareAndSwap(ref, bytes, expected as Parameters<typeof clean.refs.compareAndSwap>[2])
  return { fs, clean }
}

/** Fails the first call, then the second, …, until the operation comes through without meeting the failure; gives how many it met. */
async function failEveryCall(
  code: keyof typeof kinds,
  make: () => Promise<{ readonly fs: FileSystem }>,
  run: (storage: Storage) => Promise<unknown>,
  check: (outcome: unknown, storage: Storage, clean: Storage, call: string) => Promise<void>,
): Promise<number> {
  for (let failing = 1; failing < 200; failing += 1) {
    const { fs } = await make()
    let calls = 0
    let failed = ''
    const storage = createFsStorage({
      folder: '/disk/store',
      fs: watchedFileSystem(fs, ({ name, path }) => {
        calls += 1
        if (calls !== failing) return
        failed = `${name} ${path}`
        throw systemError(code)
      }),
    })
    const outcome = await run(storage).catch((error: unknown) => error)
    if (failed === '') return failing - 1
    if (outcome instanceof Error) {
      expect(outcome, failed).toBeInstanceOf(StorageError)
      expect(outcome, failed).toMatchObject({ kind: kinds[code], cause: { code } })
    }
    await check(outcome, storage, createFsStorage({ folder: '/disk/store', fs }), failed)
  }
  throw new Error('the operation never came through')
}

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s at every call in turn', (code) => {
  test.each([
    ['on no store', async () => ({ fs: memoryFileSystem() })],
    ['on a store', filledStore],
  ])('put %s stores all or nothing, says what is wrong, and the next put works', async (_where, make) => {
    const met = await failEveryCall(
      code,
      make,
      (storage) => storage.objects.put(key, bytes),
      async (outcome, storage, clean, call) => {
        const seen = await clean.objects.get(key)
        if (seen !== undefined) expect(seen, call).toEqual(bytes)
        if (!(outcome instanceof Error)) expect(seen, call).toEqual(bytes)
        expect(await storage.objects.put(key, bytes), call).toEqual({ created: seen === undefined })
        expect(await clean.objects.get(key), call).toEqual(bytes)
        expect((await clean.objects.list(key)).items, call).toEqual([{ key, sizeBytes: 3000 }])
      },
    )
    expect(met).toBeGreaterThan(8)
  })

  test('a swap happens or not, and the next one works', async () => {
    const next = new Uint8Array(500).fill(9)
    const met = await failEveryCall(
      code,
      filledStore,
      async (storage) => storage.refs.compareAndSwap(ref, next, (await storage.refs.read(ref))?.version),
      async (outcome, storage, clean, call) => {
        const read = await clean.refs.read(ref)
        expect([bytes, next], call).toContainEqual(read?.value)
        if (!(outcome instanceof Error)) expect(read, call).toEqual({ value: next, version: outcome })
        const version = await storage.refs.compareAndSwap(ref, bytes, read?.version)
        expect(version, call).toBeDefined()
        expect(await clean.refs.read(ref), call).toEqual({ value: bytes, version })
      },
    )
    expect(met).toBeGreaterThan(15)
  })

  test('what is there is never read as absent', async () => {
    const reads: [(storage: Storage) => Promise<unknown>, unknown][] = [
      [(storage) => storage.objects.get(parseKey('sessions/abc/0-x')), bytes],
      [(storage) => storage.objects.get(parseKey('sessions/abc/0-x'), { range: { start: 1, end: 9 } }), bytes.slice(1, 9)],
      [async (storage) => (await storage.refs.read(ref))?.value, bytes],
      [async (storage) => (await storage.objects.list('sessions/')).items.length, 1],
      [async (storage) => (await storage.refs.list('sessions/')).items, [{ name: ref }]],
      [(storage) => storage.open(), undefined],
    ]
    for (const [read, expected] of reads) {
      const met = await failEveryCall(code, filledStore, read, async (outcome, storage, _clean, call) => {
        if (!(outcome instanceof Error)) expect(outcome, call).toEqual(expected)
        expect(await read(storage), call).toEqual(expected)
      })
      expect(met).toBeGreaterThan(2)
    }
  })

  test('delete says so, and works the next time', async () => {
    const doomed = parseKey('sessions/abc/0-x')
    await failEveryCall(
      code,
      filledStore,
      (storage) => storage.objects.delete([doomed]),
      async (outcome, storage, clean, call) => {
        expect(outcome, call).toBeInstanceOf(Error)
        await storage.objects.delete([doomed])
        expect(await clean.objects.get(doomed), call).toBeUndefined()
      },
    )
  })
})

test('a put that failed leaves no temporary file behind', async () => {
  for (const name of ['file.write', 'file.sync', 'link']) {
    const { fs } = await filledStore()
    const storage = createFsStorage({
      folder: '/disk/store',
      fs: watchedFileSystem(fs, (call) => {
        if (call.name === name && !call.path.endsWith('abc')) throw systemError('ENOSPC')
      }),
    })
    await expect(storage.objects.put(key, bytes)).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('Make room') })
    expect(await fs.readdir('/disk/store/tmp')).toEqual([])
  }
})

test('bytes are forced to the disk before they get their name, and the name before put resolves', async () => {
  const { fs } = await filledStore()
  const trace: string[] = []
  const record = watchedFileSystem(fs, ({ name, path }) => {
    trace.push(`${name} ${path.replace(/tmp\/.+/, 'tmp/x')}`)
  })
  const storage = createFsStorage({ folder: '/disk/store', fs: record })
  await storage.objects.put(parseKey('new/folder/object'), bytes)
  const at = (call: string, from = 0) => {
    const found = trace.indexOf(call, from)
    expect(found, `${call} in ${trace.join(', ')}`).toBeGreaterThanOrEqual(0)
    return found
  }
  const link = at('link /disk/store/objects/new+/folder+/object')
  expect(at('file.write /disk/store/tmp/x')).toBeLessThan(at('file.sync /disk/store/tmp/x'))
  expect(at('file.sync /disk/store/tmp/x')).toBeLessThan(link)
  at('file.sync /disk/store/objects/new+/folder+', link)
  expect(at('mkdir /disk/store/objects/new+')).toBeLessThan(at('file.sync /disk/store/objects'))
  expect(at('mkdir /disk/store/objects/new+/folder+')).toBeLessThan(at('file.sync /disk/store/objects/new+'))
  at('file.sync /disk/store')
})
