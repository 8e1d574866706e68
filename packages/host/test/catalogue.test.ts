import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CatalogueOptions, type OpenCatalogue, openCatalogue } from '../src/catalogue/open-catalogue.ts'
import { catalogued, idAt } from './support/catalogued.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const run = promisify(execFile)

async function open(options: CatalogueOptions): Promise<OpenCatalogue> {
  const catalogue = await openCatalogue(options)
  if (catalogue === undefined) throw new Error('The catalogue can not be opened.')
  onTestFinished(catalogue.close)
  return catalogue
}

async function fresh(): Promise<{ folder: string; file: string; catalogue: OpenCatalogue }> {
  const folder = join(await temporaryFolder(), 'cache', 'digest')
  return { folder, file: join(folder, 'catalogue.sqlite'), catalogue: await open({ folder }) }
}

async function timesOf(catalogue: OpenCatalogue, query: Partial<Parameters<OpenCatalogue['newest']>[0]> = {}): Promise<number[]> {
  return (await catalogue.newest({ limit: 100, ...query })).map(({ row }) => row.createdAt)
}

describe('what it answers', () => {
  test('an empty catalogue knows nothing', async () => {
    const { catalogue } = await fresh()
    expect(await catalogue.names()).toEqual(new Set())
    expect(await catalogue.stale()).toEqual([])
    expect(await catalogue.newest({ limit: 25 })).toEqual([])
    expect(await catalogue.sessions({ limit: 25 })).toEqual([])
    expect(await catalogue.endingIn('abcdef', { limit: 2 })).toEqual([])
  })

  test('rows and summaries come back as they were given', async () => {
    const { catalogue } = await fresh()
    const session = catalogued('one', [5, 3], { cwd: '/project', label: 'a "label" with \u{1f600}' })
    await catalogue.changed(session)
    expect(await catalogue.newest({ limit: 25 })).toEqual(session.rows.map((row) => ({ name: session.name, row })))
    expect(await catalogue.sessions({ limit: 25 })).toEqual([{ name: session.name, summary: session.summary }])
    expect(await catalogue.names()).toEqual(new Set([session.name]))
  })

  test('checkpoints of all sessions come newest first, those of one moment by id, and pages follow on each other', async () => {
    const { catalogue } = await fresh()
    await catalogue.changed(catalogued('one', [1, 4, 7]))
    await catalogue.changed(catalogued('two', [2, 4, 8]))
    await catalogue.changed(catalogued('three', [4]))
    const all = await catalogue.newest({ limit: 100 })
    expect(all.map(({ row }) => row.createdAt)).toEqual([8, 7, 4, 4, 4, 2, 1])
    const middle = ['one', 'two', 'three'].map((key) => idAt(key, 4))
    expect(all.slice(2, 5).map(({ row }) => row.id)).toEqual(middle.sort().reverse())
    const paged: string[] = []
    for (let page = await catalogue.newest({ limit: 2 }); page.length > 0; ) {
      paged.push(...page.map(({ row }) => row.id))
      const last = page.at(-1)?.row
      page = last === undefined ? [] : await catalogue.newest({ limit: 2, cursor: { createdAt: last.createdAt, id: last.id } })
    }
    expect(paged).toEqual(all.map(({ row }) => row.id))
  })

  test('agent, project folder and times narrow the list, and both times are exclusive', async () => {
    const { catalogue } = await fresh()
    await catalogue.changed(catalogued('one', [1, 4], { cwd: '/a' }))
    await catalogue.changed(catalogued('two', [2, 5], { cwd: '/b' }))
    await catalogue.changed(catalogued('three', [3, 6], { cwd: '/a', agent: 'codex' }))
    expect(await timesOf(catalogue, { agent: 'pi' })).toEqual([5, 4, 2, 1])
    expect(await timesOf(catalogue, { cwd: '/a' })).toEqual([6, 4, 3, 1])
    expect(await timesOf(catalogue, { cwd: '/a', agent: 'codex' })).toEqual([6, 3])
    expect(await timesOf(catalogue, { cwd: '/none' })).toEqual([])
    expect(await timesOf(catalogue, { after: 2, before: 5 })).toEqual([4, 3])
    expect(await timesOf(catalogue, { agent: 'pi', cursor: { createdAt: 4, id: idAt('one', 4) } })).toEqual([2, 1])
  })

  test('sessions come by their newest checkpoint in pages, and those without any are left out', async () => {
    const { catalogue } = await fresh()
    const sessions = [catalogued('one', [1, 9]), catalogued('two', [5]), catalogued('three', [5], { agent: 'codex', cwd: '/a' })]
    for (const session of [...sessions, catalogued('emptied', [], { commitCount: 3 })]) await catalogue.changed(session)
    const [one, two, three] = sessions.map(({ name }) => name)
    const tied = [two, three].toSorted().toReversed()
    const all = await catalogue.sessions({ limit: 10 })
    expect(all.map(({ name }) => name)).toEqual([one, ...tied])
    expect((await catalogue.sessions({ limit: 10, agent: 'codex' })).map(({ name }) => name)).toEqual([three])
    expect((await catalogue.sessions({ limit: 10, cwd: '/a' })).map(({ name }) => name)).toEqual([three])
    const cursor = { newestAt: 5, name: String(tied[0]) }
    expect((await catalogue.sessions({ limit: 10, cursor })).map(({ name }) => name)).toEqual(tied.slice(1))
    expect((await catalogue.names()).size).toBe(4)
  })

  test('the end of an id finds its checkpoint, and no more than were asked for', async () => {
    const { catalogue } = await fresh()
    await catalogue.changed(catalogued('one', [1, 2]))
    await catalogue.changed(catalogued('two', [3]))
    const { name } = catalogued('one', [])
    const both = [1, 2].map((time) => ({ name, id: idAt('one', time) }))
    expect(await catalogue.endingIn(idAt('one', 2).slice(-14), { limit: 10 })).toEqual(both.slice(1))
    expect(await catalogue.endingIn(idAt('one', 1).slice(-12), { limit: 10 })).toEqual(both)
    expect(await catalogue.endingIn(idAt('one', 1).slice(-12), { limit: 1 })).toHaveLength(1)
    expect(await catalogue.endingIn(idAt('two', 3), { limit: 10 })).toHaveLength(1)
    expect(await catalogue.endingIn('%', { limit: 10 })).toEqual([])
  })

  test('of 10,000 sessions the newest 25 checkpoints and a short id are found', async () => {
    const { folder, catalogue } = await fresh()
    for (let number = 0; number < 10_000; number += 1) {
      await catalogue.changed(catalogued(`session ${number}`, [number * 7, number * 7 + 70_000, number * 7 + 140_001]))
    }
    catalogue.close()
    const again = await open({ folder })
    expect(await timesOf(again, { limit: 25 })).toEqual(Array.from({ length: 25 }, (_, index) => (9_999 - index) * 7 + 140_001))
    expect(await again.endingIn(idAt('session 42', 294).slice(-16), { limit: 2 })).toMatchObject([{ id: idAt('session 42', 294) }])
    expect(await again.sessions({ limit: 1 })).toMatchObject([{ summary: { sessionKey: 'session 9999' } }])
    expect((await again.names()).size).toBe(10_000)
  }, 120_000)
})

describe('changes', () => {
  test('what a ledger says replaces what it said before', async () => {
    const { catalogue } = await fresh()
    await catalogue.changed(catalogued('one', [1, 2, 3]))
    const later = { ...catalogued('one', [2, 3, 4], { label: 'new' }), commitCount: 7 }
    await catalogue.changed(later)
    expect((await catalogue.newest({ limit: 9 })).map(({ row }) => row)).toEqual(later.rows)
    expect(await catalogue.endingIn(idAt('one', 1), { limit: 9 })).toEqual([])
    expect(await catalogue.sessions({ limit: 9 })).toMatchObject([{ summary: { oldestAt: 2, newestAt: 4 } }])
  })

  test('a smaller commit count changes nothing and leaves the mark', async () => {
    const { catalogue } = await fresh()
    const session = catalogued('one', [1, 2, 3])
    await catalogue.changed(session)
    await catalogue.changing(session.name)
    await catalogue.changed(catalogued('one', [1, 2]))
    expect(await timesOf(catalogue)).toEqual([3, 2, 1])
    expect(await catalogue.stale()).toEqual([session.name])
    await catalogue.changed(session)
    expect(await catalogue.stale()).toEqual([])
  })

  test('a session is stale from the announcement of a change to its report', async () => {
    const { catalogue } = await fresh()
    const sessions = [catalogued('one', [1]), catalogued('two', [2])]
    for (const session of sessions) {
      await catalogue.changed(session)
      await catalogue.changing(session.name)
      await catalogue.changing(session.name)
    }
    expect(await catalogue.stale()).toEqual(sessions.map(({ name }) => name).sort())
    for (const session of sessions) await catalogue.changed(session)
    expect(await catalogue.stale()).toEqual([])
  })

  test('the mark of a writer that crashed is there for the next process, which settles it once it is a minute old', async () => {
    const { folder, catalogue: crashed } = await fresh()
    const session = catalogued('one', [1])
    await crashed.changed(session)
    await crashed.changing(session.name)
    crashed.close()
    let now = Date.now()
    const reader = await open({ folder, now: () => now })
    expect(await reader.stale()).toEqual([session.name])
    await reader.changed(session)
    expect(await reader.stale()).toEqual([session.name])
    now += 61_000
    await reader.changed(session)
    expect(await reader.stale()).toEqual([])
  })

  test('a reader that settles a session does not take the mark of a writer at work', async () => {
    const { folder, catalogue: writer } = await fresh()
    const reader = await open({ folder })
    const session = catalogued('one', [1])
    await writer.changed(session)
    await writer.changing(session.name)
    await reader.changed(session)
    expect(await reader.stale()).toEqual([session.name])
    await writer.changed({ ...session, commitCount: 2 })
    expect(await reader.stale()).toEqual([])
  })

  test('two processes write one catalogue at the same time and lose nothing', async () => {
    const { folder, catalogue } = await fresh()
    const script = fileURLToPath(new URL('support/write-sessions.ts', import.meta.url))
    const write = (prefix: string) => run(process.execPath, ['--conditions=@palimpsest/source', script, folder, prefix, '100'])
    await Promise.all([write('a'), write('b')])
    expect((await catalogue.names()).size).toBe(201)
    expect(await catalogue.stale()).toEqual([])
    const shared = catalogued('shared', []).name
    const rows = (await catalogue.newest({ limit: 1000 })).filter(({ name }) => name === shared)
    expect(rows.map(({ row }) => row.createdAt)).toEqual(Array.from({ length: 100 }, (_, index) => 100 - index))
  })
})

describe('how far it has come', () => {
  const unread = [catalogued('damaged', []).name]

  test('nothing was read at first; what was is kept for the next process', async () => {
    const { folder, catalogue } = await fresh()
    expect(await catalogue.progress()).toEqual({ token: undefined, unread: [] })
    await catalogue.caughtUp(undefined, { token: '1', unread })
    catalogue.close()
    expect(await (await open({ folder })).progress()).toEqual({ token: '1', unread })
  })

  test('who began where another one has gone on from meanwhile changes nothing', async () => {
    const { catalogue } = await fresh()
    await catalogue.caughtUp(undefined, { token: '2', unread: [] })
    await catalogue.caughtUp(undefined, { token: '1', unread })
    await catalogue.caughtUp('1', { token: '1', unread })
    expect(await catalogue.progress()).toEqual({ token: '2', unread: [] })
    await catalogue.caughtUp('2', { token: '3', unread })
    expect(await catalogue.progress()).toEqual({ token: '3', unread })
  })

  test('of another store in the same place, and in a file that was begun again, nothing was read', async () => {
    const folder = await temporaryFolder()
    const before = await open({ folder, storeIdentity: () => 'first' })
    await before.caughtUp(undefined, { token: '1', unread })
    before.close()
    const after = await open({ folder, storeIdentity: () => 'second' })
    expect(await after.progress()).toEqual({ token: undefined, unread: [] })
    await after.caughtUp(undefined, { token: '1', unread })
    await rm(join(folder, 'catalogue.sqlite'))
    expect(await after.progress()).toEqual({ token: undefined, unread: [] })
  })
})

describe('the file', () => {
  test('nobody else can read the folder, the file or what lies beside it', async () => {
    const { folder, file, catalogue } = await fresh()
    await catalogue.changed(catalogued('one', [1]))
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const suffix of ['', '-wal', '-shm']) expect((await stat(`${file}${suffix}`)).mode & 0o777).toBe(0o600)
  })

  test('it is not made before the first operation', async () => {
    const { file, catalogue } = await fresh()
    expect(existsSync(file)).toBe(false)
    await catalogue.names()
    expect(existsSync(file)).toBe(true)
  })

  test.each([
    ['is no database', (file: string) => writeFile(file, 'This is not a database. '.repeat(300))],
    ['was cut off', (file: string) => truncate(file, 5000)],
    ['is empty', (file: string) => truncate(file, 0)],
    ['has bytes overwritten', (file: string) => overwritten(file)],
    ['is of a newer version', (file: string) => altered(file, 'PRAGMA user_version = 99')],
    ['is of no version', (file: string) => altered(file, 'PRAGMA user_version = 0')],
    ['lacks a table', (file: string) => altered(file, 'DROP TABLE checkpoint')],
    ['holds rows that are no JSON', (file: string) => altered(file, "UPDATE checkpoint SET row = '{'")],
  ])('a file that %s is discarded and begun again', async (_case, damage) => {
    const { folder, file, catalogue } = await fresh()
    for (let number = 0; number < 50; number += 1) await catalogue.changed(catalogued(`session ${number}`, [number]))
    catalogue.close()
    await damage(file)
    const again = await open({ folder })
    expect(await again.newest({ limit: 100 })).toEqual([])
    expect(await again.names()).toEqual(new Set())
    await again.changed(catalogued('one', [1]))
    expect(await timesOf(again)).toEqual([1])
  })

  test('a link in its place goes, and the database that it leads to is left as it was', async () => {
    const { folder, file, catalogue } = await fresh()
    const kept = catalogued('kept', [1])
    await catalogue.changed(kept)
    catalogue.close()
    await rm(file)
    const outside = join(folder, 'outside.sqlite')
    const database = new DatabaseSync(outside)
    database.exec('CREATE TABLE mine (a); INSERT INTO mine VALUES (1)')
    database.close()
    const before = await readFile(outside)
    await symlink(outside, file)
    const again = await open({ folder })
    await again.changed(kept)
    expect(await timesOf(again)).toEqual([1])
    again.close()
    expect((await readFile(outside)).equals(before)).toBe(true)
    expect((await lstat(file)).isFile()).toBe(true)
  })

  test('a file that was deleted or replaced under an open catalogue is opened anew', async () => {
    const { folder, file, catalogue } = await fresh()
    await catalogue.changed(catalogued('one', [1]))
    for (const suffix of ['-wal', '-shm', '']) await rm(`${file}${suffix}`)
    expect(await catalogue.names()).toEqual(new Set())
    const other = await open({ folder })
    await other.changed(catalogued('two', [2]))
    expect(await timesOf(catalogue)).toEqual([2])
    await rm(folder, { recursive: true })
    expect(await timesOf(catalogue)).toEqual([])
  })

  test('a mark that can not be written takes the whole file away, so that nobody trusts it', async () => {
    const { folder, file, catalogue } = await fresh()
    const session = catalogued('one', [1])
    await catalogue.changed(session)
    const hung = new DatabaseSync(file)
    onTestFinished(() => hung.close())
    hung.exec('BEGIN IMMEDIATE')
    await expect(catalogue.changing(session.name)).rejects.toThrow('locked')
    expect(await timesOf(await open({ folder }))).toEqual([])
  })

  test('what is known of another store in the same place is forgotten', async () => {
    const folder = await temporaryFolder()
    const before = await open({ folder, storeIdentity: () => 'first' })
    await before.changed(catalogued('one', [1, 2]))
    before.close()
    const same = await open({ folder, storeIdentity: () => 'first' })
    expect(await timesOf(same)).toEqual([2, 1])
    same.close()
    const after = await open({ folder, storeIdentity: () => 'second' })
    expect(await after.names()).toEqual(new Set())
    await after.changed(catalogued('one', [3]))
    expect(await timesOf(after)).toEqual([3])
  })

  test.skipIf(process.getuid?.() === 0)('there is no catalogue in a folder that can not be written', async () => {
    const parent = await temporaryFolder()
    await chmod(parent, 0o500)
    expect(await openCatalogue({ folder: join(parent, 'cache') })).toBeUndefined()
  })

  test('there is no catalogue where the folder can not be made', async () => {
    const parent = await temporaryFolder()
    await writeFile(join(parent, 'cache'), '')
    expect(await openCatalogue({ folder: join(parent, 'cache', 'digest') })).toBeUndefined()
  })

  test('where the file can not be used it answers from memory, each time from nothing', async () => {
    const { file, catalogue } = await fresh()
    await mkdir(file)
    const session = catalogued('one', [1, 2])
    for (let list = 0; list < 2; list += 1) {
      expect(await catalogue.progress()).toEqual({ token: undefined, unread: [] })
      expect(await catalogue.names()).toEqual(new Set())
      expect(await catalogue.stale()).toEqual([])
      await catalogue.changed(session)
      expect(await timesOf(catalogue)).toEqual([2, 1])
      await catalogue.caughtUp(undefined, { token: 'later', unread: [] })
    }
    await expect(catalogue.changing(session.name)).rejects.toThrow()
    await rm(file, { recursive: true })
    expect(await catalogue.progress()).toEqual({ token: undefined, unread: [] })
    expect(await timesOf(catalogue)).toEqual([])
  })

  test('after it is closed everything is refused, and nothing is deleted', async () => {
    const { folder, catalogue } = await fresh()
    const session = catalogued('one', [1])
    await catalogue.changed(session)
    catalogue.close()
    catalogue.close()
    await expect(catalogue.names()).rejects.toThrow('closed')
    await expect(catalogue.changing(session.name)).rejects.toThrow('closed')
    expect(await timesOf(await open({ folder }))).toEqual([1])
  })

  test('an aborted signal stops a query with its own reason', async () => {
    const { catalogue } = await fresh()
    const reason = new Error('enough')
    await expect(catalogue.newest({ limit: 5, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

async function overwritten(file: string): Promise<void> {
  const bytes = await readFile(file)
  await writeFile(file, bytes.fill(0xa5, 100))
}

async function altered(file: string, sql: string): Promise<void> {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}
