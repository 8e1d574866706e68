import { execFile } from 'node:child_process'
import { chmod, link, mkdir, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { zstdCompressSync } from 'node:zlib'
import { nodeTranscriptFiles } from '@palimpsest/transcripts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { knownAgents } from '../src/agents.ts'
import { type FindOptions, type FindProblem, type FoundTranscript, findTranscripts } from '../src/find-transcripts.ts'
import { claudeCodeSession, codexRollout, piSession, put, putOpenCodeDatabase } from './support/sessions.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const isRoot = process.getuid?.() === 0
const claudeId = '22222222-2222-4222-8222-222222222222'

interface Found {
  readonly sessions: readonly FoundTranscript[]
  readonly problems: readonly FindProblem[]
}

/** What is found in a home folder. */
async function find(homeFolder: string, options: FindOptions = {}, env: Record<string, string> = {}): Promise<Found> {
  const sessions: FoundTranscript[] = []
  const problems: FindProblem[] = []
  const host = { ...knownAgents(env, homeFolder), files: nodeTranscriptFiles() }
  for await (const found of findTranscripts(host, options)) {
    if ('error' in found) problems.push(found)
    else sessions.push(found)
  }
  return { sessions, problems }
}

function namesBelow(folder: string, { sessions }: Found): string[] {
  return sessions.map(({ agent, path }) => `${agent} ${relative(folder, path)}`)
}

describe('without paths', () => {
  test('the sessions of every agent are found where it keeps them', async () => {
    const home = await temporaryFolder()
    await put(join(home, '.pi/agent/sessions/--project--/2026_a.jsonl'), piSession('a'))
    await put(join(home, '.openclaw/agents/main/sessions/b.jsonl'), piSession('b'))
    await put(join(home, '.claude/projects/-project', `${claudeId}.jsonl`), claudeCodeSession(claudeId))
    await put(join(home, 'elsewhere/c.jsonl'), piSession('c'))
    const found = await find(home)
    expect(found.problems).toEqual([])
    expect(namesBelow(home, found)).toEqual([
      'openclaw .openclaw/agents/main/sessions/b.jsonl',
      'pi .pi/agent/sessions/--project--/2026_a.jsonl',
      `claude-code .claude/projects/-project/${claudeId}.jsonl`,
    ])
    expect(found.sessions[0]?.sizeBytes).toBe(piSession('b').length)
    expect(namesBelow(home, await find(home, { agents: ['pi'], paths: [] }))).toEqual(['pi .pi/agent/sessions/--project--/2026_a.jsonl'])
  })

  test("Codex's are found by day and archived, compressed ones too, each once", async () => {
    const home = await temporaryFolder()
    const name = (at: number) => `rollout-2026-11-22T20-24-37-${claudeId.slice(0, -1)}${at}.jsonl`
    const rollout = codexRollout(claudeId)
    await put(join(home, '.codex/sessions/2026/11/22', name(1)), rollout)
    await put(join(home, '.codex/sessions/2026/11/22', `${name(1)}.zst`), zstdCompressSync(rollout))
    await put(join(home, '.codex/sessions/2026/11/23', `${name(2)}.zst`), zstdCompressSync(rollout))
    await put(join(home, '.codex/archived_sessions', name(3)), rollout)
    await put(join(home, '.codex/session_index.jsonl'), '{"id":"x","thread_name":"a"}\n')
    await put(join(home, 'other/sessions', name(4)), rollout)
    expect(namesBelow(home, await find(home))).toEqual([
      `codex .codex/sessions/2026/11/22/${name(1)}`,
      `codex .codex/sessions/2026/11/23/${name(2)}.zst`,
      `codex .codex/archived_sessions/${name(3)}`,
    ])
    expect(namesBelow(home, await find(home, {}, { CODEX_HOME: join(home, 'other') }))).toEqual([`codex other/sessions/${name(4)}`])
  })

  test('the folders that the environment names are looked into instead', async () => {
    const home = await temporaryFolder()
    await put(join(home, '.pi/agent/sessions/x/a.jsonl'), piSession('a'))
    await put(join(home, 'pi/sessions/x/b.jsonl'), piSession('b'))
    await put(join(home, 'claw/agents/main/sessions/c.jsonl'), piSession('c'))
    await put(join(home, 'claude/projects/p', `${claudeId}.jsonl`), claudeCodeSession(claudeId))
    const env = {
      PI_CODING_AGENT_DIR: join(home, 'pi'),
      OPENCLAW_STATE_DIR: join(home, 'claw'),
      CLAUDE_CONFIG_DIR: join(home, 'claude'),
    }
    expect(namesBelow(home, await find(home, {}, env))).toEqual([
      'openclaw claw/agents/main/sessions/c.jsonl',
      'pi pi/sessions/x/b.jsonl',
      `claude-code claude/projects/p/${claudeId}.jsonl`,
    ])
  })

  test('agents that are not there are no problem', async () => {
    expect(await find(await temporaryFolder())).toEqual({ sessions: [], problems: [] })
  })
})

describe('folders of several agents', () => {
  test('that lead to the same sessions give each once, by the first agent’s folder, the same every time', async () => {
    const home = await temporaryFolder()
    for (let at = 0; at < 40; at += 1) await put(join(home, `.pi/agent/sessions/--p${at % 7}--/${at}.jsonl`), piSession(`pi-${at}`))
    for (let at = 0; at < 40; at += 1) await put(join(home, `.openclaw/agents/a${at % 3}/sessions/${at}.jsonl`), piSession(`claw-${at}`))
    // Walked later than OpenClaw's own folder, which has the sessions below their own names.
    await symlink(join(home, '.openclaw/agents/a1'), join(home, '.pi/agent/sessions/linked'))
    await symlink(join(home, '.openclaw'), join(home, '.pi/agent/sessions/above'))
    await symlink(join(home, '.pi/agent/sessions/--p0--'), join(home, '.openclaw/agents/borrowed'))
    const first = namesBelow(home, await find(home))
    expect(first).toHaveLength(80)
    expect(first.filter((name) => name.includes('linked') || name.includes('above'))).toEqual([])
    expect(first.filter((name) => name.includes('borrowed'))).toHaveLength(6)
    expect(first.slice(0, 3)).toEqual(['0', '12', '15'].map((at) => `openclaw .openclaw/agents/a0/sessions/${at}.jsonl`))
    for (let round = 0; round < 5; round += 1) expect(namesBelow(home, await find(home))).toEqual(first)
  })
})

describe('below a named folder', () => {
  test('only .jsonl files that a reader claims are sessions, in the order of their names', async () => {
    const folder = await temporaryFolder()
    for (const name of ['b.jsonl', 'a/z.jsonl', 'a/b/c.jsonl', 'c.jsonl', 'B.jsonl']) await put(join(folder, name), piSession(name))
    await put(join(folder, 'notes.jsonl'), '{"hello":"world"}\n')
    await put(join(folder, 'broken.jsonl'), 'not json\n')
    await put(join(folder, 'empty.jsonl'), '')
    await put(join(folder, 'session.json'), piSession('x'))
    await put(join(folder, 'session.jsonl.bak'), piSession('x'))
    await mkdir(join(folder, 'folder.jsonl'))
    const found = await find(folder, { paths: [folder] })
    expect(found.problems).toEqual([])
    expect(namesBelow(folder, found)).toEqual(['pi B.jsonl', 'pi a/b/c.jsonl', 'pi a/z.jsonl', 'pi b.jsonl', 'pi c.jsonl'])
  })

  test('a session is recognised by its first 64 KiB, however long it is', async () => {
    const folder = await temporaryFolder()
    const text = `${piSession('long')}${JSON.stringify({ type: 'custom', id: 'b', parentId: 'a', data: 'x'.repeat(300_000) })}\n`
    await put(join(folder, 'long.jsonl'), text)
    expect(await find(folder, { paths: [folder] })).toMatchObject({ sessions: [{ agent: 'pi', sizeBytes: text.length }] })
  })

  test('sidecars are never sessions, with their main file or without', async () => {
    const folder = await temporaryFolder()
    await put(join(folder, `${claudeId}.jsonl`), claudeCodeSession(claudeId))
    const sidecar = await put(join(folder, claudeId, 'subagents/agent-1.jsonl'), claudeCodeSession(claudeId))
    await put(join(folder, claudeId, 'tool-results/session.jsonl'), piSession('printed by a tool'))
    await put(join(folder, 'gone/subagents/agent-2.jsonl'), claudeCodeSession('gone'))
    const found = await find(folder, { paths: [folder] })
    expect(namesBelow(folder, found)).toEqual([`claude-code ${claudeId}.jsonl`])
    expect(found.problems).toEqual([])
    expect(namesBelow(folder, await find(folder, { paths: [join(folder, claudeId)] }))).toEqual([])
    const named = await find(folder, { paths: [sidecar] })
    expect(named).toMatchObject({ sessions: [], problems: [{ path: sidecar, error: { code: 'TRANSCRIPT_UNRECOGNISED' } }] })
    expect(named.problems[0]?.error.message).toContain(join(folder, `${claudeId}.jsonl`))
  })

  test('a folder that only bears the name of a sidecar folder hides nothing', async () => {
    const folder = await temporaryFolder()
    await put(join(folder, 'x/tool-results/a.jsonl'), piSession('a'))
    expect(namesBelow(folder, await find(folder, { paths: [folder] }))).toEqual(['pi x/tool-results/a.jsonl'])
  })

  test('links to folders are followed without going round, each folder once', async () => {
    const home = await temporaryFolder()
    await put(join(home, 'scanned/a/one.jsonl'), piSession('one'))
    await put(join(home, 'outside/two.jsonl'), piSession('two'))
    await symlink('..', join(home, 'scanned/a/up'))
    await symlink(join(home, 'scanned'), join(home, 'scanned/self'))
    await symlink(join(home, 'outside'), join(home, 'scanned/out'))
    await symlink(join(home, 'outside'), join(home, 'scanned/out-again'))
    await symlink('nowhere', join(home, 'scanned/broken'))
    await symlink(join(home, 'scanned/a/one.jsonl'), join(home, 'scanned/linked.jsonl'))
    const found = await find(home, { paths: [join(home, 'scanned')] })
    expect(found.problems).toEqual([])
    expect(namesBelow(join(home, 'scanned'), found)).toEqual(['pi a/one.jsonl', 'pi out/two.jsonl'])
  })

  test('folders beyond the depth that is looked into are reported', async () => {
    const folder = await temporaryFolder()
    const deep = join(folder, ...Array.from({ length: 30 }, () => 'd'))
    await put(join(deep, 'a.jsonl'), piSession('a'))
    const found = await find(folder, { paths: [folder] })
    expect(found).toMatchObject({ sessions: [], problems: [{ error: { code: 'TRANSCRIPT_UNREADABLE' } }] })
    expect((await find(folder, { paths: [found.problems[0]?.path ?? ''] })).sessions).toHaveLength(1)
  })

  test.skipIf(isRoot)('folders and files that can not be read are problems, and the search goes on', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'b'))
    await put(join(folder, 'a.jsonl'), piSession('a'))
    await put(join(folder, 'c.jsonl'), piSession('c'))
    await chmod(join(folder, 'b'), 0)
    await chmod(join(folder, 'a.jsonl'), 0)
    onTestFinished(() => chmod(join(folder, 'b'), 0o700))
    const found = await find(folder, { paths: [folder] })
    expect(namesBelow(folder, found)).toEqual(['pi c.jsonl'])
    expect(found.problems.map(({ path }) => relative(folder, path))).toEqual(['a.jsonl', 'b'])
    expect(new Set(found.problems.map(({ error }) => error.code))).toEqual(new Set(['TRANSCRIPT_UNREADABLE']))
  })

  test.skipIf(process.platform === 'win32')('pipes and sockets are never opened', async () => {
    const folder = await temporaryFolder()
    await promisify(execFile)('mkfifo', [join(folder, 'a.jsonl')])
    const server = createServer().listen(join(folder, 'b.jsonl'))
    onTestFinished(() => void server.close())
    await put(join(folder, 'c.jsonl'), piSession('c'))
    const found = await find(folder, { paths: [folder] })
    expect(namesBelow(folder, found)).toEqual(['pi c.jsonl'])
    expect(found.problems).toEqual([])
    const named = await find(folder, { paths: [join(folder, 'a.jsonl'), join(folder, 'b.jsonl')] })
    expect(named.problems.map(({ error }) => error.code)).toEqual(['TRANSCRIPT_UNREADABLE', 'TRANSCRIPT_UNREADABLE'])
  })

  test('with agents given, sessions of others are passed over', async () => {
    const folder = await temporaryFolder()
    await put(join(folder, 'a.jsonl'), piSession('a'))
    await put(join(folder, `${claudeId}.jsonl`), claudeCodeSession(claudeId))
    expect(namesBelow(folder, await find(folder, { paths: [folder], agents: ['claude-code'] }))).toEqual([`claude-code ${claudeId}.jsonl`])
  })
})

describe('a named path', () => {
  test('is a session whatever its name and through a link, in the order given, each once', async () => {
    const folder = await temporaryFolder()
    const odd = await put(join(folder, 'saved session.txt'), piSession('a'))
    const plain = await put(join(folder, 'sub/b.jsonl'), piSession('b'))
    const linked = join(folder, 'linked')
    await symlink(plain, linked)
    const twin = join(folder, 'sub/twin.jsonl')
    await link(plain, twin)
    const found = await find(folder, { paths: [plain, odd, join(folder, 'sub'), relative(process.cwd(), plain), linked] })
    expect(found.problems).toEqual([])
    expect(found.sessions.map(({ path }) => path)).toEqual([plain, odd, twin, linked])
  })

  test('that is no session, is missing, or is another agent’s is a problem, and the others are found', async () => {
    const folder = await temporaryFolder()
    const good = await put(join(folder, 'good.jsonl'), piSession('a'))
    const notes = await put(join(folder, 'notes.jsonl'), '{"hello":"world"}\n')
    const empty = await put(join(folder, 'empty.jsonl'), '')
    const missing = join(folder, 'missing.jsonl')
    const below = join(good, 'below.jsonl')
    const found = await find(folder, { paths: [notes, missing, '', empty, below, 'a\0b', good] })
    expect(found.sessions.map(({ path }) => path)).toEqual([good])
    expect(found.problems.map(({ error }) => error.code)).toEqual([
      'TRANSCRIPT_UNRECOGNISED',
      'TRANSCRIPT_UNREADABLE',
      'ARGUMENT_INVALID',
      'TRANSCRIPT_UNRECOGNISED',
      'TRANSCRIPT_UNREADABLE',
      'TRANSCRIPT_UNREADABLE',
    ])
    const other = await find(folder, { paths: [good], agents: ['claude-code'] })
    expect(other.problems).toMatchObject([{ path: good, error: { code: 'TRANSCRIPT_UNRECOGNISED' } }])
    expect(other.problems[0]?.error.message).toContain('pi')
  })

  test('that is an empty folder gives nothing', async () => {
    const folder = await temporaryFolder()
    expect(await find(folder, { paths: [folder] })).toEqual({ sessions: [], problems: [] })
  })
})

test('an unknown agent is refused, with those that are known', async () => {
  await expect(find('/nowhere', { agents: ['pi', 'emacs'] })).rejects.toMatchObject({
    code: 'ARGUMENT_INVALID',
    details: { argument: 'agent', expected: expect.stringContaining('claude-code') },
  })
})

test('an aborted signal stops the search with its own reason', async () => {
  const folder = await temporaryFolder()
  await put(join(folder, 'a.jsonl'), piSession('a'))
  const reason = new Error('enough')
  await expect(find(folder, { paths: [folder], signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

describe('sessions in a database', () => {
  const sessionFile = 'storage/session/p1/ses_old.json'

  async function openCodeHome(): Promise<string> {
    const home = await temporaryFolder()
    const data = join(home, '.local/share/opencode')
    await putOpenCodeDatabase(join(data, 'opencode.db'), ['ses_a', 'ses_b'])
    await putOpenCodeDatabase(join(data, 'opencode-dev.db'), ['ses_c'])
    await put(join(data, sessionFile), JSON.stringify({ id: 'ses_old', directory: '/project' }))
    return home
  }

  test('are found one by one where the agent keeps its databases, beside those it kept in files before', async () => {
    const home = await openCodeHome()
    const found = await find(home)
    expect(found.problems).toEqual([])
    expect(namesBelow(join(home, '.local/share/opencode'), found)).toEqual([
      `opencode ${sessionFile}`,
      'opencode opencode-dev.db#ses_c',
      'opencode opencode.db#ses_a',
      'opencode opencode.db#ses_b',
    ])
    expect(found.sessions[3]?.sizeBytes).toBe('{"role":"user"}{"type":"text","text":"hello"}'.length)
    expect(await find(home, { agents: ['pi'] })).toEqual({ sessions: [], problems: [] })
  })

  test('are found where the environment says', async () => {
    const home = await temporaryFolder()
    await putOpenCodeDatabase(join(home, 'data/opencode/opencode.db'), ['ses_a'])
    await putOpenCodeDatabase(join(home, 'mine.sqlite'), ['ses_b'])
    const env = { XDG_DATA_HOME: join(home, 'data'), OPENCODE_DB: join(home, 'mine.sqlite') }
    expect(namesBelow(home, await find(home, {}, env))).toEqual(['opencode data/opencode/opencode.db#ses_a', 'opencode mine.sqlite#ses_b'])
  })

  test('are all meant by the database, one by its own name, and those below a folder by the folder', async () => {
    const home = await openCodeHome()
    const data = join(home, '.local/share/opencode')
    const one = join(data, 'opencode.db')
    expect(namesBelow(data, await find(home, { paths: [one] }))).toEqual(['opencode opencode.db#ses_a', 'opencode opencode.db#ses_b'])
    expect(namesBelow(data, await find(home, { paths: [`${one}#ses_b`, one] }))).toEqual([
      'opencode opencode.db#ses_b',
      'opencode opencode.db#ses_a',
    ])
    expect((await find(home, { paths: [data] })).sessions).toHaveLength(4)
  })

  test('that can not be read are a problem where they were named', async () => {
    const home = await openCodeHome()
    const database = join(home, '.local/share/opencode/opencode.db')
    const foreign = await putOpenCodeDatabase(join(home, 'foreign.db'), [])
    const { DatabaseSync } = await import('node:sqlite')
    const handle = new DatabaseSync(foreign)
    handle.exec('DROP TABLE part')
    handle.close()
    const found = await find(home, { paths: [`${database}#ses_nobody`, foreign] })
    expect(found.sessions).toEqual([])
    expect(found.problems.map(({ error }) => error.code)).toEqual(['TRANSCRIPT_UNREADABLE', 'TRANSCRIPT_UNRECOGNISED'])
    expect((await find(home, { paths: [database], agents: ['pi'] })).problems).toMatchObject([
      { error: { code: 'TRANSCRIPT_UNRECOGNISED' } },
    ])
  })
})
