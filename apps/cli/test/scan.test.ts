import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError } from '@palimpsest/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { fakeHost, importResult } from './fake-host.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-cli-'))
  await mkdir(join(folder, 'sessions'))
  for (const name of ['a', 'b', 'c']) await writeFile(join(folder, 'sessions', `${name}.jsonl`), '{"type":"session"}\n')
  await writeFile(join(folder, 'notes.txt'), 'no session\n')
})

afterEach(() => rm(folder, { recursive: true }))

/** Imports what is in the folder: `a` has one compaction, `b` none, `c` can't be read. */
const mixed = () =>
  fakeHost({
    import: async (path) => {
      if (path.endsWith('c.jsonl')) throw new CheckpointError('TRANSCRIPT_MALFORMED', 'No header.', { path, line: 0 })
      if (path.endsWith('b.jsonl')) return importResult([], { sessionKey: 'session-b' })
      const problems = [{ code: 'TRANSCRIPT_MALFORMED' as const, line: 4, message: 'not JSON' }]
      return importResult(['id-a'], { sessionKey: 'session-a', tokensBefore: 1_500, problems, problemCount: 1 })
    },
  })

describe('a folder', () => {
  test('gives its sessions, in order; a broken one is listed with its problem and the rest goes on', async () => {
    const { status, json, stderr } = await commandLine(['scan', 'sessions', '--json'], { host: mixed(), cwd: folder })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const path = (name: string) => join(folder, 'sessions', `${name}.jsonl`)
    expect(json()).toEqual({
      index: { indexed: 0, waiting: 0, problems: [] },
      problems: [],
      sessions: [
        expect.objectContaining({
          agent: 'pi',
          sessionKey: 'session-a',
          path: path('a'),
          checkpoints: ['id-a'],
          problems: [{ code: 'TRANSCRIPT_MALFORMED', line: 4, message: 'not JSON' }],
        }),
        expect.objectContaining({ agent: 'pi', sessionKey: 'session-b', path: path('b'), checkpoints: [], problems: [] }),
        {
          agent: 'pi',
          path: path('c'),
          sizeBytes: 19,
          checkpoints: [],
          problems: [{ code: 'TRANSCRIPT_MALFORMED', line: 0, message: 'No header.' }],
          problemCount: 1,
        },
      ],
    })
  })

  test('is a table of compacted sessions and a line of totals for people', async () => {
    const { status, stdout, stderr } = await commandLine(['scan', 'sessions'], { host: mixed(), cwd: folder })
    expect(status).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'agent  project        session    compactions  tokens  bytes   stored',
      'pi     /work/project  session-a            1   1,500   19 B  1.0 KiB',
      '',
      '3 sessions · 1 compaction kept (1 new) · 1,500 tokens · 38 B of transcripts, 2.0 KiB newly stored',
      'See them: palimpsest list',
      '',
    ])
    expect(stderr).toContain('noted: ')
    expect(stderr).toContain('a.jsonl: 1 line kept as bytes, not understood\n')
    expect(stderr).toContain('c.jsonl: No header.\n')
  })

  test('without a session says what to do', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    expect((await commandLine(['scan', empty], { host: fakeHost() })).stdout).toBe(
      'No sessions found. Name a folder or a file: palimpsest scan PATH\n',
    )
  })

  test('is imported four files at a time at most', async () => {
    for (let index = 0; index < 20; index += 1) await writeFile(join(folder, 'sessions', `s${index}.jsonl`), '{"type":"session"}\n')
    let running = 0
    let most = 0
    const host = fakeHost({
      import: async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setTimeout(resolve, 2))
        running -= 1
        return importResult([])
      },
    })
    const { json } = await commandLine(['scan', folder, '--json'], { host })
    expect((json() as { sessions: unknown[] }).sessions).toHaveLength(23)
    expect(most).toBe(4)
  })
})

describe('a named file', () => {
  test('that is no session fails the command after the others are done', async () => {
    const host = mixed()
    const argv = ['scan', 'notes.txt', 'sessions/a.jsonl', 'absent.jsonl']
    const { status, json } = await commandLine([...argv, '--json'], { host, cwd: folder })
    expect(status).toBe(5)
    expect(json()).toMatchObject({
      sessions: [{ sessionKey: 'session-a', checkpoints: ['id-a'] }],
      problems: [
        { code: 'TRANSCRIPT_UNRECOGNISED', path: join(folder, 'notes.txt') },
        { code: 'TRANSCRIPT_UNREADABLE', path: join(folder, 'absent.jsonl') },
      ],
      error: { code: 'TRANSCRIPT_UNRECOGNISED' },
    })
    const text = await commandLine(argv, { host, cwd: folder })
    expect(text.status).toBe(5)
    expect(text.stdout).toContain('session-a')
    expect(text.stderr.match(/^palimpsest: /gm)).toHaveLength(2)
  })

  test('that can not be imported fails the command, in a folder it would not', async () => {
    const { status, json } = await commandLine(['scan', 'sessions/c.jsonl', '--json'], { host: mixed(), cwd: folder })
    expect(status).toBe(5)
    expect(json()).toMatchObject({ sessions: [{ problems: [{ code: 'TRANSCRIPT_MALFORMED' }] }], error: { code: 'TRANSCRIPT_MALFORMED' } })
  })

  test('is imported once when its folder is named too', async () => {
    const host = fakeHost()
    await commandLine(['scan', 'sessions', 'sessions/a.jsonl', '--json'], { host, cwd: folder })
    expect(host.calls.filter(({ operation }) => operation === 'import')).toHaveLength(3)
  })
})

test('a store that fails ends the scan with its own error', async () => {
  const host = fakeHost({ error: new CheckpointError('STORAGE_REFUSED', 'The disk is full.', {}) })
  const { status, json } = await commandLine(['scan', folder, '--json'], { host })
  expect(status).toBe(7)
  expect(json()).toEqual({ error: { code: 'STORAGE_REFUSED', message: 'The disk is full.', details: {} } })
  expect(host.calls.filter(({ operation }) => operation === 'import').length).toBeLessThanOrEqual(3)
})

test('an agent without reader is refused', async () => {
  const { status, json } = await commandLine(['scan', folder, '--agent', 'nobody', '--json'], { host: fakeHost() })
  expect(status).toBe(2)
  expect(json()).toMatchObject({ error: { code: 'ARGUMENT_INVALID' } })
})

test('--again is passed on', async () => {
  const host = fakeHost()
  await commandLine(['scan', join(folder, 'sessions', 'a.jsonl'), '--again'], { host })
  expect(host.calls[0]).toMatchObject({ operation: 'import', args: [{ again: true }] })
})

test('Ctrl-C exits 130 once the imports that had begun have ended, and begins no other', async () => {
  for (let index = 0; index < 20; index += 1) await writeFile(join(folder, 'sessions', `s${index}.jsonl`), '{"type":"session"}\n')
  const interrupt = new AbortController()
  let begun = 0
  let ended = 0
  const host = fakeHost({
    import: async (_path, signal) => {
      begun += 1
      if (begun === 2) interrupt.abort(new Error('interrupted'))
      await new Promise((resolve) => setTimeout(resolve, 5))
      ended += 1
      signal?.throwIfAborted()
      return importResult([])
    },
  })
  const { status, json } = await commandLine(['scan', folder, '--json'], { host, signal: interrupt.signal })
  expect(status).toBe(130)
  expect(json()).toEqual({ error: { code: 'INTERRUPTED', message: expect.any(String) as string, details: {} } })
  expect(begun).toBeLessThanOrEqual(4)
  expect(ended).toBe(begun)
  expect(host.closed).toBe(1)
})

test('progress is shown on a terminal that has a width, and on no other', async () => {
  const stderrOf = async (world: object) => (await commandLine(['scan', folder, '--no-color'], { host: fakeHost(), ...world })).stderr
  expect(await stderrOf({ stderrColumns: 0 })).toBe('')
  expect(await stderrOf({ stderrColumns: 80, env: { TERM: 'dumb' } })).toBe('')
  expect(await stderrOf({})).toBe('')
  expect(await stderrOf({ stderrColumns: 80 })).not.toBe('')
})
