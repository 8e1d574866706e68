import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { runCommand } from '../src/command.ts'
import { storageCases, testStorage, unmetNeeds } from '../src/index.ts'
import { createReferenceStorage, Disk } from './reference-storage.ts'

const folder = await mkdtemp(join(tmpdir(), 'palimpsest-kit-'))
afterAll(() => rm(folder, { recursive: true }))

test('every case has an id of its own that begins with its group', () => {
  expect(new Set(storageCases.map(({ id }) => id)).size).toBe(storageCases.length)
  for (const { id, group } of storageCases) expect(id.startsWith(`${group}/`)).toBe(true)
  expect(storageCases.length).toBeGreaterThanOrEqual(60)
})

test('a case is skipped for the traits it needs, and says which', () => {
  const traits = { durable: false, sharedBy: 'process', maxObjectBytes: 100 } as const
  expect(unmetNeeds({}, traits)).toEqual([])
  expect(unmetNeeds({ durable: true, minObjectBytes: 200 }, traits)).toEqual([
    'durable is false',
    'maxObjectBytes is 100, the case needs at least 200',
  ])
  expect(unmetNeeds({ tellsChanges: true }, traits)).toEqual(['tellsChanges is not true'])
  expect(unmetNeeds({ tellsChanges: true }, { ...traits, tellsChanges: true })).toEqual([])
  expect(unmetNeeds({ maxObjectBytes: 50 }, traits)).toEqual(['maxObjectBytes is 100, the case needs at most 50'])
})

test('any test function will do: a skipped case tells the runner why', async () => {
  const disk = new Disk()
  const open = () => ({
    ...createReferenceStorage(disk),
    traits: { durable: false, sharedBy: 'process', maxObjectBytes: 2 ** 40, tellsChanges: true } as const,
  })
  const registered: [string, (runner?: { skip(reason?: string): void }) => Promise<void>][] = []
  testStorage({ test: (name, run) => registered.push([name, run]), open })
  expect(registered.length).toBe(storageCases.length)
  const reasons: (string | undefined)[] = []
  for (const [name, run] of registered) if (/reopened|too-large/.test(name)) await run({ skip: (reason) => reasons.push(reason) })
  expect(reasons).toContain('durable is false')
  expect(reasons.some((reason) => reason?.includes('at most 1073741824'))).toBe(true)
})

describe('the command', () => {
  const command = new URL('../src/command.ts', import.meta.url).href
  const reference = new URL('./reference-storage.ts', import.meta.url).href
  const run = async (...argv: readonly string[]) => {
    const script = `import { runCommand } from ${JSON.stringify(command)}; process.exitCode = await runCommand(process.argv.slice(1))`
    const options = ['--conditions=@palimpsest/source', '--input-type=module', '--eval', script, '--', ...argv]
    try {
      return { status: 0, ...(await promisify(execFile)(process.execPath, options)) }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { status: code, stdout, stderr }
    }
  }
  const moduleFor = async (name: string, source: string) => {
    const path = join(folder, name)
    await writeFile(path, `import { createReferenceStorage, Disk } from ${JSON.stringify(reference)}\nconst disk = new Disk()\n${source}\n`)
    return path
  }

  test('exits 0 for a sound adapter, and writes the report', async () => {
    const path = await moduleFor('sound.mjs', 'export const open = () => createReferenceStorage(disk)')
    const { status, stdout } = await run(path, '--json', join(folder, 'report.json'))
    expect(stdout).toContain(`${storageCases.length} passed, 0 failed, 0 skipped`)
    expect(status).toBe(0)
    const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))
    expect(report).toMatchObject({ format: 1, failed: 0, passed: storageCases.length, traits: { sharedBy: 'process' } })
    expect(report.cases.map((each: { id: string }) => each.id)).toEqual(storageCases.map(({ id }) => id))
  })

  test('exits 1 for a broken one, names the case, and cleans up', async () => {
    const done = join(folder, 'done')
    const path = await moduleFor(
      'broken.mjs',
      `import { writeFileSync } from 'node:fs'
       export const open = () => createReferenceStorage(disk, 'empty-is-absent')
       export const cleanUp = () => writeFileSync(${JSON.stringify(done)}, 'x')`,
    )
    const { status, stdout } = await run(path)
    expect(stdout).toContain('FAIL  objects/empty: an empty object is stored, and is not a missing one')
    expect(status).toBe(1)
    expect(await readFile(done, 'utf8')).toBe('x')
  })

  test('says in sight what it skipped and why', async () => {
    const path = await moduleFor(
      'fleeting.mjs',
      "export const open = () => ({ ...createReferenceStorage(disk), traits: { durable: false, sharedBy: 'process', maxObjectBytes: 2 ** 26, tellsChanges: true } })",
    )
    const { status, stdout } = await run(path)
    expect(stdout).toContain('skip  lifecycle/reopened: durable is false')
    expect(stdout).toContain('1 skipped')
    expect(status).toBe(0)
  })

  test('exits 2 when there is nothing to run', async () => {
    const printed: string[] = []
    const runHere = (...argv: readonly string[]) => runCommand(argv, (text) => printed.push(text))
    expect(await runHere()).toBe(2)
    expect(await runHere('one.mjs', 'two.mjs')).toBe(2)
    expect(await runHere('one.mjs', '--what')).toBe(2)
    expect(await runHere(join(folder, 'absent.mjs'))).toBe(2)
    expect(printed.join('')).toContain('Name one module.')
    expect(await runHere(await moduleFor('empty.mjs', 'export const close = 1'))).toBe(2)
    expect(printed.at(-1)).toContain('must export a function open()')
  })
})
