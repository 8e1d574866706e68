import { execFile, spawn } from 'node:child_process'
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
// @boundaries-ignore sessions made by hand are written once
import { claudeCodeSession, compactedPiSession, putOpenCodeDatabase } from '../../../packages/host/test/support/sessions.ts'
import { buildHookProgram } from './hook/hook-program.ts'
import { programArgv } from './process.ts'

// What surrounds the program: other users, disks that can't be written, programs that write meanwhile. All of it is real.

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const claudeId = '22222222-2222-4222-8222-222222222222'
const compactedAt = '2026-01-02T03:04:10.000Z'
/** The user `nobody`, who owns nothing here. */
const stranger = { uid: 65_534, gid: 65_534 }

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end, as another user where one is given. */
async function palimpsest(home: string, args: readonly string[], user: { uid?: number; gid?: number } = {}): Promise<Ended> {
  return ended([...programArgv, ...args], home, '', user)
}

async function ended([command = '', ...args]: readonly string[], home: string, input: string, user: object = {}): Promise<Ended> {
  const child = spawn(command, args, { cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '', HOME: home }, ...user })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      texts[name] += piece
    })
  }
  child.stdin.end(input)
  const status = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { status, ...texts }
}

interface Scanned {
  readonly sessions: readonly {
    readonly agent: string
    readonly sessionKey: string
    readonly created: number
    readonly checkpoints: readonly string[]
  }[]
  readonly problems: readonly { readonly path: string; readonly code: string; readonly message: string }[]
}

async function scan(home: string, args: readonly string[], user?: { uid: number; gid: number }): Promise<Scanned> {
  const { status, stdout, stderr } = await palimpsest(home, ['scan', '--json', ...args], user)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return JSON.parse(stdout)
}

async function newFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'palimpsest-around-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function put(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

/** A home with two compacted sessions of pi, one of Claude Code, and a database of OpenCode with two. */
async function fillHome(home: string): Promise<void> {
  for (const name of ['one', 'two']) {
    await put(join(home, `.pi/agent/sessions/--p--/${name}.jsonl`), compactedPiSession(name, compactedAt))
  }
  await put(join(home, '.claude/projects/-p', `${claudeId}.jsonl`), claudeCodeSession(claudeId))
  await putOpenCodeDatabase(join(home, '.local/share/opencode/opencode.db'), ['ses_a', 'ses_b'])
}

test.skipIf(!isRoot)(
  'sessions that belong to another user: what may be read is kept, each that may not is named, and the next scan has it',
  async () => {
    const [home, other] = [await newFolder(), await newFolder()]
    await fillHome(other)
    for (const folder of [home, other]) await chmod(folder, 0o755)
    await chown(home, stranger.uid, stranger.gid)
    const secret = join(other, '.pi/agent/sessions/--p--/two.jsonl')
    const database = join(other, '.local/share/opencode/opencode.db')
    const folder = join(other, '.claude/projects/-p')
    for (const path of [secret, database]) await chmod(path, 0o600)
    await chmod(folder, 0o700)
    const first = await scan(home, ['--root', other], stranger)
    expect(first.sessions).toMatchObject([{ agent: 'pi', sessionKey: 'one', created: 1 }])
    expect(first.problems.map(({ path, code }) => [path, code])).toEqual([
      [secret, 'TRANSCRIPT_UNREADABLE'],
      [folder, 'TRANSCRIPT_UNREADABLE'],
      [database, 'TRANSCRIPT_UNREADABLE'],
    ])
    for (const { message } of first.problems) expect(message).toMatch(/permission|EACCES/i)
    for (const path of [secret, database, folder]) await chmod(path, 0o755)
    const second = await scan(home, ['--root', other], stranger)
    expect(second.problems).toEqual([])
    expect(second.sessions.map(({ sessionKey, created }) => [sessionKey, created])).toEqual([
      ['one', 0],
      ['two', 1],
      [claudeId, 0],
      ['ses_a', 0],
      ['ses_b', 0],
    ])
  },
)

describe.skipIf(!isRoot || process.platform !== 'linux')('a home on a disk that can only be read', () => {
  /** A file system in memory with a home in it, mounted again for reading alone; `undefined` where this process may not mount. */
  async function readOnlyHome(prepare: (home: string) => Promise<void>): Promise<string | undefined> {
    const home = await newFolder()
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'palimpsest-test', home])
    } catch {
      return undefined
    }
    onTestFinished(() => run('umount', ['-l', home]).then(() => undefined))
    await prepare(home)
    await run('mount', ['-o', 'remount,ro', home])
    await expect(writeFile(join(home, 'x'), '')).rejects.toMatchObject({ code: 'EROFS' })
    return home
  }

  test('is scanned into a store elsewhere, databases whose log was never written back too, twice with the same result', async ({
    skip,
  }) => {
    const home = await readOnlyHome(async (folder) => {
      await fillHome(folder)
      await crashedDatabase(join(folder, '.local/share/opencode/opencode-next.db'), 'ses_c')
    })
    if (home === undefined) return skip('this process may not mount a file system')
    const store = join(await newFolder(), 'store')
    const first = await scan(home, ['--store', store])
    expect(first.problems).toEqual([])
    expect(first.sessions.map(({ sessionKey }) => sessionKey).sort()).toEqual([claudeId, 'one', 'ses_a', 'ses_b', 'ses_c', 'two'].sort())
    const second = await scan(home, ['--store', store])
    expect(second.sessions.map(({ created }) => created)).toEqual([0, 0, 0, 0, 0, 0])
    expect(second.sessions.map(({ checkpoints }) => checkpoints)).toEqual(first.sessions.map(({ checkpoints }) => checkpoints))
    const refused = await palimpsest(home, ['branch', 'latest', '--store', store, '--json'])
    expect(refused.status).toBe(6)
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'TARGET_REFUSED', message: expect.stringContaining('read-only') } })
    const elsewhere = join(dirname(store), 'branches')
    const branched = await palimpsest(home, ['branch', 'latest', '--store', store, '--to', elsewhere, '--json'])
    expect(branched.status).toBe(0)
    expect(await readdir(elsewhere)).toHaveLength(1)
  })

  test('can’t have the store, hooks or settings: each says so, and nothing is half-done', async ({ skip }) => {
    const home = await readOnlyHome(fillHome)
    if (home === undefined) return skip('this process may not mount a file system')
    const scanned = await palimpsest(home, ['scan', '--json'])
    expect(scanned.status).toBe(7)
    expect(JSON.parse(scanned.stdout)).toMatchObject({ error: { code: 'STORAGE_REFUSED', message: expect.stringContaining('read-only') } })
    const store = join(await newFolder(), 'store')
    const installed = await palimpsest(home, ['install', 'claude-code', '--yes', '--store', store, '--json'])
    expect(installed.status).toBe(6)
    expect(JSON.parse(installed.stdout)).toMatchObject({ error: { code: 'TARGET_REFUSED' } })
    const event = JSON.stringify({
      session_id: claudeId,
      transcript_path: join(home, '.claude/projects/-p', `${claudeId}.jsonl`),
      trigger: 'auto',
    })
    await using program = await buildHookProgram()
    // Its log can't be written either; the store elsewhere can.
    for (const words of [[], ['--store', store]]) {
      const hooked = await ended([process.execPath, program.entry, 'claude-code', 'PreCompact', ...words], home, event)
      expect(hooked).toEqual({ status: 0, stdout: '', stderr: '' })
    }
    const kept = await palimpsest(home, ['list', '--store', store, '--json'])
    expect(JSON.parse(kept.stdout)).toMatchObject({ checkpoints: [{ sessionKey: claudeId, status: 'pending' }] })
  })

  /** A database as it is left when its agent dies: with a log that nobody has written back. */
  async function crashedDatabase(path: string, sessionId: string): Promise<void> {
    const live = await putOpenCodeDatabase(join(await newFolder(), 'opencode.db'), [sessionId])
    const database = new DatabaseSync(live)
    database.exec("INSERT INTO message VALUES ('msg_logged', 'ses_c', 3, '{\"role\":\"user\"}')")
    for (const end of ['', '-wal']) await copyFile(`${live}${end}`, `${path}${end}`)
    database.close()
    expect((await stat(`${path}-wal`)).size).toBeGreaterThan(0)
  }
})

/** Writes turns into a database of OpenCode as fast as it can, each a message with its part in one transaction, and says when it has begun. */
const writerProgram = `
const { DatabaseSync } = require('node:sqlite')
const database = new DatabaseSync(process.argv[1])
database.exec('PRAGMA busy_timeout = 5000; PRAGMA wal_autocheckpoint = 50')
const message = database.prepare("INSERT INTO message VALUES (?, 'ses_a', ?, ?)")
const part = database.prepare("INSERT INTO part VALUES (?, ?, 'ses_a', ?)")
for (let turn = 0; ; turn += 1) {
  const id = String(turn).padStart(8, '0')
  database.exec('BEGIN IMMEDIATE')
  message.run('msg_' + id, 10 + turn, JSON.stringify({ role: 'user' }))
  part.run('prt_' + id, 'msg_' + id, JSON.stringify({ type: 'text', text: 'turn ' + turn + ' ' + 'x'.repeat(500) }))
  database.exec('COMMIT')
  if (turn === 20) process.stdout.write('writing')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
}`

test('a database that another process writes all the while is scanned and captured at one moment each, and the writer is not disturbed', async () => {
  const home = await newFolder()
  const database = await putOpenCodeDatabase(join(home, '.local/share/opencode/opencode.db'), ['ses_a'])
  const writer = spawn(process.execPath, ['-e', writerProgram, database])
  let failure = ''
  writer.stderr.setEncoding('utf8').on('data', (piece: string) => {
    failure += piece
  })
  const closed = new Promise<void>((resolve) => writer.on('close', () => resolve()))
  onTestFinished(() => {
    writer.kill('SIGKILL')
  })
  await new Promise((resolve) => writer.stdout.once('data', resolve))
  const sizes: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const { sessions, problems } = await scan(home, [])
    expect([sessions.map(({ sessionKey }) => sessionKey), problems]).toEqual([['ses_a'], []])
    const args = ['capture', '--agent', 'opencode', '--transcript', `${database}#ses_a`, '--reason', 'requested', '--json']
    const captured = await palimpsest(home, args)
    expect({ status: captured.status, stderr: captured.stderr }).toEqual({ status: 0, stderr: '' })
    const { checkpoint } = JSON.parse(captured.stdout)
    const rows = (await palimpsest(home, ['read', checkpoint.id, '--raw'])).stdout.trimEnd().split('\n').slice(1)
    // What one transaction wrote is there whole: every message has its part behind it.
    const kinds = rows.map((row) => String(Object.keys(JSON.parse(row))[0]))
    expect(new Set(kinds.filter((_kind, at) => at % 2 === 0))).toHaveProperty('size', 1)
    expect(kinds.length % 2).toBe(0)
    sizes.push(checkpoint.sizeBytes)
  }
  expect(sizes).toEqual([...new Set(sizes)].sort((one, other) => one - other))
  expect(failure).toBe('')
  expect(writer.exitCode).toBeNull()
  writer.kill('SIGTERM')
  await closed
  const after = new DatabaseSync(database)
  expect(after.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  after.close()
  expect((await readFile(database)).subarray(0, 15).toString()).toBe('SQLite format 3')
}, 60_000)
