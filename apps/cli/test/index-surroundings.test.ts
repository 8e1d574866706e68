import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { piSession } from './pi-session.ts'
import { programArgv, startProgram } from './process.ts'
import { createStore, type Store } from './store.ts'

// What surrounds the search index: other processes that hold it, disks and folders that can't be written. All of it is real.

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
/** The user `nobody`, who owns nothing here. */
const stranger = { uid: 65_534, gid: 65_534 }
const words = { textOf: (index: number) => ['where is the flux capacitor?', 'in the garage', 'thanks', 'welcome'][index] ?? '' }
const search = ['search', 'flux', 'capacitor', 'role:user']
const answered = { status: 0, stdout: expect.stringContaining('where is the flux capacitor?') }

/** A store that keeps one session and has it indexed, in the user's cache folder or another one. */
async function keptStore(cache?: string): Promise<{ readonly store: Store; readonly cache: string }> {
  const store = await createStore(cache === undefined ? {} : { XDG_CACHE_HOME: cache })
  onTestFinished(() => store[Symbol.asyncDispose]())
  await keep(store, 1, words)
  return { store, cache: cache ?? join(store.folder, '.cache') }
}

async function keep(store: Store, number: number, session: Parameters<typeof piSession>[0], ...options: string[]): Promise<void> {
  await writeFile(join(store.folder, `s${number}.jsonl`), piSession({ number, ...session }).text)
  await store.json('scan', '.', ...options)
}

async function indexFile(cache: string): Promise<string> {
  const name = (await readdir(cache, { recursive: true })).find((path) => /search-\d+\.sqlite$/.test(path))
  return join(cache, name ?? expect.fail('no index'))
}

test('an index that another process holds: search answers from what is indexed and says so, index exits 7 and says what to do', async () => {
  const { store, cache } = await keptStore()
  const other = new DatabaseSync(await indexFile(cache))
  other.exec('BEGIN IMMEDIATE')
  // As long as nothing is new, nobody has to wait.
  expect(await store.run(search)).toMatchObject({ ...answered, stderr: '' })
  await keep(store, 2, { textOf: () => 'another session' }, '--no-index')
  const [searched, asJson, indexed] = await Promise.all([store.run(search), store.json(...search), store.run(['index'])])
  expect(searched).toMatchObject(answered)
  expect(searched.stderr).toMatch(/^noted: search index: .* is locked by another process\. Try again; .* palimpsest index --rebuild\n$/)
  expect(asJson).toMatchObject({ hits: [{}], problems: [{ message: expect.stringContaining('locked') }] })
  expect(indexed).toMatchObject({ status: 7, stdout: '' })
  expect(indexed.stderr).toMatch(/is locked by another process.*\n {2}The same command may succeed when it is run again\.\n$/)
  other.exec('ROLLBACK')
  other.close()
  expect(await store.run(['index'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^1 session indexed\./) })
}, 60_000)

test('an index of zero bytes, without its end, or made of noise is made anew by whoever searches', async () => {
  const { store, cache } = await keptStore()
  const file = await indexFile(cache)
  const { size } = await stat(file)
  const noise = Buffer.alloc(size, 'noise')
  const half = Math.floor(size / 8192) * 4096
  for (const damage of [() => truncate(file, 0), () => truncate(file, half), () => writeFile(file, noise)]) {
    await damage()
    expect(await store.run(search)).toMatchObject({ ...answered, stderr: '' })
  }
})

describe.skipIf(!isRoot)('a cache folder of a user who is not root', () => {
  /** The program as `nobody`, to whom everything in the store's folder belongs. */
  async function asStranger({ folder }: Store): Promise<(args: readonly string[]) => ReturnType<typeof startProgram>['finished']> {
    await run('chown', ['-R', `${stranger.uid}:${stranger.gid}`, folder])
    return (args) => startProgram(folder, args, programArgv, stranger).finished
  }

  test('that may only be read is searched; what can not be indexed is said, and nothing is deleted', async () => {
    const { store, cache } = await keptStore()
    const file = await indexFile(cache)
    const before = await readFile(file)
    const palimpsest = await asStranger(store)
    await chmod(join(file, '..'), 0o500)
    expect(await palimpsest(search)).toEqual({ ...answered, stderr: '' })
    await chmod(join(file, '..'), 0o700)
    await keep(store, 2, { textOf: () => 'another session' }, '--no-index')
    await asStranger(store)
    await chmod(join(file, '..'), 0o500)
    const [searched, indexed, rebuilt] = await Promise.all([palimpsest(search), palimpsest(['index']), palimpsest(['index', '--rebuild'])])
    expect(searched).toMatchObject(answered)
    expect(searched.stderr).toMatch(/^noted: search index: .*readonly database.* palimpsest index --rebuild\n$/)
    expect(indexed).toMatchObject({ status: 7, stderr: expect.stringContaining('readonly database') })
    expect(rebuilt).toMatchObject({ status: 7, stderr: expect.stringContaining('permission denied') })
    expect((await readFile(file)).equals(before)).toBe(true)
    await chmod(join(file, '..'), 0o700)
    expect(await palimpsest(['index'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^1 session indexed\./) })
  }, 60_000)

  test('that may not be entered: search and index exit 7 and say so, and a scan goes on without it', async () => {
    const { store, cache } = await keptStore()
    const palimpsest = await asStranger(store)
    await rm(cache, { recursive: true })
    await mkdir(cache, { mode: 0o700 })
    const commands = [search, ['index'], ['index', '--rebuild']]
    for (const refused of await Promise.all(commands.map(palimpsest))) {
      expect(refused).toMatchObject({ status: 7, stdout: '' })
      expect(refused.stderr).toMatch(/permission denied.* once there is room and permission: palimpsest index --rebuild\n$/)
    }
    expect(await palimpsest(['scan', 's1.jsonl'])).toMatchObject({ status: 0, stderr: expect.stringMatching(/^not indexed: /) })
    await chown(cache, stranger.uid, stranger.gid)
    expect(await palimpsest(search)).toEqual({ ...answered, stderr: '' })
  }, 60_000)
})

describe.skipIf(!isRoot || process.platform !== 'linux')('a disk of its own for the cache', () => {
  /** A file system in memory; `undefined` where this process may not mount. */
  async function disk(size: string): Promise<string | undefined> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'palimpsest-disk-')))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'palimpsest-test', folder])
    } catch {
      return undefined
    }
    onTestFinished(() => run('umount', ['-l', folder]).then(() => undefined))
    return folder
  }

  test('that is full: what is indexed is searched, what is not is said, and room is all that is needed', async ({ skip }) => {
    const cache = await disk('1m')
    if (cache === undefined) return skip('this process may not mount a file system')
    const { store } = await keptStore(cache)
    const unique = (index: number) => Array.from({ length: 4_000 }, (_, at) => `word${index}x${at * 7919}`).join(' ')
    await keep(store, 2, { messages: 20, textOf: unique }, '--no-index')
    const indexed = await store.run(['index'])
    expect(indexed).toMatchObject({ status: 7, stdout: '' })
    expect(indexed.stderr).toMatch(/disk is full.* once there is room and permission: palimpsest index --rebuild\n$/)
    const searched = await store.run(search)
    expect(searched).toMatchObject(answered)
    expect(searched.stderr).toMatch(/^noted: search index: .*disk is full/)
    expect(await store.run(['read', 'latest'])).toMatchObject({ status: 0 })
    await run('mount', ['-o', 'remount,size=64m', cache])
    expect(await store.run(['index'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^1 session indexed\./) })
    expect((await store.run(['search', 'word19x31668081'])).stdout).toContain('word19x31668081')
  })

  test('that can only be read is searched, and made anew by nobody', async ({ skip }) => {
    const cache = await disk('16m')
    if (cache === undefined) return skip('this process may not mount a file system')
    const { store } = await keptStore(cache)
    await run('mount', ['-o', 'remount,ro', cache])
    expect(await store.run(search)).toMatchObject({ ...answered, stderr: '' })
    const rebuilt = await store.run(['index', '--rebuild', '--json'])
    expect(rebuilt.status).toBe(7)
    expect(rebuilt.json()).toMatchObject({ error: { code: 'STORAGE_REFUSED', message: expect.stringContaining('read-only') } })
    expect(await store.run(search)).toMatchObject({ ...answered, stderr: '' })
  })
})
