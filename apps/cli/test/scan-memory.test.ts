import { appendFile, chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { type Host, openHost } from '@palimpsest/host'
import { expect, onTestFinished, test } from 'vitest'
// @boundaries-ignore sessions made by hand are written once
import { claudeCodeSession, compactedPiSession, geminiSession, putOpenCodeDatabase } from '../../../packages/host/test/support/sessions.ts'
// @boundaries-ignore the same
import { agentDatabase } from '../../../packages/transcripts/test/opencode-database.ts'
// @boundaries-ignore the same
import { header } from '../../../packages/transcripts/test/opencode-session.ts'
import { type ScanRequest, scanFiles } from '../src/scan-files.ts'
import { scanBlocks, scanNotes } from '../src/scan-report.ts'

const isRoot = process.getuid?.() === 0
const claudeId = '22222222-2222-4222-8222-222222222222'

async function homeFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'palimpsest-scan-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function put(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

/** A host whose openings of transcripts are written down. */
async function opening(home: string): Promise<{ host: Host; opened: string[] }> {
  const host = await openHost({ env: {}, homeFolder: home })
  onTestFinished(() => host.close())
  const opened: string[] = []
  const origin: Host['files']['origin'] = (path) => {
    const real = host.files.origin(path)
    return {
      ...real,
      open(options) {
        opened.push(path)
        return real.open(options)
      },
    }
  }
  return { host: { ...host, files: { ...host.files, origin } }, opened }
}

/** Scans a home once what was written there is old enough to be told from what is written next. */
async function scan(home: string, request: Partial<ScanRequest> = {}) {
  await wait(30)
  const { host, opened } = await opening(home)
  const result = await scanFiles(host, { paths: [], cwd: home, signal: new AbortController().signal, ...request })
  const sessions = result.files.map(({ path, imported }) => ({
    path,
    key: imported?.sessionKey,
    ids: imported?.checkpointIds,
    tokens: imported?.tokensBefore,
    stored: imported?.totalStoredBytes,
  }))
  const added = result.files.reduce((sum, { imported }) => sum + (imported?.created ?? 0) + (imported?.completed ?? 0), 0)
  return { sessions, added, opened: [...new Set(opened)], result, host }
}

const piPath = (home: string, name: string) => join(home, '.pi/agent/sessions/--p--', `${name}.jsonl`)
const compacted = (name: string) => compactedPiSession(name, '2026-01-02T03:04:10.000Z')

async function homeOfMany(): Promise<string> {
  const home = await homeFolder()
  for (const name of ['one', 'two']) await put(piPath(home, name), compacted(name))
  await put(join(home, '.claude/projects/-p', `${claudeId}.jsonl`), claudeCodeSession(claudeId))
  await put(join(home, '.claude/projects/-p', claudeId, 'subagents/agent-a.jsonl'), claudeCodeSession(claudeId))
  await put(join(home, '.claude/projects/-p/notes.jsonl'), '{"no":"session"}\n')
  await put(join(home, '.openclaw/agents/main/sessions/claw.jsonl'), compacted('claw'))
  await put(
    join(home, '.gemini/tmp/shop/chats/session-2026-01-02T03-04-b9f47197.jsonl'),
    geminiSession('b9f47197-bbbb-4d92-8990-dfe4a393965b', '/gone', true),
  )
  await putOpenCodeDatabase(join(home, '.local/share/opencode/opencode.db'), ['ses_a', 'ses_b'])
  return home
}

test('a second scan opens no file and says the same', async () => {
  const home = await homeOfMany()
  const first = await scan(home)
  expect(first.added).toBe(4)
  expect(first.opened).toHaveLength(8)
  expect(first.sessions.find(({ key }) => key === 'one')).toMatchObject({ tokens: 1000 })
  const second = await scan(home)
  expect(second.opened).toEqual([])
  expect(second.added).toBe(0)
  expect(second.sessions).toEqual(first.sessions)
})

test('what was written to is read again, and nothing else', async () => {
  const home = await homeOfMany()
  await scan(home)
  const more = {
    type: 'compaction',
    id: 'cccccccc',
    parentId: 'bbbbbbbb',
    timestamp: '2026-01-02T03:05:10.000Z',
    summary: 'Again.',
    firstKeptEntryId: 'aaaaaaaa',
    tokensBefore: 500,
  }
  await appendFile(piPath(home, 'one'), `${JSON.stringify(more)}\n`)
  const grown = await scan(home)
  expect(grown.opened).toEqual([piPath(home, 'one')])
  expect(grown.added).toBe(1)
  expect(grown.sessions.find(({ key }) => key === 'one')).toMatchObject({ tokens: 1500, ids: [expect.any(String), expect.any(String)] })
  await put(join(home, '.claude/projects/-p', claudeId, 'subagents/agent-b.jsonl'), claudeCodeSession(claudeId))
  expect((await scan(home)).opened).toEqual([join(home, '.claude/projects/-p', `${claudeId}.jsonl`)])
  await put(join(home, '.openclaw/agents/main/sessions/sessions.json'), JSON.stringify({ 'agent:main:x': { sessionId: 'claw' } }))
  const named = await scan(home)
  expect(named.opened).toEqual([join(home, '.openclaw/agents/main/sessions/claw.jsonl')])
  expect(named.sessions.some(({ key }) => key === 'agent:main:x')).toBe(true)
  expect((await scan(home)).opened).toEqual([])
})

test('a file of the same size and time of writing, but written since, is read again', async () => {
  const home = await homeFolder()
  const path = await put(piPath(home, 'one'), compacted('one'))
  await scan(home)
  const { atime, mtime } = await stat(path)
  await writeFile(path, compacted('two'))
  const { utimes } = await import('node:fs/promises')
  await utimes(path, atime, mtime)
  expect((await scan(home)).sessions).toMatchObject([{ key: 'two' }])
})

test('a database that its agent has open is read beside it, and again once it was written', async () => {
  const home = await homeFolder()
  const path = await putOpenCodeDatabase(join(home, '.local/share/opencode/opencode.db'), ['ses_a'])
  const database = new DatabaseSync(path)
  onTestFinished(() => database.close())
  database.exec("INSERT INTO message VALUES ('msg_more', 'ses_a', 3, '{\"role\":\"user\"}')")
  await put(piPath(home, 'one'), compacted('one'))
  expect((await scan(home)).sessions).toHaveLength(2)
  expect((await scan(home)).opened).toEqual([])
  database.exec("INSERT INTO session VALUES ('ses_b', 'slug', '/project', '1.18.33', 9)")
  database.exec("INSERT INTO message VALUES ('msg_b', 'ses_b', 9, '{\"role\":\"user\"}')")
  database.exec("BEGIN IMMEDIATE; INSERT INTO message VALUES ('msg_never', 'ses_b', 10, '{\"role\":\"user\"}')")
  const { sessions, opened } = await scan(home)
  database.exec('ROLLBACK')
  expect(sessions.map(({ key }) => key)).toEqual(['one', 'ses_a', 'ses_b'])
  expect(opened).toHaveLength(2)
})

test('a deleted checkpoint stays deleted, --again brings it back, and undeleting is seen', async () => {
  const home = await homeFolder()
  await put(piPath(home, 'one'), compacted('one'))
  const { sessions, host } = await scan(home)
  const [id = ''] = sessions[0]?.ids ?? []
  await host.checkpoints.delete([id])
  expect((await scan(home)).sessions).toMatchObject([{ ids: [], tokens: 0 }])
  await host.checkpoints.undelete(id)
  expect((await scan(home)).sessions).toMatchObject([{ ids: [id] }])
  await host.checkpoints.delete([id])
  await scan(home)
  const again = await scan(home, { again: true })
  expect(again.sessions).toMatchObject([{ ids: [id] }])
  expect((await scan(home)).sessions).toEqual(again.sessions)
})

test('losing the memory, and another store, make it read everything again, with the same result', async () => {
  const home = await homeOfMany()
  const first = await scan(home)
  await rm(join(home, '.cache'), { recursive: true })
  const second = await scan(home)
  expect(second.opened).toHaveLength(first.opened.length)
  expect(second.added).toBe(0)
  expect(second.sessions).toEqual(first.sessions)
  await rm(join(home, '.local/share/palimpsest'), { recursive: true })
  const anew = await scan(home)
  expect(anew.added).toBe(4)
  expect(anew.sessions).toEqual(first.sessions)
})

test('a broken session is reported each time, and the rest go on', async () => {
  const home = await homeOfMany()
  const broken = await put(
    join(home, '.pi/agent/sessions/--p--/broken.jsonl'),
    '{"type":"session","version":3,"id":"x","cwd":"/p"}\n{"type":"mess',
  )
  for (const added of [4, 0]) {
    const found = await scan(home)
    expect(found.added).toBe(added)
    expect(found.result.files).toHaveLength(8)
    expect(found.result.files.find(({ path }) => path === broken)).toMatchObject({ imported: { problemCount: 1 } })
  }
  const database = await put(join(home, '.local/share/opencode/opencode-next.db'), `SQLite format 3\0${'broken '.repeat(200)}`)
  for (const _ of [1, 2]) {
    const { result } = await scan(home)
    expect(result.unread.map(({ path, error }) => [path, error.code])).toEqual([[database, 'TRANSCRIPT_UNREADABLE']])
    expect(result.files).toHaveLength(8)
  }
})

test('records of an agent of a later version are counted and kept, in every scan', async () => {
  const home = await homeFolder()
  const later = { type: 'hologram', id: 'dddddddd', parentId: null, timestamp: '2026-01-02T03:04:05.500Z', beams: 3 }
  const lines = compacted('one').split('\n')
  const path = await put(piPath(home, 'one'), [lines[0], JSON.stringify(later), ...lines.slice(1)].join('\n'))
  for (const _ of [1, 2]) {
    const { result, host } = await scan(home)
    expect(result.files).toMatchObject([{ path, imported: { unknownEntries: 1, problemCount: 0, checkpointIds: [expect.any(String)] } }])
    expect(JSON.stringify(scanNotes(result))).toContain('1 record of a kind that is not known here')
    expect(Buffer.concat(await Array.fromAsync(host.checkpoints.raw('latest'))).toString()).toContain('hologram')
  }
})

test('another home is scanned with --root, and nothing is written to it', async () => {
  const [home, other] = [await homeFolder(), await homeOfMany()]
  const before = await everything(other)
  const { sessions, added } = await scan(home, { root: other })
  expect(added).toBe(4)
  expect(sessions).toHaveLength(7)
  expect((await scan(home, { root: other })).opened).toEqual([])
  expect((await scan(home)).sessions).toEqual([])
  expect(await everything(other)).toEqual(before)
})

test.skipIf(isRoot)(
  'sessions of another user and a home that can not be written: what can be read is kept, the rest is named',
  async () => {
    const [home, other] = [await homeFolder(), await homeOfMany()]
    const secret = piPath(other, 'two')
    const folder = join(other, '.claude/projects/-p')
    await chmod(secret, 0o000)
    await chmod(folder, 0o000)
    const readOnly = [dirname(secret), join(other, '.local/share/opencode')]
    for (const path of readOnly) await chmod(path, 0o555)
    onTestFinished(async () => {
      for (const path of [folder, ...readOnly]) await chmod(path, 0o755)
    })
    const { result, added } = await scan(home, { root: other })
    expect(added).toBe(3)
    expect(result.unread.map(({ path, error }) => [path, error.code])).toEqual([
      [secret, 'TRANSCRIPT_UNREADABLE'],
      [folder, 'TRANSCRIPT_UNREADABLE'],
    ])
    await chmod(secret, 0o600)
    expect((await scan(home, { root: other })).added).toBe(1)
  },
)

async function everything(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.sort().map(async (path) => {
      const { size, mtimeMs, ctimeMs } = await stat(path)
      return [path, size, mtimeMs, ctimeMs].join(' ')
    }),
  )
}

test('copies that OpenClaw made are scanned behind their session, count as no session, and are not opened again whatever sessions.json says', async () => {
  const home = await homeFolder()
  const folder = join(home, '.openclaw/agents/main/sessions')
  const copyName = (name: string, at: number) => `${name}.checkpoint.0000000${at}-0000-4000-8000-00000000000${at}.jsonl`
  const whole = compacted('claw')
  const before = whole.slice(0, whole.trimEnd().lastIndexOf('\n') + 1)
  await put(join(folder, 'claw.jsonl'), whole)
  await put(join(folder, copyName('claw', 1)), before)
  await put(join(folder, copyName('gone', 2)), whole.replaceAll('claw', 'gone'))
  await put(join(folder, 'sessions.json'), '{}')
  const first = await scan(home)
  expect(first.result.files.map(({ path, copyOf }) => [basename(path), copyOf])).toEqual([
    [copyName('claw', 1), join(folder, 'claw.jsonl')],
    ['claw.jsonl', undefined],
    [copyName('gone', 2), join(folder, 'gone.jsonl')],
  ])
  expect(first.sessions.map(({ key, ids }) => [key, ids?.length])).toEqual([
    ['claw', 0],
    ['claw', 1],
    ['gone', 2],
  ])
  expect(first.added).toBe(3)
  const text = JSON.stringify(scanBlocks(first.result, { list: '', scanFolder: '' }))
  expect(text).toContain('2 sessions · 3 compactions kept')
  await put(join(folder, 'sessions.json'), '{"changed":{}}')
  const second = await scan(home)
  expect([second.sessions, second.added]).toEqual([first.sessions, 0])
  expect(second.opened).toEqual([join(folder, 'claw.jsonl')])
  await rm(join(folder, 'claw.jsonl'))
  expect((await scan(home)).sessions).toEqual(first.sessions.filter(({ path }) => path.includes('checkpoint')))
})

test('documents of an older Gemini CLI are noted in one line, since no compaction can be found in them, and are not opened again', async () => {
  const home = await homeFolder()
  const document = (sessionId: string) =>
    JSON.stringify({ sessionId, projectHash: 'ab12', messages: [{ id: 'u1', type: 'user', content: 'hi' }] })
  for (const id of ['one', 'two', 'three']) await put(join(home, `.gemini/tmp/p/chats/session-2025-12-17T10-20-${id}.json`), document(id))
  await put(join(home, '.gemini/tmp/p/chats/session-2025-12-17T10-21-four.json'), document('four').slice(0, 60))
  const first = await scan(home)
  const notes = scanNotes(first.result).map((note) => JSON.stringify(note))
  expect(notes).toEqual([
    expect.stringContaining('one.json and 2 more files: older gemini sessions don'),
    expect.stringContaining('broken'),
  ])
  const second = await scan(home)
  expect(scanNotes(second.result).map((note) => JSON.stringify(note))).toEqual(notes)
  expect(second.opened.filter((path) => !path.includes('four'))).toEqual([])
})

test('of a database that was written only the sessions that changed are exported again', async () => {
  const home = await homeFolder()
  const path = join(home, '.local/share/opencode/opencode.db')
  await mkdir(dirname(path), { recursive: true })
  const agent = agentDatabase(path)
  onTestFinished(() => agent.close())
  for (const id of ['ses_a', 'ses_b', 'ses_c']) agent.put([header({ id }), ...rowsOf(id)])
  const first = await scan(home)
  expect(first.sessions.map(({ key }) => key)).toEqual(['ses_a', 'ses_b', 'ses_c'])
  expect(first.opened).toHaveLength(3)
  agent.database.exec("UPDATE part SET data = replace(data, 'hello', 'HELLO'), time_updated = 7 WHERE session_id = 'ses_b'")
  const second = await scan(home)
  expect(second.opened).toEqual([`${path}#ses_b`])
  expect(second.sessions).toEqual(first.sessions)
  expect((await scan(home)).opened).toEqual([])
})

const rowsOf = (id: string) => [
  { type: 'message', id: `msg_${id}`, time_created: 5, data: { role: 'user' } },
  { type: 'part', id: `prt_${id}`, message_id: `msg_${id}`, time_created: 5, data: { type: 'text', text: 'hello' } },
]
