import { type ReaderSample, testReader } from '@palimpsest/conformance'
import { test } from 'vitest'
import { openClawReader, piReader } from '../src/index.ts'
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
import { assistant, bytesOf, header, row, twoCompactions, user, versionOne } from './pi-sessions.ts'

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
