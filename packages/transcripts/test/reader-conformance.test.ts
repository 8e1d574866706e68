import { type ReaderSample, testReader } from '@palimpsest/conformance'
import { test } from 'vitest'
import { messagesReader, openClawReader, openCodeReader, piReader } from '../src/index.ts'
import {
  attachment,
  boundary,
  calls,
  jsonl,
  preserving,
  prompt,
  reader,
  result,
  says,
  sessionId,
  state,
  summary,
  uuid,
} from './claude-code-session.ts'
import * as codex from './codex-sessions.ts'
import * as copilot from './copilot-session.ts'
import * as geminiSession from './gemini-session.ts'
import * as openCode from './opencode-session.ts'
import { assistant, bytesOf, header, row, twoCompactions, user, versionOne } from './pi-sessions.ts'
import { bytesOf as bytesOfLines } from './session-kit.ts'

const piSamples: readonly ReaderSample[] = [
  {
    name: 'pi v3, two compactions',
    path: '/home/dev/.pi/agent/sessions/--home-dev-app--/2026-01-02T03-04-00-000Z_s1.jsonl',
    main: () => bytesOf(twoCompactions()),
    sessionKey: 's1',
    sessionId: 's1',
    leafId: 'a4',
    contextCount: 3,
    compactions: [
      { leafId: 'a2', tokensBefore: 1000, contextCount: 4 },
      { leafId: 'a3', tokensBefore: 1000, contextCount: 5 },
    ],
  },
  {
    name: 'pi v3, moved back before it went on',
    path: '/home/dev/.pi/agent/sessions/--home-dev-app--/2026-01-02T03-04-00-000Z_s1.jsonl',
    main: () =>
      bytesOf([
        header(),
        user('u1', null),
        assistant('a1', 'u1'),
        user('u2', 'a1'),
        assistant('a2', 'u2'),
        row('label', 'l1', 'a2', { targetId: 'a1', label: 'here' }),
        user('u3', 'a1'),
        assistant('a3', 'u3'),
      ]),
    sessionKey: 's1',
    sessionId: 's1',
    leafId: 'a3',
    contextCount: 4,
    compactions: [],
  },
  {
    name: 'pi v1',
    path: '/home/dev/.pi/agent/sessions/--home-dev-app--/2026-01-02T03-04-00-000Z_s0.jsonl',
    main: () => bytesOf(versionOne()),
    sessionKey: 's0',
    sessionId: 's0',
    leafId: 'L7',
    contextCount: 5,
    compactions: [{ leafId: 'L4', tokensBefore: 10, contextCount: 4 }],
  },
]

const claudeCodeSamples: readonly ReaderSample[] = [
  {
    name: 'Claude Code, tools in parallel and one compaction that keeps the last turn',
    path: `/home/dev/.claude/projects/-home-dev-project/${sessionId}.jsonl`,
    main: () =>
      jsonl([
        state('queue-operation', { operation: 'enqueue' }),
        prompt(1, null, 'first'),
        attachment(2, 1, 'today'),
        calls(3, 2, 'call-a', 'msg_p'),
        calls(4, 3, 'call-b', 'msg_p'),
        result(5, 3, 'call-a'),
        result(6, 4, 'call-b'),
        says(7, 6, 'done'),
        prompt(8, 7, 'second'),
        says(9, 8, 'also done'),
        boundary(10, preserving(11, [8, 9])),
        summary(11, 10, 'what was'),
        prompt(12, 11, 'third'),
        says(13, 12, 'fine'),
      ]),
    sidecars: { 'subagents/agent-a1.jsonl': () => jsonl([{ ...prompt(20, null, 'aside'), isSidechain: true, agentId: 'a1' }]) },
    sessionKey: sessionId,
    sessionId,
    leafId: uuid(13),
    contextCount: 5,
    compactions: [{ leafId: uuid(9), tokensBefore: 2000, contextCount: 9 }],
  },
]

const item = codex.item

const codexSamples: readonly ReaderSample[] = [
  {
    name: 'Codex, legacy: two compactions, the second with a turn of its own',
    path: codex.path,
    main: () =>
      codex.jsonl([
        codex.meta(),
        codex.started('t1'),
        codex.message('developer', 'instructions'),
        codex.environment(),
        codex.user('first'),
        codex.event('user_message', { message: 'first' }),
        codex.call('c1'),
        codex.output('c1', 'a.txt'),
        codex.count(1000),
        codex.compacted(codex.summaryMessage('what was'), [
          item(codex.user('first')),
          item(codex.environment()),
          item(codex.user(codex.summaryMessage('what was'))),
        ]),
        codex.count(0, 90),
        codex.says('done'),
        codex.count(200),
        codex.completed('t1'),
        codex.started('t2'),
        codex.compacted(codex.summaryMessage('what was then'), [
          item(codex.user('first')),
          item(codex.user(codex.summaryMessage('what was then'))),
        ]),
        codex.completed('t2'),
        codex.started('t3'),
        codex.user('second'),
        codex.says('fine'),
        codex.count(300),
        codex.completed('t3'),
      ]),
    sessionKey: codex.sessionId,
    sessionId: codex.sessionId,
    leafId: 'L19',
    contextCount: 4,
    compactions: [
      { leafId: 'L7', tokensBefore: 1040, contextCount: 5 },
      { leafId: 'L11', tokensBefore: 240, contextCount: 3 },
    ],
  },
  {
    name: 'Codex, paginated: items with ids, an encrypted summary',
    path: codex.path,
    main: () =>
      codex.jsonl(
        codex.paginated([
          codex.meta({ session_id: codex.sessionId, history_mode: 'paginated' }),
          codex.started('t1', { turn_attribution: { turn_id: 't1' } }),
          codex.environment('msg_e'),
          codex.user('first', 'msg_1'),
          codex.call('c1', 'fc_1'),
          codex.output('c1', 'a.txt', 'fco_1'),
          codex.count(1000),
          codex.compacted('', [item(codex.user('first', 'msg_1')), { type: 'compaction', id: 'cmp_1', encrypted_content: 'x' }], {
            window_id: 'w2',
          }),
          codex.count(0, 90),
          codex.says('done', 'msg_2'),
          codex.count(200),
          codex.completed('t1'),
        ]),
      ),
    sessionKey: codex.sessionId,
    sessionId: codex.sessionId,
    leafId: 'msg_2',
    contextCount: 3,
    compactions: [{ leafId: 'fco_1', tokensBefore: 1040, contextCount: 4 }],
  },
  {
    name: 'Codex, legacy: a turn taken back',
    path: codex.path,
    main: () =>
      codex.jsonl([
        codex.meta(),
        codex.environment(),
        codex.user('first'),
        codex.says('one'),
        codex.message('developer', 'now elsewhere'),
        codex.user('second'),
        codex.says('two'),
        codex.event('thread_rolled_back', { num_turns: 1 }),
        codex.user('third'),
        codex.says('three'),
      ]),
    sessionKey: codex.sessionId,
    sessionId: codex.sessionId,
    leafId: 'L9',
    contextCount: 5,
    compactions: [],
  },
]

testReader({ test, reader: piReader({ agentFolder: '/home/dev/.pi/agent' }), samples: piSamples })
testReader({
  test,
  reader: openClawReader({ stateFolder: '/home/dev/.openclaw' }),
  samples: piSamples.map((sample) => ({
    ...sample,
    name: sample.name.replace('pi', 'OpenClaw'),
    path: '/home/dev/.openclaw/agents/main/sessions/s1.jsonl',
  })),
})
testReader({ test, reader, samples: claudeCodeSamples })
testReader({ test, reader: codex.reader, samples: codexSamples })

const openCodePath = '/home/dev/.local/share/opencode/opencode.db#'

const openCodeSamples: readonly ReaderSample[] = [
  {
    name: 'OpenCode, two compactions, the second of which keeps a turn',
    path: `${openCodePath}${openCode.sessionId}`,
    main: () => openCode.linesOf(openCode.twoCompactions()),
    sessionKey: openCode.sessionId,
    sessionId: openCode.sessionId,
    leafId: openCode.partId(0x512),
    contextCount: 5,
    compactions: [
      { leafId: openCode.partId(0x132), tokensBefore: 0x130 * 10 + 5, contextCount: 6 },
      { leafId: openCode.partId(0x312), tokensBefore: 0x310 * 10 + 5, contextCount: 3 },
    ],
  },
  {
    name: 'OpenCode, answers that failed and were cut short, a compaction that failed',
    path: `${openCodePath}${openCode.sessionId}`,
    main: () =>
      openCode.linesOf([
        openCode.header(),
        ...openCode.prompt(0x100, 'first'),
        ...openCode.answer(0x110, 0x100, [openCode.says('lost')], { error: { name: 'APIError', data: { message: 'overloaded' } } }),
        ...openCode.prompt(0x120, 'again'),
        ...openCode.answer(0x130, 0x120, [openCode.says('half')], { error: { name: 'MessageAbortedError' } }),
        ...openCode.compaction(0x200, { auto: false }, { error: { name: 'ContextOverflowError' }, finish: 'error' }),
        ...openCode.prompt(0x300, 'third'),
        ...openCode.answer(0x310, 0x300, [openCode.says('three')]),
      ]),
    sessionKey: openCode.sessionId,
    sessionId: openCode.sessionId,
    leafId: openCode.partId(0x312),
    contextCount: 5,
    compactions: [],
  },
]

testReader({ test, reader: openCodeReader({ dataFolder: '/home/dev/.local/share/opencode' }), samples: openCodeSamples })

const history = [
  { role: 'system', content: 'You help.' },
  { role: 'user', content: 'first' },
  { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'read', input: { path: 'a.ts' } }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'content of a' }] },
  { id: 'm5', role: 'assistant', content: 'one' },
]

testReader({
  test,
  reader: messagesReader({ folder: '/home/dev/histories' }),
  samples: [
    {
      name: 'a history of messages',
      path: '/tmp/c1.messages.jsonl',
      main: () =>
        Buffer.from(
          [{ type: 'palimpsest-messages', format: 1, sessionId: 'c1' }, ...history.map((message) => ({ message }))]
            .map((line) => `${JSON.stringify(line)}\n`)
            .join(''),
        ),
      sessionKey: 'c1',
      sessionId: 'c1',
      leafId: 'm5',
      contextCount: 5,
      compactions: [],
    },
  ],
})

const { gemini, info, list, metadata, rewind } = geminiSession
testReader({
  test,
  reader: geminiSession.reader,
  samples: [
    {
      name: 'Gemini CLI, two compactions, the first of which keeps a turn under new ids',
      path: geminiSession.path,
      main: () => bytesOfLines(geminiSession.twoCompactions()),
      sessionKey: geminiSession.sessionId,
      sessionId: geminiSession.sessionId,
      leafId: 'g4',
      contextCount: 4,
      compactions: [
        { leafId: 'g2', tokensBefore: 2000, contextCount: 5 },
        { leafId: 'g3', tokensBefore: 700, contextCount: 6 },
      ],
    },
    {
      name: 'Gemini CLI, a message written twice, a notice, a turn taken back, and a resume',
      path: geminiSession.path,
      main: () =>
        bytesOfLines([
          metadata(),
          list(geminiSession.context()),
          geminiSession.user('u1'),
          gemini('g1'),
          gemini('g1', 1000, { toolCalls: [{ id: 'call', name: 'read_file', args: {}, result: [] }] }),
          info('i1'),
          geminiSession.user('u2'),
          gemini('g2'),
          rewind('u2'),
          { $set: { sessionId: geminiSession.sessionId } },
          list(geminiSession.context(), geminiSession.user('u1'), gemini('g1')),
          geminiSession.user('u3'),
        ]),
      sessionKey: geminiSession.sessionId,
      sessionId: geminiSession.sessionId,
      leafId: 'u3',
      contextCount: 4,
      compactions: [],
    },
  ],
})

testReader({
  test,
  reader: copilot.reader,
  samples: [
    {
      name: 'Copilot CLI, a compaction by hand and one beside an answer',
      path: copilot.path,
      main: () => bytesOfLines(copilot.twoCompactions()),
      sidecars: {
        'workspace.yaml': () => Buffer.from(`id: ${copilot.sessionId}\nname: first\nsummary_count: 2\n`),
        'checkpoints/001-first.md': () => Buffer.from('summary s1'),
        'checkpoints/002-second.md': () => Buffer.from('summary s2'),
      },
      sessionKey: copilot.sessionId,
      sessionId: copilot.sessionId,
      leafId: 'a4',
      contextCount: 4,
      compactions: [
        { leafId: 'resume-1', tokensBefore: 10_815, contextCount: 4 },
        { leafId: 'hook-4', tokensBefore: 10_815, contextCount: 2 },
      ],
    },
  ],
})
