import { chmod, copyFile, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Checkpoints } from '@palimpsest/core'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { removeFolders } from '../service/support/folders.ts'
import { openFsStore } from '../service/support/stores.ts'
import { of, openWorkshop } from '../service/support/workshop.ts'

// What may lie where the index belongs, and what becomes of it. How the program says so is in apps/cli/test.

afterAll(removeFolders)

const sqlite = () => process.getBuiltinModule('node:sqlite')

/** A session that is kept and indexed, and the means to open the index anew, as the next process would. */
async function indexed() {
  const workshop = await openWorkshop(openFsStore)
  const folder = join(workshop.folder, 'cache', 'store')
  const open = () => workshop.service({ searchIndex: createSqliteSearchIndex({ folder, sqlite, busyMs: 100 }) })
  const file = await workshop.pi()
  await file.turn('please look at the flux capacitor')
  const index = createSqliteSearchIndex({ folder, sqlite })
  const service = workshop.service({ searchIndex: index })
  await service.capture({ ...of(file), reason: 'manual' })
  await service.index()
  index.close()
  return { workshop, session: file, folder, file: join(folder, 'search-3.sqlite'), open }
}

const found = async (service: Checkpoints) => (await service.search({ query: 'flux capacitor role:user' })).hits.length

/** Changes the file of an index as no program of ours does. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

describe('what is no file where the index belongs', () => {
  test.each(['', '-wal'])(
    'a folder in the place of search-3.sqlite%s is refused, by a rebuild too, and nothing in it is deleted',
    async (suffix) => {
      const { file, open } = await indexed()
      await rm(`${file}${suffix}`, { force: true })
      await mkdir(`${file}${suffix}`)
      await writeFile(join(`${file}${suffix}`, 'mine'), 'precious')
      const refused = {
        code: 'STORAGE_REFUSED',
        message: expect.stringMatching(/is a folder.*Move it away, then: palimpsest index --rebuild$/),
      }
      await expect(open().index()).rejects.toMatchObject(refused)
      await expect(open().index({ rebuild: true })).rejects.toMatchObject(refused)
      await expect(open().search({ query: 'flux' })).rejects.toMatchObject(refused)
      expect(await readFile(join(`${file}${suffix}`, 'mine'), 'utf8')).toBe('precious')
      await rm(`${file}${suffix}`, { recursive: true })
      expect(await found(open())).toBe(1)
    },
  )

  test.each(['a database of somebody else', 'nothing', 'a folder'])('a link to %s is neither followed nor deleted', async (what) => {
    const { workshop, file, open } = await indexed()
    const target = join(workshop.folder, 'outside')
    if (what === 'a folder') await mkdir(target)
    if (what === 'a database of somebody else') tamper(target, 'CREATE TABLE mine (a); INSERT INTO mine VALUES (1)')
    const before = what === 'a database of somebody else' ? await readFile(target) : undefined
    await rm(file)
    await symlink(target, file)
    const refused = { code: 'STORAGE_REFUSED', message: expect.stringContaining('is a link to somewhere else') }
    await expect(open().search({ query: 'flux' })).rejects.toMatchObject(refused)
    await expect(open().index({ rebuild: true })).rejects.toMatchObject(refused)
    expect(await readlink(file)).toBe(target)
    if (before !== undefined) expect((await readFile(target)).equals(before)).toBe(true)
    expect(await readdir(workshop.folder)).toEqual(what === 'nothing' ? ['cache', 'pi-agent'] : ['cache', 'outside', 'pi-agent'])
  })

  test.each(['the folder', 'the folder above'])('a file in the place of %s is refused, and stays', async (which) => {
    const { folder, open } = await indexed()
    const place = which === 'the folder' ? folder : dirname(folder)
    await rm(place, { recursive: true })
    await writeFile(place, 'mine')
    const refused = { code: 'STORAGE_REFUSED', message: expect.stringContaining('a file is in the place of this folder') }
    await expect(open().search({ query: 'flux' })).rejects.toMatchObject(refused)
    await expect(open().index({ rebuild: true })).rejects.toMatchObject(refused)
    expect(await readFile(place, 'utf8')).toBe('mine')
    await rm(place)
    expect(await found(open())).toBe(1)
  })
})

describe('damage that shows only when something is asked', () => {
  test.each([
    ['a table that is gone', 'DROP TABLE words'],
    ['sessions that wait and are none', `UPDATE progress SET waiting = '{{'`],
    ['no progress', 'DELETE FROM progress'],
  ])('%s: the index is made anew within the same search, and that finds everything', async (_name, sql) => {
    const { file, open } = await indexed()
    tamper(file, sql)
    expect(await open().search({ query: 'flux capacitor role:user' })).toMatchObject({ hits: [{}], waiting: 0, problems: [] })
  })

  test('pages that hold something else: the same', async () => {
    const { file, open } = await indexed()
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill('?', 12_288))
    expect(await open().search({ query: 'flux capacitor role:user' })).toMatchObject({ hits: [{}], waiting: 0, problems: [] })
  })

  test('of a search that is not to index anything it is an error, not an empty answer; the next one has it all', async () => {
    const { file, open } = await indexed()
    tamper(file, 'DROP TABLE words')
    const damaged = { code: 'STORAGE_UNAVAILABLE', retryable: true, message: expect.stringContaining('run this again') }
    await expect(open().search({ query: 'flux', updateMs: 0 })).rejects.toMatchObject(damaged)
    expect(await found(open())).toBe(1)
  })

  test('while sessions are indexed: those that were indexed before are indexed again', async () => {
    const { workshop, session, folder } = await indexed()
    const index = createSqliteSearchIndex({ folder, sqlite })
    const later = await workshop.pi('later')
    await later.turn('another flux capacitor')
    const service = workshop.service({
      searchIndex: {
        ...index,
        async add(batch) {
          if (batch.session.sessionKey === 'later' && !isTampered) {
            isTampered = true
            tamper(join(folder, 'search-3.sqlite'), 'DROP TABLE run')
          }
          return index.add(batch)
        },
      },
    })
    let isTampered = false
    await session.turn('a third flux capacitor')
    for (const file of [session, later]) await service.capture({ ...of(file), reason: 'manual' })
    const { hits, problems, waiting } = await service.search({ query: 'flux capacitor role:user' })
    expect({ isTampered, count: hits.length, problems, waiting }).toEqual({ isTampered: true, count: 3, problems: [], waiting: 0 })
    index.close()
  })
})

test('an index whose log is gone goes on from what is in its file', async () => {
  const { workshop, session, file, open, folder } = await indexed()
  const index = createSqliteSearchIndex({ folder, sqlite })
  const service = workshop.service({ searchIndex: index })
  await session.turn('a pangolin that stands in the log alone')
  await service.capture({ ...of(session), reason: 'manual' })
  await service.index()
  await copyFile(file, `${file}.copy`)
  index.close()
  await copyFile(`${file}.copy`, file)
  expect((await open().search({ query: 'pangolin role:user' })).hits).toHaveLength(1)
  expect(await found(open())).toBe(1)
})

test.skipIf(process.getuid?.() === 0)('an index in a folder that can only be read is searched as it is', async () => {
  const { folder, open } = await indexed()
  await chmod(folder, 0o500)
  expect(await found(open())).toBe(1)
  await chmod(folder, 0o700)
})
