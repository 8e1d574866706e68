import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hookAdapters } from '../../src/hook/adapters/index.ts'
import { requestOf } from '../../src/hook/hook-words.ts'

const fixtures = process.env['PALIMPSEST_FIXTURES'] ?? join(import.meta.dirname, '../../../../../shared/fixtures')

function request(agent: string, event: string, input: unknown, home?: string): unknown {
  return requestOf({ agent, event, home }, JSON.stringify(input)).request
}

describe('what the hooks of each agent ask for', () => {
  test('codex', () => {
    const input = { session_id: 's', turn_id: 't', transcript_path: '/r.jsonl', cwd: '/p', model: 'm' }
    expect(request('codex', 'PreCompact', { ...input, trigger: 'auto' })).toMatchObject({
      kind: 'capture',
      transcript: '/r.jsonl',
      reason: 'auto-threshold',
    })
    expect(request('codex', 'PreCompact', { ...input, trigger: 'manual' })).toMatchObject({ reason: 'manual' })
    expect(request('codex', 'PostCompact', { ...input, trigger: 'auto' })).toEqual({ kind: 'settle', transcript: '/r.jsonl', always: true })
    expect(request('codex', 'SessionStart', { ...input, source: 'compact' })).toEqual({
      kind: 'announce',
      transcript: '/r.jsonl',
      isRecorded: true,
    })
    expect(request('codex', 'SessionStart', { ...input, source: 'resume' })).toMatchObject({ kind: 'settle', always: false })
    expect(request('codex', 'SessionEnd', { ...input, reason: 'other' })).toMatchObject({ kind: 'capture', reason: 'session-end' })
    expect(() => request('codex', 'SessionEnd', { ...input, transcript_path: null })).toThrow('names no transcript')
  })

  test('codex is answered with JSON that never stops the turn', () => {
    const answer = hookAdapters.find(({ agent }) => agent === 'codex')?.answer?.('Your context was compacted.\n') ?? ''
    expect(JSON.parse(answer)).toEqual({
      hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: 'Your context was compacted.' },
    })
  })

  test.skipIf(!existsSync(fixtures))('gemini, with inputs that the real client gave', () => {
    const rows = readFileSync(join(fixtures, 'gemini-cli/v0.61.0-hooks.jsonl'), 'utf8').trim().split('\n')
    const inputs = rows.map((row) => JSON.parse(row).in)
    const compress = inputs.find((input) => input.hook_event_name === 'PreCompress')
    expect(request('gemini', 'PreCompress', compress)).toEqual({
      kind: 'capture',
      transcript: compress.transcript_path,
      reason: 'auto-threshold',
      mayBeMissing: true,
    })
    const end = inputs.find((input) => input.hook_event_name === 'SessionEnd')
    expect(request('gemini', 'SessionEnd', end)).toEqual({ kind: 'settle', transcript: end.transcript_path, always: true })
  })

  test.skipIf(!existsSync(fixtures))('copilot, with inputs that the real client gave', () => {
    const rows = readFileSync(join(fixtures, 'copilot-cli/v1.0.102-hooks.jsonl'), 'utf8').trim().split('\n')
    const [start, compact] = rows.map((row) => JSON.parse(row).in)
    expect(request('copilot', 'preCompact', compact)).toEqual({
      kind: 'capture',
      transcript: compact.transcriptPath,
      reason: 'manual',
      mayBeMissing: false,
    })
    // The other events name the session alone.
    expect(request('copilot', 'sessionEnd', start, '/home/.copilot')).toEqual({
      kind: 'settle',
      transcript: `/home/.copilot/session-state/${start.sessionId}/events.jsonl`,
      always: true,
      lateMs: 1_500,
    })
    expect(() => request('copilot', 'sessionEnd', start)).toThrow('names no transcript')
    expect(() => request('copilot', 'sessionEnd', { sessionId: '../x' }, '/home/.copilot')).toThrow('names no transcript')
  })

  test('opencode', () => {
    const input = { database: '/d/opencode.db', session_id: 'ses_1' }
    expect(request('opencode', 'before-compact', input)).toMatchObject({ kind: 'capture', transcript: '/d/opencode.db#ses_1' })
    expect(request('opencode', 'compact', input)).toEqual({ kind: 'settle', transcript: '/d/opencode.db#ses_1', always: true })
    expect(() => request('opencode', 'compact', { database: '/d' })).toThrow('names no session')
  })

  test('--home is read before and behind other words', async () => {
    const { parseHookWords } = await import('../../src/hook/hook-words.ts')
    expect(parseHookWords(['--home', '/h', 'codex', 'PreCompact', '--store=file:///s'])).toEqual({
      agent: 'codex',
      event: 'PreCompact',
      store: 'file:///s',
      home: '/h',
    })
    expect(() => parseHookWords(['codex', 'PreCompact', '--home'])).toThrow('--home has no value')
  })
})
