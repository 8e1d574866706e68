import { CheckpointError, type CheckpointErrorCode, type CheckpointErrorDetails, exitStatusByCode } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { fakeHost } from './fake-host.ts'

const commands = [
  'scan',
  'sessions',
  'list',
  'show',
  'read',
  'search',
  'diff',
  'recover',
  'report',
  'index',
  'branch',
  'restore',
  'capture',
  'complete',
  'abandon',
  'pin',
  'label',
  'delete',
  'undelete',
  'prune',
  'verify',
  'mcp',
  'hook',
]

describe('help', () => {
  test('names every command', async () => {
    const { status, stdout, opened } = await commandLine(['--help'])
    expect(status).toBe(0)
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect(stdout).toContain('Examples:')
    expect(opened).toEqual([])
  })

  test.each(commands)('of %s has a description, examples and the global options', async (command) => {
    const { status, stdout, stderr } = await commandLine([command, '--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: palimpsest ${command} `))
    expect(stdout).toContain('Examples:')
    expect(stdout).toContain('--store <url>')
    expect(await commandLine(['help', command])).toMatchObject({ status, stdout })
  })

  test('and the version are JSON under --json', async () => {
    expect((await commandLine(['--json', '--help'])).json()).toEqual({ help: expect.stringContaining('Usage: palimpsest') })
    expect((await commandLine(['--version', '--json'])).json()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect((await commandLine(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('a usage error', () => {
  test.each([
    ['no command', [], /Name a command/],
    ['an unknown command', ['lst'], /unknown command 'lst' \(Did you mean list\?\)/],
    ['an unknown option', ['list', '--agnet', 'pi'], /unknown option '--agnet' \(Did you mean --agent\?\)/],
    ['a missing argument', ['show'], /missing required argument 'id'/],
    ['a missing option', ['capture', '--agent', 'pi'], /--transcript <file>/],
    ['too many arguments', ['show', 'a', 'b'], /too many arguments/],
    ['a search without words', ['search'], /missing required argument 'query'/],
    ['a search of more than a page', ['search', 'x', '--limit', '101'], /--limit is "101"; it must be a whole number from 1 to 100/],
    ['an option that search has not', ['search', 'x', '--limt'], /search has no option --limt/],
    ['an option without value', ['list', '--agent'], /argument missing/],
    ['a limit that is no number', ['list', '--limit', 'many'], /--limit is "many"; it must be a whole number from 1 to 1000/],
    ['a limit of 0', ['list', '--limit', '0'], /--limit/],
    ['a limit beyond 1000', ['sessions', '--limit', '1001'], /--limit/],
    ['a negative count', ['complete', 'x', '--tokens-after', '-1'], /--tokens-after/],
    ['half a token', ['capture', '--agent', 'pi', '--transcript', 'f', '--tokens-before', '1.5'], /--tokens-before/],
    [
      'an unknown reason',
      ['capture', '--agent', 'pi', '--transcript', 'f', '--reason', 'boredom'],
      /--reason is "boredom"; it must be one of manual,/,
    ],
    ['an unknown view', ['read', 'x', '--view', 'everything'], /--view is "everything"; it must be one of context, after, all, raw/],
    ['a time that is none', ['list', '--before', 'yesterday'], /--before is "yesterday"; it must be an ISO date/],
    ['an unknown scope', ['mcp', '--scope', 'galaxy'], /--scope/],
    ['--raw with a view', ['read', 'x', '--raw', '--view', 'all'], /--raw and --view don't go together/],
    ['--around with --from', ['read', 'x', '--around', 'e', '--from', '3'], /--around and --from/],
    ['delete without anything', ['delete'], /Name the checkpoints to delete/],
    ['delete with half a session', ['delete', '--agent', 'pi'], /Name the checkpoints to delete/],
    ['restore without --in-place', ['restore', 'latest'], /palimpsest branch latest; or add --in-place/],
    ['room that is no percentage', ['branch', 'x', '--leave', '100%'], /--leave is "100%"; it must be a whole percentage from 1% to 99%/],
    ['no room at all', ['branch', 'x', '--leave', '0'], /--leave is "0"/],
    ['two earlier points', ['branch', 'x', '--leave', '30%', '--before-turn'], /--leave and --before-turn don't go together/],
    ['a read-only server that restores', ['mcp', '--read-only', '--allow-restore'], /--read-only and --allow-restore/],
  ])('%s exits 2 and says what to do, in words and in JSON', async (_, argv, message) => {
    const host = fakeHost()
    const text = await commandLine(argv, { host })
    expect(text.status).toBe(2)
    expect(text.stdout).toBe('')
    if (argv.length > 0) expect(text.stderr).toMatch(message)
    else expect(text.stderr).toContain('Usage: palimpsest')
    const json = await commandLine([...argv, '--json'], { host })
    expect(json.status).toBe(2)
    expect(json.stderr).toBe('')
    expect(json.json()).toEqual({
      error: {
        code: 'ARGUMENT_INVALID',
        message: expect.stringMatching(message),
        details: { argument: expect.any(String) as string, ...expectedOf(json.json()) },
      },
    })
    expect(host.calls).toEqual([])
  })

  test('--raw and mcp refuse --json, since standard output is not theirs to share', async () => {
    for (const argv of [
      ['read', 'latest', '--raw', '--json'],
      ['mcp', '--json'],
      ['branch', 'latest', '--print-resume', '--json'],
      ['restore', 'latest', '--in-place', '--print-resume', '--json'],
    ]) {
      const { status, json } = await commandLine(argv, { host: fakeHost() })
      expect(status).toBe(2)
      expect(json()).toMatchObject({ error: { code: 'ARGUMENT_INVALID', details: { argument: '--json' } } })
    }
  })
})

function expectedOf(value: unknown): object {
  const { error } = value as { error: { details: { expected?: string } } }
  return error.details.expected === undefined ? {} : { expected: error.details.expected }
}

describe('an error of the service', () => {
  const detailsByCode: CheckpointErrorDetails = {
    ARGUMENT_INVALID: { argument: 'id' },
    KEY_INVALID: { key: 'x' },
    CHECKPOINT_NOT_FOUND: { id: 'x', nearest: ['aaaa1111', 'bbbb2222'] },
    SESSION_NOT_FOUND: { sessionKey: 'x', nearest: ['session-one'] },
    CHECKPOINT_AMBIGUOUS: { id: 'x', candidates: ['cccc3333', 'dddd4444'] },
    CHECKPOINT_CORRUPT: { problem: 'digest' },
    FORMAT_UNSUPPORTED: { found: 2, supported: 1 },
    TRANSCRIPT_UNREADABLE: { path: '/x' },
    TRANSCRIPT_MALFORMED: { path: '/x', line: 3 },
    TRANSCRIPT_UNRECOGNISED: { path: '/x' },
    TARGET_REFUSED: { path: '/x' },
    CHECKPOINT_CONFLICT: { session: 'x' },
    STORAGE_UNAVAILABLE: {},
    STORAGE_REFUSED: {},
  }
  const codes = Object.keys(detailsByCode) as CheckpointErrorCode[]

  test.each(codes)('%s has its exit status, one line for people, and its details in JSON', async (code) => {
    const details = detailsByCode[code]
    const error = new CheckpointError(code, 'It went wrong.\nTry that.', details)
    const text = await commandLine(['show', 'x'], { host: fakeHost({ error }) })
    expect(text.status).toBe(exitStatusByCode[code])
    expect(text.stdout).toBe('')
    expect(text.stderr).toMatch(/^palimpsest: It went wrong. Try that.\n/)
    const json = await commandLine(['show', 'x', '--json'], { host: fakeHost({ error }) })
    expect(json.status).toBe(exitStatusByCode[code])
    expect(json.json()).toEqual({ error: { code, message: 'It went wrong.\nTry that.', details } })
    expect(json.stderr).toBe('')
  })

  test('comes with the nearest ids, the candidates, and whether to try again', async () => {
    const stderrOf = async (code: CheckpointErrorCode) =>
      (await commandLine(['show', 'x'], { host: fakeHost({ error: new CheckpointError(code, 'No.', detailsByCode[code]) }) })).stderr
    expect(await stderrOf('CHECKPOINT_NOT_FOUND')).toBe('palimpsest: No.\n  nearest: aaaa1111, bbbb2222\n')
    expect(await stderrOf('CHECKPOINT_AMBIGUOUS')).toBe('palimpsest: No.\n  it may be: cccc3333, dddd4444\n')
    expect(await stderrOf('CHECKPOINT_CONFLICT')).toContain('may succeed when it is run again')
    expect(await stderrOf('STORAGE_REFUSED')).toBe('palimpsest: No.\n')
  })

  test('when the store is opened is reported the same way', async () => {
    const openError = new CheckpointError('STORAGE_REFUSED', 'No permission.', {})
    const { status, json } = await commandLine(['list', '--json'], { openError })
    expect(status).toBe(7)
    expect(json()).toMatchObject({ error: { code: 'STORAGE_REFUSED' } })
  })

  test('that nobody foresaw exits 1, and shows its stack only on demand', async () => {
    const host = fakeHost({ error: new TypeError('x is not a function') })
    expect((await commandLine(['list', '--json'], { host })).json()).toEqual({
      error: { code: 'UNEXPECTED', message: 'x is not a function', details: {} },
    })
    const quiet = await commandLine(['list'], { host })
    expect(quiet.status).toBe(1)
    expect(quiet.stderr).not.toContain('    at ')
    expect((await commandLine(['list'], { host, env: { PALIMPSEST_DEBUG: '1' } })).stderr).toContain('    at ')
  })

  test('can not steer the terminal with what it quotes', async () => {
    const error = new CheckpointError('SESSION_NOT_FOUND', 'No \x1b]0;x\x07.', { nearest: ['\x9b2Jkey\u202e'] })
    const { stderr } = await commandLine(['show', 'x'], { host: fakeHost({ error }) })
    expect(stderr).toBe('palimpsest: No ]0;x.\n  nearest: 2Jkey\n')
  })

  test('leaves the store closed, as success does', async () => {
    const failing = fakeHost({ error: new Error('no') })
    await commandLine(['list'], { host: failing })
    const succeeding = fakeHost()
    await commandLine(['list'], { host: succeeding })
    expect([failing.closed, succeeding.closed]).toEqual([1, 1])
  })
})

describe('global options', () => {
  test('stand before or after the command', async () => {
    for (const argv of [
      ['--store', 'memory:', '--json', 'list'],
      ['list', '--store', 'memory:', '--json'],
    ]) {
      const { status, opened, json } = await commandLine(argv, { host: fakeHost() })
      expect(status).toBe(0)
      expect(opened).toEqual([{ env: {}, store: 'memory:' }])
      expect(json()).toHaveProperty('checkpoints')
    }
  })

  test('what stands behind -- is no option', async () => {
    const host = fakeHost()
    const { status, stdout } = await commandLine(['label', 'latest', '--', '--json'], { host })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Labelled "--json"/)
  })

  test('colours are for terminals alone, and for none with --no-color, NO_COLOR or a dumb one', async () => {
    const stdoutOf = async (argv: readonly string[], world: object) => (await commandLine(argv, { host: fakeHost(), ...world })).stdout
    expect(await stdoutOf(['list'], { terminal: true })).toContain('\x1b[')
    for (const plain of [
      await stdoutOf(['list'], {}),
      await stdoutOf(['list', '--no-color'], { terminal: true }),
      await stdoutOf(['list'], { terminal: true, env: { NO_COLOR: '1' } }),
      await stdoutOf(['list'], { terminal: true, env: { TERM: 'dumb' } }),
      await stdoutOf(['list', '--json'], { terminal: true }),
    ]) {
      expect(plain).not.toContain('\x1b')
    }
    expect(await stdoutOf(['list'], { terminal: true, env: { NO_COLOR: '' } })).toContain('\x1b[')
  })
})
