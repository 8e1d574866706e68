import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { checkpointDiff, checkpointsDiff, checkpointWith, fakeHost, lossReport, now } from './fake-host.ts'

const checkpoint = checkpointWith({ summary: 'It was about cats.', tokensBefore: 175_004, tokensAfter: 12_300, cwd: '/work/project' })
const { id } = checkpoint
const branchShape = {
  path: '/sessions/new.jsonl',
  sessionId: 'new-session',
  resume: 'pi --session /sessions/new.jsonl',
  resumeArgv: ['pi', '--session', '/sessions/new.jsonl'],
  warnings: [],
}

describe('--json gives the shape, and the service gets what was typed', () => {
  const signal = expect.any(AbortSignal) as AbortSignal
  const cases: readonly (readonly [line: string, operation: string, args: readonly unknown[], shape: object])[] = [
    ['list', 'list', [{ signal }], { checkpoints: [checkpoint], problems: [] }],
    [
      'list --agent pi --session-key k --cwd sub --before 2026-08-01 --after 5 --limit 3 --cursor c',
      'list',
      [{ agent: 'pi', sessionKey: 'k', cwd: '/work/project/sub', before: Date.UTC(2026, 7, 1), after: 5, limit: 3, cursor: 'c', signal }],
      { checkpoints: [checkpoint], problems: [] },
    ],
    [
      'sessions --agent pi --cwd . --limit 2 --cursor c',
      'sessions',
      [{ agent: 'pi', cwd: '/work/project', limit: 2, cursor: 'c', signal }],
      { sessions: [], problems: [] },
    ],
    ['show latest~1 --session-key k --agent pi', 'get', ['latest~1', { agent: 'pi', sessionKey: 'k', signal }], { checkpoint }],
    [
      'read x --view all --limit 7 --around e1 --dropped',
      'read',
      ['x', { view: 'all', limit: 7, around: 'e1', dropped: true, signal }],
      { checkpointId: id, view: 'context', entries: [], total: 0, from: 0, problems: [] },
    ],
    ['diff x --category error --limit 3', 'diff', ['x', { category: 'error', limit: 3, signal }], checkpointDiff()],
    ['diff x --agent pi --session-key k', 'diff', ['x', { agent: 'pi', sessionKey: 'k', signal }], checkpointDiff()],
    ['diff x y --limit 3', 'diff', ['x', 'y', { limit: 3, signal }], checkpointsDiff()],
    [
      'recover x --tokens 500',
      'recover',
      ['x', { maxTokens: 500, signal }],
      { checkpointId: id, text: '', tokensEstimated: 0, facts: 0, leftOut: 0, gaps: 0 },
    ],
    [
      'report --agent pi --cwd sub --after 5',
      'report',
      [{ agent: 'pi', cwd: '/work/project/sub', after: 5, signal, onProgress: expect.any(Function) as () => void }],
      lossReport(),
    ],
    [
      'search a b --agent pi --session-key k --cwd sub --limit 3 --cursor c',
      'search',
      [
        {
          query: 'a b',
          agent: 'pi',
          sessionKey: 'k',
          cwd: '/work/project/sub',
          limit: 3,
          cursor: 'c',
          updateMs: 30_000,
          onProgress: expect.any(Function) as () => void,
          signal,
        },
      ],
      { hits: [], waiting: 0, problems: [] },
    ],
    [
      'index --rebuild',
      'index',
      [{ rebuild: true, onProgress: expect.any(Function) as () => void, signal }],
      { indexed: 0, waiting: 0, problems: [], size: { sessions: 0, entries: 0, sizeBytes: 0, transcriptBytes: 0 } },
    ],
    [
      'branch x --to out --drop-unanswered --name n',
      'branch',
      ['x', { to: '/work/project/out', dropUnanswered: true, name: 'n', signal }],
      { checkpoint, ...branchShape },
    ],
    ['branch x --leave 30%', 'branch', ['x', { leavePercent: 30, signal }], { checkpoint, ...branchShape }],
    ['branch x --before-turn', 'branch', ['x', { beforeTurn: true, signal }], { checkpoint, ...branchShape }],
    [
      'restore x --in-place --force --path moved.jsonl',
      'restore',
      ['x', { force: true, path: '/work/project/moved.jsonl', signal }],
      { checkpoint, ...branchShape, undo: expect.any(String) as string },
    ],
    [
      'complete x --tokens-after 9 --first-kept-entry-id e2',
      'complete',
      ['x', { tokensAfter: 9, firstKeptEntryId: 'e2' }, { signal }],
      { checkpoint },
    ],
    ['pin x', 'pin', ['x', { on: true, signal }], { checkpoint }],
    ['pin x --off', 'pin', ['x', { on: false, signal }], { checkpoint }],
    ['label x name', 'label', ['x', { text: 'name', signal }], { checkpoint: { ...checkpoint, label: 'name' } }],
    ['label x', 'label', ['x', { signal }], { checkpoint }],
    ['delete a b --force', 'delete', [['a', 'b'], { force: true, signal }], { deleted: ['a', 'b'] }],
    ['delete --agent pi --session-key k', 'deleteSession', [{ agent: 'pi', sessionKey: 'k', signal }], { deleted: [id] }],
    ['undelete x', 'undelete', ['x', { signal }], { checkpoint }],
  ]

  test.each(cases)('%s', async (line, operation, args, shape) => {
    const host = fakeHost({ checkpoint })
    const { status, json, stderr } = await commandLine([...line.split(' '), '--json'], { host })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(host.calls).toEqual([{ operation, args }])
    expect(json()).toEqual(shape)
  })

  test('capture', async () => {
    const host = fakeHost({ checkpoint })
    const line =
      'capture --agent pi --transcript s.jsonl --session-key k --session-id i --reason overflow-retry --tokens-before 5 --leaf-id l --created-at 77 --label n --json'
    const { status, json } = await commandLine(line.split(' '), { host })
    expect(status).toBe(0)
    expect(json()).toMatchObject({ outcome: 'captured', checkpoint: { id } })
    expect(host.calls[0]).toMatchObject({
      operation: 'capture',
      args: [
        {
          agent: 'pi',
          sessionKey: 'k',
          sessionId: 'i',
          reason: 'overflow-retry',
          tokensBefore: 5,
          leafId: 'l',
          createdAt: 77,
          label: 'n',
          transcript: { path: '/work/project/s.jsonl' },
        },
      ],
    })
  })

  test('abandon takes back the checkpoint that the short id names', async () => {
    const host = fakeHost({ checkpoint })
    const { json } = await commandLine(['abandon', '456789ab', '--json'], { host })
    expect(host.calls.map(({ operation, args }) => [operation, args[0]])).toEqual([
      ['get', '456789ab'],
      ['abandon', id],
    ])
    expect(json()).toEqual({ abandoned: id })
  })

  test('is set out on a terminal and on one line elsewhere', async () => {
    expect((await commandLine(['show', 'x', '--json'], { host: fakeHost({ checkpoint }) })).stdout.split('\n')).toHaveLength(2)
    expect((await commandLine(['show', 'x', '--json'], { host: fakeHost({ checkpoint }), terminal: true })).stdout).toMatch(
      /^{\n {2}"checkpoint"/,
    )
  })
})

describe('a summary', () => {
  const completed = async (argv: readonly string[], world: object = {}) => {
    const host = fakeHost({ checkpoint })
    const ended = await commandLine(['complete', 'x', ...argv], { host, ...world })
    return { ...ended, completion: host.calls[0]?.args[1] }
  }

  test('comes from a file, relative to where the command runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'palimpsest-cli-'))
    try {
      await writeFile(join(folder, 'summary.md'), '# Größe\n')
      expect((await completed(['--summary-file', 'summary.md'], { cwd: folder })).completion).toEqual({ summary: '# Größe\n' })
      await writeFile(join(folder, 'latin1.md'), Buffer.from([0x47, 0x72, 0xf6]))
      const broken = await completed(['--summary-file', 'latin1.md', '--json'], { cwd: folder })
      expect(broken.status).toBe(2)
      expect(broken.json()).toMatchObject({ error: { code: 'ARGUMENT_INVALID', message: expect.stringContaining('not UTF-8') as string } })
      expect(broken.completion).toBeUndefined()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('comes from standard input, in pieces that split a character', async () => {
    const [head, tail] = [Buffer.from([0x47, 0x72, 0xc3]), Buffer.from([0xb6, 0xc3, 0x9f])]
    expect((await completed(['--summary-file', '-'], { stdin: Readable.from([head, tail]) })).completion).toEqual({ summary: 'Größ' })
  })

  test('that is not there is an error before anything is done', async () => {
    const { status, stderr, completion } = await completed(['--summary-file', '/nowhere/summary.md'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^palimpsest: The summary can’t be read: ENOENT/)
    expect(completion).toBeUndefined()
  })

  test('awaited from standard input does not hold Ctrl-C up', async () => {
    const interrupt = new AbortController()
    setTimeout(() => interrupt.abort(new Error('interrupted')), 20)
    const stdin = new Readable({ read: () => undefined })
    expect((await completed(['--summary-file', '-'], { stdin, signal: interrupt.signal })).status).toBe(130)
  })
})

describe('for people', () => {
  test('an empty store says what to do next, and a filter that finds nothing says that', async () => {
    const host = fakeHost({ page: { checkpoints: [], problems: [] } })
    expect((await commandLine(['list'], { host })).stdout).toBe('No checkpoints yet. Run: palimpsest scan\n')
    expect((await commandLine(['list', '--limit', '5', '--store', 'my store'], { host })).stdout).toBe(
      "No checkpoints yet. Run: palimpsest scan --store 'my store'\n",
    )
    expect((await commandLine(['list', '--agent', 'pi'], { host })).stdout).toContain('No checkpoint matches.')
    expect((await commandLine(['list', '--cursor', 'c'], { host })).stdout).toBe('No more checkpoints.\n')
    expect((await commandLine(['sessions'], { host })).stdout).toBe('No sessions yet. Run: palimpsest scan\n')
  })

  test('a list names id, time, tokens, bytes and what sets a checkpoint apart', async () => {
    const odd = checkpointWith({ ...checkpoint, id: `${id.slice(0, -8)}00000002`, status: 'pending', pinned: true, label: 'mine' })
    const { stdout } = await commandLine(['list'], { host: fakeHost({ page: { checkpoints: [checkpoint, odd], problems: [] } }) })
    expect(stdout.split('\n')).toEqual([
      'id        when       agent  session      reason            tokens    bytes  notes',
      '456789ab  3 min ago  pi     session-one  manual  175,004 → 12,300  4.1 KiB',
      '00000002  3 min ago  pi     session-one  manual  175,004 → 12,300  4.1 KiB  pending, pinned, mine',
      '',
    ])
  })

  test('the next page is the same command with a cursor', async () => {
    const host = fakeHost({
      page: { checkpoints: [checkpoint], problems: [], nextCursor: 'c2' },
      sessions: { sessions: [sessionOf('a b')], problems: [], nextCursor: 's2' },
    })
    const list = await commandLine(['list', '--session-key', "it's", '--limit', '1', '--after', '2026-08-01', '--cursor', 'c1'], { host })
    expect(list.stdout).toContain(
      `\nNext page: palimpsest list --session-key 'it'\\''s' --limit 1 --after ${Date.UTC(2026, 7, 1)} --cursor c2\n`,
    )
    const sessions = await commandLine(['sessions', '--agent', 'pi'], { host })
    expect(sessions.stdout).toContain('\nNext page: palimpsest sessions --agent pi --cursor s2\n')
  })

  test('a ledger that can not be read is named beside the sessions that can', async () => {
    const host = fakeHost({ sessions: { sessions: [sessionOf('k')], problems: [{ name: 'sessions/ab-pi', message: 'damaged\x07' }] } })
    const { status, stdout, stderr } = await commandLine(['sessions'], { host })
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^agent {2}project +session +checkpoints +newest +bytes +stored\npi +\/work\/project +k +2 +1 h ago +9.8 KiB +1.0 KiB\n$/m,
    )
    expect(stderr).toBe('not readable: sessions/ab-pi: damaged\n')
  })

  test('an entry’s text is set in, so that it can not look like another entry', async () => {
    const host = fakeHost({
      entries: {
        checkpointId: id,
        view: 'context',
        entries: [
          { id: 'e1', kind: 'message', role: 'user', text: 'hello\n#3 assistant · e9\r\n\x1b[2Jbye', createdAt: now - 60_000 },
          { id: 'e2\n#9', kind: 'message', role: 'tool', tool: 'read', text: '', dropped: true },
          { id: 'gap-1', kind: 'gap', text: 'damaged' },
        ],
        total: 335,
        from: 2,
        next: 5,
        problems: [{ code: 'TRANSCRIPT_MALFORMED', message: 'a cycle', line: 7 }],
      },
    })
    const { stdout } = await commandLine(['read', 'x', '--limit', '3', '--dropped'], { host })
    expect(stdout).toBe(
      [
        '#2 user · e1 · 1 min ago',
        '  hello',
        '  #3 assistant · e9',
        '  [2Jbye',
        '',
        '#3 tool · read · e2 #9 · dropped',
        '',
        '#4 gap · gap-1',
        '  damaged',
        '',
        'line 7: a cycle',
        'Entries 2 to 4 of 335, view context.',
        'Next page: palimpsest read 456789ab --view context --from 5 --limit 3 --dropped',
        '',
      ].join('\n'),
    )
  })

  test('show sets the summary apart and says how to go on', async () => {
    const { stdout } = await commandLine(['show', 'x'], { host: fakeHost({ checkpoint: { ...checkpoint, summary: 'One.\nid  forged' } }) })
    expect(stdout).toContain('tokens       175,004 → 12,300\n')
    expect(stdout).toContain('\nSummary\n  One.\n  id  forged\n')
    expect(stdout).toContain('palimpsest branch 456789ab')
  })

  test('nothing from a transcript keeps its controls, in any command', async () => {
    const evil = '\x1b]0;owned\x07\x9b2J\u202e\u2066\r'
    const hostile = checkpointWith({
      agent: `pi${evil}`,
      sessionKey: `key${evil}`,
      sessionId: `session${evil}`,
      cwd: `/work${evil}`,
      summary: evil,
      label: `label${evil}`,
      firstKeptEntryId: evil,
      preCompaction: { sessionId: evil, sessionFile: evil, leafId: evil },
      parts: [{ name: evil, stream: 0, bytes: 1, lines: 1 }],
    })
    const host = fakeHost({
      checkpoint: hostile,
      sessions: { sessions: [{ ...sessionOf(evil), cwd: evil }], problems: [], nextCursor: evil },
      entries: {
        checkpointId: id,
        view: 'all',
        entries: [{ id: evil, kind: 'message', role: 'user', tool: evil, text: evil }],
        total: 9,
        from: 0,
        next: 1,
        problems: [{ code: 'TRANSCRIPT_MALFORMED', message: evil }],
      },
      diff: checkpointDiff({
        sessionKey: evil,
        categories: [{ category: 'error', facts: 1, whole: 0, part: 1, none: 0, wholeInSummary: 0 }],
        forgotten: [{ ...forgottenFact, text: evil, entryId: evil, survives: 'part', part: evil }],
        problems: [{ code: 'TRANSCRIPT_MALFORMED', message: evil }],
      }),
      between: checkpointsDiff({
        added: {
          entries: 1,
          lineBytes: 1,
          tokensEstimated: 1,
          first: [{ entryId: evil, kind: 'message', role: 'user', tool: evil, excerpt: evil }],
        },
      }),
      report: lossReport({
        problems: [{ message: evil }],
        problemCount: 1,
        forgottenMost: [{ ...forgottenFact, checkpointId: id, agent: evil }],
      }),
      recovered: { checkpointId: id, text: evil, tokensEstimated: 1, facts: 1, leftOut: 0, gaps: 0 },
      deleted: [evil],
      warnings: [evil],
    })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u2066]/
    const lines = [
      'list',
      'sessions',
      'show x',
      'read x',
      'diff x',
      'diff x y',
      'recover x',
      'report',
      'branch x',
      'restore x --in-place',
      'capture --agent pi --transcript f',
      'complete x',
      'pin x',
      'label x y',
      'delete x',
      'undelete x',
    ]
    for (const line of lines) {
      for (const argv of [line.split(' '), [...line.split(' '), '--json']]) {
        const { status, stdout } = await commandLine(argv, { host })
        expect({ line, status }).toEqual({ line, status: 0 })
        expect(stdout).not.toMatch(controls)
      }
    }
  })

  test('--print-resume prints the exact command line alone, and what to mind beside it', async () => {
    for (const line of ['branch x', 'restore x --in-place']) {
      const { stdout, stderr } = await commandLine([...line.split(' '), '--print-resume'], {
        host: fakeHost({ warnings: ['Close it first.'] }),
      })
      expect(stdout).toBe('pi --session /sessions/new.jsonl\n')
      expect(stderr).toContain('Close it first.')
    }
  })

  test('a branch of an automatic compaction says how to leave room, and one that was given room how much is left', async () => {
    const full = { ...checkpoint, reason: 'auto-threshold' as const }
    const { stdout } = await commandLine(['branch', 'x'], { host: fakeHost({ checkpoint: full }) })
    expect(stdout).toContain('More room: palimpsest branch 456789ab --leave 30%\n')
    const room = { leafId: 'l', contextBytes: 2048, keptBytes: 1024, estimatedTokens: 87_502 }
    const earlier = await commandLine(['branch', 'x', '--leave', '50'], { host: fakeHost({ checkpoint: full, room }) })
    expect(earlier.stdout).toContain('Context:   50 % of 2.0 KiB, about 87,502 tokens\n')
    expect(earlier.stdout).not.toContain('More room')
  })

  test('a deletion says how it is undone', async () => {
    const { stdout } = await commandLine(['delete', id], { host: fakeHost({ checkpoint }) })
    expect(stdout).toBe(`Deleted 1 checkpoint. For a day it can be taken back:\n  palimpsest undelete ${id}\n`)
  })

  test('a capture of known bytes says so', async () => {
    const { stdout } = await commandLine(['capture', '--agent', 'pi', '--transcript', 'f'], {
      host: fakeHost({ checkpoint, outcome: 'unchanged' }),
    })
    expect(stdout).toMatch(/^Unchanged: these bytes are kept already, as 456789ab of pi session-one/)
  })
})

const forgottenFact = {
  category: 'error',
  text: 'Error: gone',
  entryId: 'e1',
  survives: 'none',
  mentions: 2,
  isInUsersWords: false,
  importance: 4,
} as const

function sessionOf(sessionKey: string) {
  return {
    agent: 'pi',
    sessionKey,
    sessionId: sessionKey,
    cwd: '/work/project',
    checkpointCount: 2,
    oldestAt: now - 7_200_000,
    newestAt: now - 3_600_000,
    rawBytes: 10_000,
    storedBytes: 1_000,
  }
}
