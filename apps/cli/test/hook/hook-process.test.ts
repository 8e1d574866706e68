import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, copyFile, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { carryOut } from '../../src/hook/carry-out.ts'
import { compactionLines, hookInput, lineOf, sessionId } from './claude-code-lines.ts'
import { buildHookProgram, createHome, type HookHome, type HookProgram } from './hook-program.ts'

const fixtures = join(
  process.env['PALIMPSEST_FIXTURES'] ?? join(import.meta.dirname, '../../../../../shared/fixtures'),
  'claude-code/generated',
)

let program: HookProgram
beforeAll(async () => {
  program = await buildHookProgram()
})
afterAll(() => program[Symbol.asyncDispose]())

interface Session {
  readonly home: HookHome
  readonly path: string
  hook(event: string, more?: object): Promise<string>
}

async function sessionIn(home: HookHome, text: string): Promise<Session> {
  const path = join(home.folder, 'projects', `${sessionId}.jsonl`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return { home, path, hook: (event, more) => home.run(['claude-code', event], hookInput(event, path, more)) }
}

const conversation = lineOf('user', 'count the files') + lineOf('assistant', 'There are 17.')

describe('the hooks of Claude Code', () => {
  test('around a compaction make one checkpoint, which the scan afterwards completes', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)

    expect(await hook('SessionStart', { source: 'startup' })).toBe('')
    expect(await home.checkpoints()).toEqual([])
    expect(await hook('PreCompact', { trigger: 'auto', custom_instructions: null })).toBe('')
    const [pending] = await home.checkpoints()
    expect(pending).toMatchObject({ status: 'pending', reason: 'auto-threshold', origin: 'capture', sizeBytes: conversation.length })

    // Lines that are no boundary come between, as they do in the real client.
    await appendFile(path, `${JSON.stringify({ type: 'mode', mode: 'default', sessionId })}\n`)
    const said = await hook('SessionStart', { source: 'compact', model: 'claude-opus-5-5' })
    expect(said).toContain(pending?.id)
    expect(said).toContain('get_checkpoint')
    expect(said.length).toBeLessThan(480)

    const raw = '<analysis>\nHm.\n</analysis>\n\n<summary>\n1. Files were counted.\n</summary>'
    expect(await hook('PostCompact', { trigger: 'auto', compact_summary: raw })).toBe('')
    expect(await home.checkpoints()).toMatchObject([{ id: pending?.id, status: 'complete', summary: '1. Files were counted.' }])

    const before = await readFile(path, 'utf8')
    await appendFile(path, compactionLines({ trigger: 'auto', summary: 'This session is being continued.' }) + lineOf('user', 'go on'))
    const host = await home.host()
    const scanned = await host.checkpoints.import({ agent: 'claude-code', transcript: host.files.origin(path) })
    await host.close()
    expect(scanned).toMatchObject({ created: 0, completed: 1, checkpointIds: [pending?.id] })
    expect(await home.checkpoints()).toMatchObject([
      { id: pending?.id, status: 'complete', tokensBefore: 161_000, summary: 'This session is being continued.', sizeBytes: before.length },
    ])
    expect(await home.log()).toEqual([])
  })

  test('settle a compaction at the start of the next session, and keep the end of a session', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await hook('PreCompact', { trigger: 'manual' })
    await appendFile(path, compactionLines({ trigger: 'manual', summary: 'Counted.' }) + lineOf('user', 'go on'))
    expect(await hook('SessionStart', { source: 'resume' })).toBe('')
    expect(await home.checkpoints()).toMatchObject([{ status: 'complete', reason: 'manual', summary: 'Counted.' }])
    await hook('SessionEnd', { reason: 'other' })
    await hook('SessionEnd', { reason: 'other' })
    expect(await home.checkpoints()).toMatchObject([{ reason: 'session-end', status: 'snapshot' }, { reason: 'manual' }])
    expect(await home.log()).toEqual([])
  })

  test('a compaction that the client writes down a moment late is settled by the hook that runs meanwhile', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await hook('PreCompact', { trigger: 'auto' })
    const host = await home.host()
    const request = { kind: 'settle', transcript: path, always: true, lateMs: 20_000 } as const
    const settling = carryOut(request, { host, agent: 'claude-code', currentFolder: '/', signal: new AbortController().signal })
    await delay(200)
    await appendFile(path, compactionLines({ trigger: 'auto', summary: 'Late.' }))
    await settling
    await host.close()
    expect(await home.checkpoints()).toMatchObject([{ status: 'complete', reason: 'auto-threshold', summary: 'Late.' }])
  })

  test('after a compaction make up for the hook before it, when that one failed', async () => {
    await using home = await createHome(program)
    const { hook } = await sessionIn(home, conversation)
    const said = await hook('SessionStart', { source: 'compact' })
    await hook('PostCompact', { trigger: 'auto', compact_summary: 'Counted.' })
    const checkpoints = await home.checkpoints()
    expect(checkpoints).toMatchObject([{ status: 'complete', summary: 'Counted.', sizeBytes: conversation.length }])
    expect(said).toContain(checkpoints[0]?.id)
  })

  test('do not take the checkpoint of the compaction before for that of this one', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await hook('PreCompact', { trigger: 'auto' })
    await appendFile(path, compactionLines({ trigger: 'auto', summary: 'First.' }) + lineOf('user', 'go on') + lineOf('assistant', 'Done.'))
    await hook('PreCompact', { trigger: 'auto' })
    const size = (await stat(path)).size
    const said = await hook('SessionStart', { source: 'compact' })
    await hook('PostCompact', { trigger: 'auto', compact_summary: 'Second.' })
    const checkpoints = await home.checkpoints()
    expect(checkpoints).toMatchObject([
      { summary: 'Second.', sizeBytes: size },
      { summary: 'First.', sizeBytes: conversation.length },
    ])
    expect(said).toContain(checkpoints[0]?.id)
  })

  test('make no second checkpoint where the transcript has the compaction before they run', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await hook('PreCompact', { trigger: 'auto' })
    await appendFile(path, compactionLines({ trigger: 'auto', summary: 'Counted.' }))
    const said = await hook('SessionStart', { source: 'compact' })
    await hook('PreCompact', { trigger: 'auto' })
    await appendFile(path, compactionLines({ trigger: 'auto', summary: 'Counted again.' }))
    await hook('PostCompact', { trigger: 'auto', compact_summary: 'raw' })
    const checkpoints = await home.checkpoints()
    expect(checkpoints).toMatchObject([{ summary: 'Counted again.' }, { summary: 'Counted.', sizeBytes: conversation.length }])
    expect(said).toContain(checkpoints[1]?.id)
  })

  test('of a session that was never written to do nothing, and say nothing', async () => {
    await using home = await createHome(program)
    const path = join(home.folder, `${sessionId}.jsonl`)
    for (const source of ['startup', 'resume', 'clear', 'fork']) {
      expect(await home.run(['claude-code', 'SessionStart'], hookInput('SessionStart', path, { source }))).toBe('')
    }
    expect(await home.run(['claude-code', 'SessionEnd'], hookInput('SessionEnd', path, { reason: 'other' }))).toBe('')
    expect(await home.log()).toEqual([])
    expect(existsSync(home.store)).toBe(false)
  })

  test('write to the store that they are told', async () => {
    await using home = await createHome(program)
    const { path } = await sessionIn(home, conversation)
    await home.run(['hook', 'claude-code', 'PreCompact', '--store', 'elsewhere'], hookInput('PreCompact', path, { trigger: 'manual' }))
    expect(await readdir(join(home.folder, 'elsewhere'))).toContain('refs')
    expect(existsSync(home.store)).toBe(false)
  })
})

describe.skipIf(!existsSync(fixtures))('the recorded hooks of Claude Code', () => {
  test.each(['auto', 'manual'])('of a real %s compaction make one checkpoint together with the scan', async (trigger) => {
    await using home = await createHome(program)
    const folder = join(fixtures, trigger)
    const before = join(folder, 'before.jsonl')
    const after = join(folder, trigger === 'auto' ? 'after.jsonl' : 'after-compact-plus-turn.jsonl')
    const run = async (file: string): Promise<string> => {
      const { stdin, argv } = JSON.parse(await readFile(join(fixtures, 'hooks', file), 'utf8'))
      const path = join(home.folder, stdin.transcript_path.split('/').at(-1))
      return home.run(['claude-code', argv[0]], JSON.stringify({ ...stdin, transcript_path: path }))
    }
    const { stdin } = JSON.parse(await readFile(join(fixtures, 'hooks', `PreCompact-${trigger}.json`), 'utf8'))
    const path = join(home.folder, stdin.transcript_path.split('/').at(-1))
    await copyFile(before, path)
    expect(await run(`PreCompact-${trigger}.json`)).toBe('')
    const [pending] = await home.checkpoints()
    if (trigger === 'manual') expect(await run('SessionStart-compact.json')).toContain(pending?.id)
    expect(await run(`PostCompact-${trigger}.json`)).toBe('')
    expect(await home.checkpoints()).toMatchObject([
      { id: pending?.id, status: 'complete', summary: expect.stringContaining('MOCK-SUMMARY') },
    ])
    await writeFile(path, await readFile(after))
    const host = await home.host()
    await host.checkpoints.import({ agent: 'claude-code', transcript: host.files.origin(path) })
    await host.close()
    expect(await home.checkpoints()).toMatchObject([{ id: pending?.id, boundary: expect.anything(), tokensBefore: expect.any(Number) }])
    if (trigger === 'manual') {
      expect(await run('SessionStart-resume.json')).toBe('')
      expect(await run('SessionEnd-other.json')).toBe('')
      expect(await home.checkpoints()).toMatchObject([{ reason: 'session-end' }, { id: pending?.id }])
    }
    expect(await home.log()).toEqual([])
  })
})

describe('the hooks of pi', () => {
  test('keep the state before a compaction, with what the extension knows, and settle it right after', async () => {
    await using home = await createHome(program)
    const path = join(home.folder, 'session.jsonl')
    const id = '0b0c0d0e-0000-4000-8000-000000000001'
    const lines = [
      { type: 'session', version: 3, id, timestamp: '2026-08-01T10:00:00.000Z', cwd: '/work' },
      { type: 'message', id: 'a1', parentId: null, timestamp: '2026-08-01T10:00:01.000Z', message: { role: 'user', content: 'hello' } },
    ].map((line) => `${JSON.stringify(line)}\n`)
    await writeFile(path, lines.join(''))
    const input = JSON.stringify({ session_file: path, reason: 'overflow', leaf_id: 'a1', tokens_before: 99_000 })
    expect(await home.run(['pi', 'before-compact'], input)).toBe('')
    expect(await home.checkpoints()).toMatchObject([{ status: 'pending', reason: 'overflow-retry', tokensBefore: 99_000 }])
    const compaction = {
      type: 'compaction',
      id: 'c1',
      parentId: 'a1',
      timestamp: '2026-08-01T10:00:02.000Z',
      summary: 'Said hello.',
      firstKeptEntryId: 'a1',
      tokensBefore: 99_000,
    }
    await appendFile(path, `${JSON.stringify(compaction)}\n`)
    expect(await home.run(['pi', 'compact'], input)).toBe('')
    expect(await home.checkpoints()).toMatchObject([{ status: 'complete', reason: 'overflow-retry', summary: 'Said hello.' }])
    expect(await home.log()).toEqual([])
  })
})

describe('a hook that can do nothing exits with 0, says nothing, and writes why into its log', () => {
  test.each([
    ['no words', [], '{}', /AGENT EVENT/],
    ['an unknown agent', ['emacs', 'PreCompact'], '{}', /no hook "emacs PreCompact"/],
    ['an unknown event', ['claude-code', 'PreLunch'], '{}', /no hook "claude-code PreLunch".*claude-code PreCompact/],
    ['an empty input', ['claude-code', 'PreCompact'], '', /nothing on standard input/],
    ['an input that is no JSON', ['claude-code', 'PreCompact'], '{"session_id": ', /not JSON/],
    ['an input that is no object', ['claude-code', 'PreCompact'], '[1]', /no object/],
    ['an input without transcript', ['claude-code', 'PreCompact'], '{"transcript_path": null}', /names no transcript/],
    ['a missing transcript', ['claude-code', 'PreCompact'], hookInput('PreCompact', '/nowhere/x.jsonl'), /nowhere/],
    ['a store that is none', ['claude-code', 'PreCompact', '--store', 'gopher://x'], hookInput('PreCompact', '/nowhere/x.jsonl'), /gopher/],
    ['a --store without value', ['claude-code', 'PreCompact', '--store'], '{}', /--store/],
    ['an input of 17 MiB', ['claude-code', 'PreCompact'], 'x'.repeat(17 << 20), /longer than/],
  ])('%s', async (_what, words, input, message) => {
    await using home = await createHome(program)
    expect(await home.run(words, input)).toBe('')
    expect(await home.log()).toMatchObject([{ message: expect.stringMatching(message) }])
  })

  test('a transcript of another kind, one that is a folder, and one that is empty', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, 'just text\n')
    await hook('PreCompact', { trigger: 'auto' })
    await writeFile(path, '')
    await hook('PreCompact', { trigger: 'auto' })
    expect(await home.run(['claude-code', 'SessionEnd'], hookInput('SessionEnd', home.folder))).toBe('')
    const codes = (await home.log()).map(({ code }) => code)
    expect(codes).toEqual(['TRANSCRIPT_UNRECOGNISED', 'TRANSCRIPT_MALFORMED', 'TRANSCRIPT_UNREADABLE'])
  })

  test('a store that is not a folder, and one with a damaged ledger', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await writeFile(join(home.folder, 'file'), '')
    await home.run(['claude-code', 'PreCompact', '--store', 'file/store'], hookInput('PreCompact', path, { trigger: 'auto' }))
    await hook('PreCompact', { trigger: 'auto' })
    for (const name of await readdir(home.store, { recursive: true })) {
      if (/sessions.*\/\d{12}$/.test(name)) await writeFile(join(home.store, name), 'damaged\n')
    }
    await hook('PreCompact', { trigger: 'auto' })
    expect((await home.log()).map(({ code }) => code)).toEqual([expect.stringMatching(/^STORAGE_/), 'CHECKPOINT_CORRUPT'])
  })

  test('a disk without room', async () => {
    await using home = await createHome(program)
    const { path } = await sessionIn(home, conversation + lineOf('user', randomBytes(30_000).toString('base64')))
    await writeFile(join(home.folder, 'input.json'), hookInput('PreCompact', path, { trigger: 'auto' }))
    // No file may be longer than 8 KiB: the line of the log fits, the transcript doesn't.
    const { ended } = home.shell('ulimit -f 16; $HOOK claude-code PreCompact < input.json')
    expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    expect(await home.log()).toMatchObject([{ code: expect.stringMatching(/^STORAGE_/) }])
    expect(await home.checkpoints()).toEqual([])
  })

  test('a standard input that never ends', { timeout: 30_000 }, async () => {
    await using home = await createHome(program)
    const began = Date.now()
    const { ended } = home.start(['claude-code', 'PreCompact'], undefined)
    expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    expect(Date.now() - began).toBeLessThan(20_000)
    expect(await home.log()).toMatchObject([{ message: expect.stringMatching(/did not end within 5000 ms/) }])
  })

  test('a standard input that is closed or a file', async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await hook('SessionStart', { source: 'startup' })
    await writeFile(join(home.folder, 'input.json'), hookInput('PreCompact', path, { trigger: 'manual' }))
    for (const redirection of ['< input.json', '<&-']) {
      const { ended } = home.shell(`$HOOK claude-code PreCompact ${redirection}`)
      expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    }
    expect(await home.checkpoints()).toMatchObject([{ reason: 'manual' }])
    expect(await home.log()).toMatchObject([{ message: expect.stringMatching(/nothing on standard input/) }])
  })

  test('the command itself, on any Node', async () => {
    await using home = await createHome(program)
    for (const node of [process.execPath, (await oldNode()) ?? process.execPath]) {
      const { ended } = home.shell(`'${node}' "$COMMAND" --store x --no-color hook claude-code PreLunch < /dev/null`)
      expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    }
    expect((await home.log()).length).toBe(2)
  })

  test('settings and stores that would be waited for', { timeout: 30_000 }, async () => {
    await using home = await createHome(program)
    const { path } = await sessionIn(home, conversation)
    await mkdir(join(home.folder, '.config/palimpsest'), { recursive: true })
    await mkdir(join(home.folder, 'store'))
    const pipes = home.shell('mkfifo .config/palimpsest/config.json store/layout')
    expect((await pipes.ended).status).toBe(0)
    const { ended } = home.start(['claude-code', 'PreCompact', '--store', 'store'], hookInput('PreCompact', path))
    expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    expect(await home.log()).toHaveLength(1)
  })

  test('a Node that is too old', async ({ skip }) => {
    const old = await oldNode()
    if (old === undefined) return skip()
    await using home = await createHome(program)
    const { path } = await sessionIn(home, conversation)
    const { ended } = home.start(['claude-code', 'PreCompact'], hookInput('PreCompact', path, { trigger: 'auto' }), { node: old })
    expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
    expect(await home.log()).toMatchObject([{ message: expect.stringMatching(/needs Node.js 22.15 or newer; this is \d/) }])
  })
})

describe('the log', () => {
  test('is for its user alone, stays below a bound, and is never written through a link', async () => {
    await using home = await createHome(program)
    const folder = join(home.folder, '.local/state/palimpsest')
    await home.run([], '')
    expect((await stat(join(folder, 'hook.log'))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    await appendFile(join(folder, 'hook.log'), `${JSON.stringify({ message: 'x'.repeat(256 * 1024) })}\n`)
    await home.run([], '')
    expect(await home.log()).toHaveLength(1)
    expect((await readdir(folder)).sort()).toEqual(['hook.log', 'hook.log.1'])

    await using other = await createHome(program)
    const target = join(other.folder, 'target')
    await writeFile(target, '')
    await mkdir(join(other.folder, '.local/state/palimpsest'), { recursive: true })
    await symlink(target, join(other.folder, '.local/state/palimpsest/hook.log'))
    await other.run([], '')
    expect(await readFile(target, 'utf8')).toBe('')
  })

  test('that can’t be written breaks nothing', async () => {
    await using home = await createHome(program)
    await writeFile(join(home.folder, 'file'), '')
    const { ended } = home.start([], '', { env: { XDG_STATE_HOME: join(home.folder, 'file') } })
    expect(await ended).toEqual({ status: 0, signal: null, stdout: '', stderr: '' })
  })
})

describe('hooks that meet', () => {
  test('make one checkpoint of the same bytes', async () => {
    await using home = await createHome(program)
    const { path } = await sessionIn(home, conversation + lineOf('user', 'x'.repeat(300_000)))
    const words = ['claude-code', 'PreCompact']
    const runs = [1, 2, 3].map(() => home.start(words, hookInput('PreCompact', path, { trigger: 'auto' })).ended)
    for (const { status } of await Promise.all(runs)) expect(status).toBe(0)
    expect(await home.checkpoints()).toMatchObject([{ reason: 'auto-threshold', status: 'pending' }])
    expect(await home.log()).toEqual([])
  })

  test('killed at any moment leave nothing half-written, and the next one finishes the work', { timeout: 120_000 }, async () => {
    await using home = await createHome(program)
    const { path, hook } = await sessionIn(home, conversation)
    await hook('PreCompact', { trigger: 'auto' })
    const input = hookInput('PreCompact', path, { trigger: 'auto' })
    for (let afterMs = 40; afterMs <= 640; afterMs += 60) {
      await appendFile(path, Array.from({ length: 80 }, () => lineOf('user', randomBytes(15_000).toString('base64'))).join(''))
      const { child, ended } = home.start(['claude-code', 'PreCompact'], input)
      await delay(afterMs)
      child.kill('SIGKILL')
      await ended
      const host = await home.host()
      const report = await host.checkpoints.verify()
      await host.close()
      // Beside the newest there is the one before it at most, until a compaction is complete.
      expect(report.damaged).toEqual([])
      expect([1, 2]).toContain(report.checkpoints)
    }
    await hook('PreCompact', { trigger: 'auto' })
    const [newest, ...others] = await home.checkpoints()
    expect(newest).toMatchObject({ reason: 'auto-threshold', sizeBytes: (await stat(path)).size })
    expect(others.length).toBeLessThanOrEqual(1)
    expect(await home.log()).toEqual([])
  })
})

async function oldNode(): Promise<string | undefined> {
  for (const path of [
    '/usr/bin/node',
    '/usr/local/bin/node',
    ...(process.env['PATH'] ?? '').split(':').map((folder) => `${folder}/node`),
  ]) {
    if (!existsSync(path)) continue
    const { stdout } = await promisify(execFile)(path, ['-p', 'process.versions.node']).catch(() => ({ stdout: '' }))
    const [major = 99, minor = 0] = stdout.split('.').map(Number)
    if (stdout !== '' && (major < 22 || (major === 22 && minor < 15))) return path
  }
  return undefined
}
