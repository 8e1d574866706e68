import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { loadSqlite, withoutSqliteWarning } from '../src/catalogue/sqlite.ts'

const run = promisify(execFile)
const script = (source: string) => ['--conditions=@palimpsest/source', '--input-type=module', '--eval', source]
const sqliteModule = JSON.stringify(new URL('../src/catalogue/sqlite.ts', import.meta.url).href)
const hostModule = JSON.stringify(new URL('../src/index.ts', import.meta.url).href)

test('SQLite is loaded once and works', () => {
  const { DatabaseSync } = loadSqlite()
  expect(loadSqlite().DatabaseSync).toBe(DatabaseSync)
  const database = new DatabaseSync(':memory:')
  expect(database.prepare('SELECT 1 AS one').get()).toMatchObject({ one: 1 })
  database.close()
})

test('of the warnings while it loads only the one about SQLite is left out', () => {
  const seen: unknown[] = []
  const original = process.emitWarning
  onTestFinished(() => {
    process.emitWarning = original
  })
  const listening = (...args: unknown[]) => void seen.push(args)
  process.emitWarning = listening
  const value = withoutSqliteWarning(() => {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
    process.emitWarning('Something else is an experimental feature', 'ExperimentalWarning')
    process.emitWarning('SQLite is old', 'DeprecationWarning')
    return 7
  })
  expect(value).toBe(7)
  expect(process.emitWarning).toBe(listening)
  expect(seen).toEqual([
    ['Something else is an experimental feature', 'ExperimentalWarning'],
    ['SQLite is old', 'DeprecationWarning'],
  ])
  expect(() =>
    withoutSqliteWarning(() => {
      throw new Error('no such module')
    }),
  ).toThrow('no such module')
  expect(process.emitWarning).toBe(listening)
})

test('a program that loads it writes nothing to standard error, and other warnings are still seen', async () => {
  const load = `import { loadSqlite } from ${sqliteModule}; new (loadSqlite().DatabaseSync)(':memory:').close()`
  expect((await run(process.execPath, script(load))).stderr).toBe('')
  const warn = `${load}; process.emitWarning('SQLite is an experimental feature', 'ExperimentalWarning')`
  expect((await run(process.execPath, script(warn))).stderr).toContain('SQLite is an experimental feature')
})

test('the package is loaded without SQLite', async () => {
  const list = `await import(${hostModule}); console.log(process.moduleLoadList.filter((name) => /sqlite/i.test(name)).join())`
  expect((await run(process.execPath, script(list))).stdout.trim()).toBe('')
  const loaded = `const { loadSqlite } = await import(${sqliteModule}); loadSqlite(); console.log(process.moduleLoadList.filter((name) => /sqlite/i.test(name)).join())`
  expect((await run(process.execPath, script(loaded))).stdout).toMatch(/sqlite/)
})
