import type { EntryStep, TranscriptReader } from '@palimpsest/core'
import {
  bytesTranscript,
  claudeCodeReader,
  codexReader,
  copilotReader,
  messagesReader,
  messagesTranscript,
  openCodeReader,
  piReader,
} from '@palimpsest/transcripts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { patchSteps } from '../src/patch-steps.ts'
import * as claudeCode from './claude-code-session.ts'
import * as codex from './codex-sessions.ts'
import * as copilot from './copilot-session.ts'
import * as gemini from './gemini-session.ts'
import * as pi from './pi-sessions.ts'

/** The steps of all lines of a session, as its reader gives them. */
async function stepsIn(reader: TranscriptReader, bytes: Uint8Array): Promise<readonly EntryStep[]> {
  const transcript = await bytesTranscript({ main: bytes }).open()
  const steps: EntryStep[] = []
  for await (const batch of reader.structure(transcript)) {
    for (const line of batch) if (line.kind !== 'bad') steps.push(...(reader.steps?.(bytes.subarray(line.start, line.end), line) ?? []))
  }
  return steps
}

const lines = (rows: readonly object[]) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
const patch =
  '*** Begin Patch\n*** Update File: a.ts\n@@\n one\n-two\n+2\n three\n-four\n+4\n*** Add File: b.ts\n+new\n*** Delete File: c.ts\n*** End Patch'
const patched = (callId?: string): readonly EntryStep[] => {
  const call = callId === undefined ? {} : { callId }
  return [
    { did: 'replaced', ...call, path: 'a.ts', before: 'two', after: '2' },
    { did: 'replaced', ...call, path: 'a.ts', before: 'four', after: '4' },
    { did: 'wrote', ...call, path: 'b.ts', after: 'new' },
    { did: 'wrote', ...call, path: 'c.ts' },
  ]
}

describe('what an entry says and does', () => {
  test('pi: text, calls of its tools, results, and commands that the user ran', async () => {
    const call = (id: string, name: string, given: object) => ({ type: 'toolCall', id, name, arguments: given })
    const message = (id: string, parentId: string | null, fields: object) => ({
      type: 'message',
      id,
      parentId,
      timestamp: '2026-01-02T03:04:05Z',
      message: fields,
    })
    const calls = [
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text: 'I look.' },
      call('1', 'bash', { command: 'npm test' }),
      call('2', 'read', { path: 'a.ts' }),
      call('3', 'write', { path: 'b.ts', content: 'new' }),
      call('4', 'edit', { path: 'c.ts', oldText: 'old', newText: 'new' }),
      call('5', 'edit', {
        path: 'd.ts',
        edits: [
          { oldText: 'x', newText: 'y' },
          { oldText: 'z', newText: '' },
        ],
      }),
      call('6', 'other', { a: 1 }),
    ]
    const session = [
      pi.header(),
      pi.user('u1', null, 'Do it.'),
      message('a1', 'u1', { role: 'assistant', content: calls }),
      message('r1', 'a1', {
        role: 'toolResult',
        toolCallId: '1',
        toolName: 'bash',
        isError: true,
        content: [{ type: 'text', text: 'failed' }],
      }),
      message('b1', 'r1', { role: 'bashExecution', command: 'ls', output: 'a.ts', exitCode: 0 }),
      pi.compaction('c1', 'b1'),
    ]
    const summary = (await stepsIn(piReader(), pi.bytesOf(session))).at(-1)
    expect(summary).toMatchObject({ did: 'said', by: 'system' })
    expect((await stepsIn(piReader(), pi.bytesOf(session))).slice(0, -1)).toEqual([
      { did: 'said', by: 'user', text: 'Do it.' },
      { did: 'thought', text: 'Hm.' },
      { did: 'said', by: 'assistant', text: 'I look.' },
      { did: 'ran', callId: '1', command: 'npm test' },
      { did: 'read', callId: '2', path: 'a.ts' },
      { did: 'wrote', callId: '3', path: 'b.ts', after: 'new' },
      { did: 'replaced', callId: '4', path: 'c.ts', before: 'old', after: 'new' },
      { did: 'replaced', callId: '5', path: 'd.ts', before: 'x', after: 'y' },
      { did: 'replaced', callId: '5', path: 'd.ts', before: 'z', after: '' },
      { did: 'called', callId: '6', tool: 'other', input: '{"a":1}' },
      { did: 'returned', callId: '1', failed: true, text: 'failed' },
      { did: 'ran', command: 'ls' },
      { did: 'returned', failed: false, text: 'a.ts' },
    ])
  })

  test('Claude Code: the user’s words without what the client put into them', async () => {
    const text = 'Fix it.<system-reminder>Use the list.</system-reminder> Soon.'
    const interrupted = '[Request interrupted by user for tool use]'
    const session = [
      claudeCode.prompt(1, null, text),
      claudeCode.prompt(2, 1, interrupted),
      claudeCode.prompt(3, 2, 'a <system-reminder> that never ends'),
    ]
    expect(await stepsIn(claudeCodeReader({ configFolder: '/x' }), claudeCode.jsonl(session))).toEqual([
      { did: 'said', by: 'user', text: 'Fix it. Soon.' },
      { did: 'said', by: 'system', text },
      { did: 'said', by: 'system', text: interrupted },
      { did: 'said', by: 'user', text: 'a <system-reminder> that never ends' },
    ])
  })

  test('Claude Code: calls and results', async () => {
    const block = (id: string, name: string, input: object) => ({ type: 'tool_use', id, name, input })
    const line = claudeCode.says(2, 1, '')
    const calls = {
      ...line,
      message: {
        role: 'assistant',
        content: [block('1', 'Bash', { command: 'make' }), block('2', 'Edit', { file_path: 'a', old_string: 'o', new_string: 'n' })],
      },
    }
    const result = {
      ...claudeCode.prompt(3, 2, ''),
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', is_error: true, content: 'Exit code 2' }] },
    }
    expect(
      await stepsIn(claudeCodeReader({ configFolder: '/x' }), claudeCode.jsonl([claudeCode.prompt(1, null, 'Go.'), calls, result])),
    ).toEqual([
      { did: 'said', by: 'user', text: 'Go.' },
      { did: 'ran', callId: '1', command: 'make' },
      { did: 'replaced', callId: '2', path: 'a', before: 'o', after: 'n' },
      { did: 'returned', callId: '1', failed: true, text: 'Exit code 2' },
    ])
  })

  test('Codex: command lines in each of their forms, patches, and exit codes', async () => {
    const item = (payload: object) => ({ timestamp: '2026-01-02T03:04:05Z', type: 'response_item', payload })
    const call = (callId: string, name: string, given: object) =>
      item({ type: 'function_call', name, call_id: callId, arguments: JSON.stringify(given) })
    const result = (callId: string, output: unknown) => item({ type: 'function_call_output', call_id: callId, output })
    const session = [
      call('1', 'exec_command', { cmd: 'ls -la' }),
      call('2', 'shell', { command: ['bash', '-lc', 'npm test'] }),
      call('3', 'shell', { command: ['git', 'status'] }),
      item({ type: 'custom_tool_call', name: 'apply_patch', call_id: '4', input: patch }),
      call('5', 'shell', { command: ['bash', '-lc', `apply_patch <<'EOF'\n${patch}\nEOF`] }),
      result('1', 'Wall time: 1 seconds\nProcess exited with code 1\nOutput:\nno'),
      result('2', 'Wall time: 1 seconds\nProcess exited with code 0\nOutput:\nyes'),
    ]
    const steps = await stepsIn(codexReader(), lines([codex.meta(), ...session]))
    expect(steps).toEqual([
      { did: 'ran', callId: '1', command: 'ls -la' },
      { did: 'ran', callId: '2', command: 'npm test' },
      { did: 'ran', callId: '3', command: 'git status' },
      ...patched('4'),
      ...patched('5'),
      { did: 'returned', callId: '1', failed: true, text: expect.stringContaining('no') as string },
      { did: 'returned', callId: '2', failed: false, text: expect.stringContaining('yes') as string },
    ])
  })

  test('OpenCode: a part holds its call and its result', async () => {
    const row = (id: string, type: string, data: object, more: object = {}) => ({ type, id, time_created: 1, data, ...more })
    const part = (id: string, data: object) => row(id, 'part', data, { message_id: 'msg_2' })
    const tool = (callID: string, name: string, state: object) => ({ type: 'tool', callID, tool: name, state })
    const session = [
      { type: 'opencode-session', id: 'ses_1', directory: '/home/dev' },
      row('msg_1', 'message', { role: 'user' }),
      row('prt_1', 'part', { type: 'text', text: 'Go.' }, { message_id: 'msg_1' }),
      row('prt_2', 'part', { type: 'text', text: 'Continue.', synthetic: true }, { message_id: 'msg_1' }),
      row('msg_2', 'message', { role: 'assistant' }),
      part('prt_3', { type: 'text', text: 'I go.' }),
      part('prt_4', tool('1', 'bash', { status: 'completed', input: { command: 'make' }, output: 'bad', metadata: { exit: 2 } })),
      part('prt_5', tool('2', 'read', { status: 'error', input: { filePath: 'a.ts' }, error: 'File not found' })),
    ]
    const steps = await stepsIn(openCodeReader(), lines(session))
    expect(steps.filter((step) => step.did !== 'said' || step.by !== 'system' || step.text === 'Continue.')).toEqual([
      { did: 'said', by: 'user', text: 'Go.' },
      { did: 'said', by: 'system', text: 'Continue.' },
      { did: 'said', by: 'assistant', text: 'I go.' },
      { did: 'ran', callId: '1', command: 'make' },
      { did: 'returned', callId: '1', failed: true, text: 'bad' },
      { did: 'read', callId: '2', path: 'a.ts' },
      { did: 'returned', callId: '2', failed: true, text: 'File not found' },
    ])
  })

  test('Gemini CLI: calls beside a message hold their results', async () => {
    const response = { functionResponse: { id: '1', name: 'run_shell_command', response: { error: 'no such file' } } }
    const session = [
      { sessionId: 's', projectHash: 'h', startTime: '2026-01-02T03:04:05Z', lastUpdated: '2026-01-02T03:04:05Z', kind: 'main' },
      { id: 'm1', timestamp: '2026-01-02T03:04:05Z', type: 'user', content: 'Go.' },
      {
        id: 'm2',
        timestamp: '2026-01-02T03:04:05Z',
        type: 'gemini',
        content: 'I go.',
        thoughts: [{ subject: 'Plan', description: 'first' }],
        toolCalls: [{ id: '1', name: 'run_shell_command', args: { command: 'make' }, status: 'error', result: [response] }],
      },
    ]
    expect(await stepsIn(gemini.reader, lines(session))).toEqual([
      { did: 'said', by: 'user', text: 'Go.' },
      { did: 'thought', text: 'Plan\nfirst' },
      { did: 'said', by: 'assistant', text: 'I go.' },
      { did: 'ran', callId: '1', command: 'make' },
      { did: 'returned', callId: '1', failed: true, text: 'no such file' },
    ])
  })

  test('Copilot CLI: requests of a message, and what came of them', async () => {
    const event = (type: string, data: object) => ({ type, id: type, timestamp: '2026-01-02T03:04:05Z', parentId: null, data })
    const toolRequests = [
      { toolCallId: '1', name: 'bash', arguments: { command: 'make' } },
      { toolCallId: '2', name: 'edit', arguments: { path: 'a', old_str: 'o', new_str: 'n' } },
    ]
    const session = [
      copilot.start(),
      event('user.message', { content: 'Go.' }),
      event('assistant.message', { content: 'I go.', toolRequests }),
      event('tool.execution_complete', { toolCallId: '1', success: false, error: { message: 'bad' } }),
    ]
    const steps = await stepsIn(copilotReader({ folder: '/x' }), lines(session))
    expect(steps).toEqual([
      { did: 'said', by: 'user', text: 'Go.' },
      { did: 'said', by: 'assistant', text: 'I go.' },
      { did: 'ran', callId: '1', command: 'make' },
      { did: 'replaced', callId: '2', path: 'a', before: 'o', after: 'n' },
      { did: 'returned', callId: '1', failed: true, text: 'bad' },
    ])
  })

  test('messages of every SDK: Anthropic’s blocks, OpenAI’s tool_calls, the AI SDK’s parts', async () => {
    const messages = [
      { role: 'user', content: 'Go.' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I go.' },
          { type: 'tool_use', id: '1', name: 'bash', input: { command: 'make' } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', is_error: true, content: 'bad' }] },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: '2', type: 'function', function: { name: 'read_file', arguments: '{"path":"a.ts"}' } }],
      },
      { role: 'tool', tool_call_id: '2', content: 'text of a' },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: '3', toolName: 'shell', input: { command: 'ls' } }] },
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: '3', output: { type: 'text', value: 'a.ts' } }] },
    ]
    const transcript = await messagesTranscript(messages, { sessionId: 's' }).open()
    const [part] = await Array.fromAsync(transcript.parts())
    const bytes = (await part?.source.read(0, part.source.sizeBytes)) ?? new Uint8Array(0)
    expect(await stepsIn(messagesReader(), bytes)).toEqual([
      { did: 'said', by: 'user', text: 'Go.' },
      { did: 'said', by: 'assistant', text: 'I go.' },
      { did: 'ran', callId: '1', command: 'make' },
      { did: 'returned', callId: '1', failed: true, text: 'bad' },
      { did: 'read', callId: '2', path: 'a.ts' },
      { did: 'returned', callId: '2', failed: false, text: 'text of a' },
      { did: 'ran', callId: '3', command: 'ls' },
      { did: 'returned', callId: '3', failed: false, text: 'a.ts' },
    ])
  })

  test('a patch gives each hunk by itself, and what is no patch gives nothing', () => {
    expect(patchSteps(patch, undefined)).toEqual(patched())
    expect(patchSteps('no patch at all\n- really', 'x')).toEqual([])
  })

  test('no reader throws on a line, whatever stands in it', async () => {
    const readers = [
      piReader(),
      claudeCodeReader({ configFolder: '/x' }),
      codexReader(),
      openCodeReader(),
      gemini.reader,
      copilotReader({ folder: '/x' }),
      messagesReader(),
    ]
    const keys = fc.constantFrom(
      'type',
      'message',
      'role',
      'content',
      'payload',
      'data',
      'toolCalls',
      'toolRequests',
      'id',
      'name',
      'arguments',
      'input',
      'state',
      'edits',
      'text',
    )
    const leaves = fc.constantFrom<unknown>(
      'user',
      'assistant',
      'tool',
      'toolCall',
      'tool_use',
      'part',
      'response_item',
      'function_call',
      'edit',
      '{',
      null,
      7,
      true,
    )
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, leaves, fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(keys, tie('any'), { maxKeys: 5 })),
    })).any
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(keys, value, { maxKeys: 6 }), { maxLength: 4 }), async (rows) => {
        for (const reader of readers) await stepsIn(reader, lines(rows))
      }),
      { numRuns: 150 },
    )
  })
})
