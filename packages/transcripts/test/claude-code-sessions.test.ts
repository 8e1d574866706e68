import { claudeCodeSessionFolders } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { projectSlug } from '../src/claude-code/slug.ts'
import { attachment, chained, jsonl, otherId, prompt, reader, says, sessionId, state, transcriptOf, uuid } from './claude-code-session.ts'

const path = `/home/dev/.claude/projects/-home-dev-project/${sessionId}.jsonl`
const detects = (head: Uint8Array | string, at = path) =>
  reader.detect(typeof head === 'string' ? new TextEncoder().encode(head) : head, { path: at, siblings: new Set() })

describe('detect', () => {
  test.each([
    ['a prompt', prompt(1, null, 'hello')],
    ['a queued prompt', state('queue-operation', { operation: 'enqueue' })],
    ['a title of an older client', { type: 'summary', summary: 'A title', leafUuid: uuid(1) }],
    ['a snapshot of files, which has no session id', { type: 'file-history-snapshot', messageId: uuid(1), snapshot: {} }],
    ['an attachment', attachment(1, null)],
    ['a hook’s progress', chained(1, null, { type: 'progress', data: { type: 'hook_progress' } })],
  ])('a file that begins with %s is a session', (_what, line) => {
    expect(detects(jsonl([line]))).toBe(true)
  })

  test('lines that are none, or of a type not known yet, may come before the first known one', () => {
    expect(detects(jsonl(['null', '{"torn', '', state('a-new-type'), prompt(1, null, 'hello')]))).toBe(true)
    expect(detects(jsonl([state('a-new-type')]))).toBe(false)
  })

  test('a first line that is longer than the head is recognised by the fields before the cut', () => {
    const head = jsonl([prompt(1, null, 'x'.repeat(10_000))])
    for (const cut of [100, 1000, 5000]) expect(detects(head.subarray(0, cut))).toBe(true)
    expect(detects('{"type":"user","message":{"content":"hello')).toBe(false)
    expect(detects('{"content":"\\"parentUuid\\":null,\\"isSidechain\\":false,')).toBe(false)
  })

  test('a byte order mark and carriage returns do not hide a session', () => {
    const line = JSON.stringify(prompt(1, null, 'hello'))
    expect(detects(`\uFEFF${line}\r\n`)).toBe(true)
  })

  test.each([
    [
      'pi’s',
      '{"type":"session","version":3,"id":"x","timestamp":"2026-01-01T00:00:00Z","cwd":"/p"}\n{"type":"message","id":"a","parentId":null}\n',
    ],
    ['Codex’s', '{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"x","cwd":"/p"}}\n'],
    [
      'Gemini’s',
      `{"sessionId":"${sessionId}","projectHash":"x","startTime":"2026-01-01","kind":"main"}\n{"id":"a","type":"user","content":"hi"}\n`,
    ],
    ['Copilot’s', '{"type":"session.start","data":{"sessionId":"x"},"id":"a","timestamp":"2026-01-01T00:00:00Z","parentId":null}\n'],
    ['a prompt history', `{"display":"hello","timestamp":1,"project":"/p","sessionId":"${sessionId}"}\n`],
    ['nothing', ''],
    ['garbage', '\u0000\u0001\u0002 not json\n[1,2,3]\n"text"\nnull\n'],
  ])('%s file is not one', (_whose, content) => {
    expect(detects(content)).toBe(false)
  })

  test('the file of a sub-agent is never a session', () => {
    const head = jsonl([prompt(1, null, 'hello')])
    expect(detects(head, '/p/agent-a1.jsonl')).toBe(false)
    expect(detects(head, `/p/${sessionId}/subagents/other.jsonl`)).toBe(false)
    expect(detects(head, `/p/subagents/deep/other.jsonl`)).toBe(false)
    expect(detects(head, 'C:\\p\\subagents\\other.jsonl')).toBe(false)
  })
})

describe('identify', () => {
  test('the key is the file’s name where that is a UUID', async () => {
    const transcript = await transcriptOf([prompt(1, null, 'hello', {})], { path: `/p/${otherId}.jsonl` })
    expect(await reader.identify(transcript)).toEqual({ sessionKey: otherId, sessionId: otherId, cwd: '/home/dev/project' })
  })

  test('else it is the last session id in the lines', async () => {
    const lines = [{ ...prompt(1, null, 'hello'), sessionId: otherId }, says(2, 1, 'hi')]
    expect(await reader.identify(await transcriptOf(lines, { path: '/p/copy.jsonl' }))).toMatchObject({ sessionKey: sessionId, sessionId })
  })

  test('the working directory is that of the last line that is not a sub-agent’s', async () => {
    const lines = [
      prompt(1, null, 'hello'),
      { ...says(2, 1, 'hi'), cwd: '/moved' },
      { ...says(3, 2, 'hi'), cwd: '/agent', isSidechain: true },
      state('mode'),
    ]
    expect(await reader.identify(await transcriptOf(lines))).toMatchObject({ cwd: '/moved' })
  })

  test('the parent is the session that a fork names', async () => {
    const lines = [prompt(1, null, 'hello', { forkedFrom: { sessionId: otherId, messageUuid: uuid(1) } })]
    expect(await reader.identify(await transcriptOf(lines))).toMatchObject({ sessionId, parent: { sessionId: otherId } })
  })

  test('of a large file only the ends are read, the whole of it where they do not say enough', async () => {
    const filler = Array.from({ length: 400 }, (_, at) => ({ ...says(at + 2, at + 1, 'x'.repeat(2000)), cwd: '/middle' }))
    const first = prompt(1, null, 'hello', { forkedFrom: { sessionId: otherId, messageUuid: uuid(1) } })
    const main = jsonl([first, ...filler, { ...says(500, 401, 'end'), cwd: '/end' }])
    const reads: number[] = []
    const open = async (bytes: Uint8Array) => {
      const inner = await transcriptOf(bytes, { path: '/p/copy.jsonl' })
      return {
        ...inner,
        async *parts() {
          for await (const { name, source } of inner.parts()) {
            yield {
              name,
              source: {
                sizeBytes: source.sizeBytes,
                read: (start: number, end: number) => {
                  reads.push(end - start)
                  return source.read(start, end)
                },
              },
            }
          }
        },
      }
    }
    expect(await reader.identify(await open(main))).toEqual({
      sessionKey: sessionId,
      sessionId,
      cwd: '/end',
      parent: { sessionId: otherId },
    })
    expect(reads.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(512 << 10)
    const oneHugeLine = { ...says(600, 500, 'y'.repeat(600_000)), cwd: '/huge' }
    expect(await reader.identify(await open(jsonl([...filler, oneHugeLine])))).toMatchObject({ sessionId, cwd: '/huge' })
  })

  test.each([
    ['nothing', []],
    ['garbage', ['null', 'x', '{}', '{"type":"session","id":"a"}']],
  ])('%s is not recognised', async (_what, lines) => {
    await expect(reader.identify(await transcriptOf(lines))).rejects.toMatchObject({ code: 'TRANSCRIPT_UNRECOGNISED' })
  })
})

describe('sidecars', () => {
  const matches = (name: string) => reader.sidecars(`${sessionId}.jsonl`).filter(({ pattern }) => pattern.test(name)).length

  test('sub-agents and tool results lie in the folder of the session’s id', () => {
    expect(reader.sidecars(`${sessionId}.jsonl`).map(({ folder }) => folder)).toEqual([sessionId])
    for (const name of [
      'subagents/agent-a1.jsonl',
      'subagents/agent-a1.meta.json',
      'subagents/runs/r1/agent-b.jsonl',
      'tool-results/b5q.txt',
      'tool-results/x/y.json',
    ])
      expect([name, matches(name)]).toEqual([name, 1])
  })

  test('nothing else does', () => {
    for (const name of [
      'other/x.txt',
      'subagents/notes.txt',
      'tool-results',
      'tool-results/../../x',
      'tool-results/.hidden',
      'tool-results/a\nb',
      '../subagents/agent-a.jsonl',
      '/tool-results/x',
    ])
      expect([name, matches(name)]).toEqual([name, 0])
  })

  test('a file name that could lead elsewhere has no sidecars', () => {
    for (const name of ['...jsonl', '..jsonl', '.jsonl', 'a/b.jsonl', 'a\\b.jsonl', 'x.json', 'a b.jsonl', ''])
      expect([name, reader.sidecars(name)]).toEqual([name, []])
  })
})

describe('place', () => {
  const place = (options: Partial<Parameters<typeof reader.place>[0]>) =>
    reader.place({ sessionId: otherId, createdAt: 0, cwd: '/home/dev/project', ...options })

  test('a session lies in the folder of its project', () => {
    expect(place({ reason: 'manual' })).toMatchObject({
      folder: '/home/dev/.claude/projects/-home-dev-project',
      fileName: `${otherId}.jsonl`,
      sidecarFolder: `/home/dev/.claude/projects/-home-dev-project/${otherId}`,
      resumeArgv: ['claude', '--resume', otherId],
    })
  })

  test('in another folder it is resumed by its path', () => {
    const { folder, resumeArgv, sidecarFolder } = place({ to: '/elsewhere' })
    expect({ folder, resumeArgv, sidecarFolder }).toEqual({
      folder: '/elsewhere',
      resumeArgv: ['claude', '--resume', `/elsewhere/${otherId}.jsonl`],
      sidecarFolder: `/elsewhere/${otherId}`,
    })
  })

  test('a checkpoint of an automatic compaction comes with the command that keeps it from being compacted again', () => {
    const command = `DISABLE_AUTO_COMPACT=1 claude --resume ${otherId}`
    for (const reason of ['auto-threshold', 'unknown', 'overflow-retry', 'timeout-retry'] as const)
      expect(place({ reason }).warnings.join()).toContain(command)
    for (const reason of ['manual', 'session-end', undefined] as const)
      expect(place({ reason }).warnings.join()).not.toContain('DISABLE_AUTO_COMPACT')
    expect(place({ reason: 'unknown', to: "/it's here" }).warnings.join()).toContain(`--resume '/it'\\''s here/${otherId}.jsonl'`)
  })

  test('it is said that saved tool results are still named at their old place, and that a working directory is not known', () => {
    expect(place({}).warnings).toHaveLength(1)
    expect(place({ cwd: undefined }).warnings).toHaveLength(2)
  })

  test('the folder’s name has a hyphen for every code unit but letters and digits', () => {
    expect(projectSlug('/home/dev_1/My Project.v2')).toBe('-home-dev-1-My-Project-v2')
    expect(projectSlug('/é/😀')).toBe('-----')
    expect(projectSlug('C:\\dev')).toBe('C--dev')
  })

  test('a long name is cut and ends in a hash of the whole path', () => {
    expect(projectSlug(`/${'a'.repeat(199)}`)).toBe(`-${'a'.repeat(199)}`)
    const long = projectSlug(`/${'a'.repeat(200)}`)
    expect(long).toMatch(/^-a{199}-[0-9a-z]+$/)
    expect(projectSlug(`/${'a'.repeat(199)}/`)).not.toBe(projectSlug(`/${'a'.repeat(199)}.`))
    expect(projectSlug('ab'.repeat(101))).toBe(`${'ab'.repeat(100)}-${Math.abs(hash('ab'.repeat(101))).toString(36)}`)
  })

  test('sessions are looked for in the configured folder, else in the home folder', () => {
    expect(claudeCodeSessionFolders({}, '/home/dev')).toEqual(['/home/dev/.claude/projects'])
    expect(claudeCodeSessionFolders({ CLAUDE_CONFIG_DIR: '' }, '/home/dev')).toEqual(['/home/dev/.claude/projects'])
    expect(claudeCodeSessionFolders({ CLAUDE_CONFIG_DIR: '/conf' }, '/home/dev')).toEqual(['/conf/projects'])
  })
})

/** The same hash by its definition, over whole numbers. */
function hash(path: string): number {
  const sum = [...path].reduce((value, character) => value * 31n + BigInt(character.charCodeAt(0)), 0n)
  return Number(BigInt.asIntN(32, sum))
}
