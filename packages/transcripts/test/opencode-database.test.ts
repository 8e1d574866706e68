import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openCodeReader, openCodeSessions, openCodeTranscript } from '../src/index.ts'
import { type AgentDatabase, agentDatabase } from './opencode-database.ts'
import {
  answer,
  compaction,
  header,
  linesOf,
  message,
  messageId,
  partId,
  prompt,
  ran,
  says,
  sessionId,
  twoCompactions,
} from './opencode-session.ts'
import { all } from './pi-sessions.ts'

const reader = openCodeReader({ dataFolder: '/data' })
let folder: string
let path: string
let agent: AgentDatabase

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-opencode-'))
  path = join(folder, 'opencode.db')
  agent = agentDatabase(path)
})
afterEach(async () => {
  if (agent.database.isOpen) agent.close()
  await rm(folder, { recursive: true, force: true })
})

async function exported(id = sessionId): Promise<Record<string, string>> {
  const transcript = await openCodeTranscript(`${path}#${id}`)?.open()
  const read: Record<string, string> = {}
  for await (const { name, source } of transcript?.parts() ?? [])
    read[name] = Buffer.from(await source.read(0, source.sizeBytes)).toString()
  await transcript?.close()
  return read
}

async function leafId(): Promise<string | undefined> {
  const transcript = await openCodeTranscript(`${path}#${sessionId}`)?.open()
  if (transcript === undefined) return undefined
  const lines = await all(reader.structure(transcript))
  await transcript.close()
  return lines
    .flat()
    .flatMap((line) => (line.kind === 'bad' || line.leafId === undefined ? [] : line.leafId))
    .at(-1)
}

describe('the export of a session', () => {
  test('has one line a row in order of their times and ids, whatever order they were written in', async () => {
    agent.put([header()])
    agent.put(twoCompactions().slice(1).toReversed())
    expect((await exported())['main']).toBe(Buffer.from(linesOf(twoCompactions())).toString())
  })

  test('is the same bytes for the same rows, and a turn more appends to them', async () => {
    agent.put(twoCompactions())
    const before = await exported()
    expect(await exported()).toEqual(before)
    agent.put([header(), ...prompt(0x600, 'more'), ...answer(0x610, 0x600, [says('yes')])])
    const after = await exported()
    expect(after['main']?.startsWith(before['main'] ?? '?')).toBe(true)
    expect(after['main']).not.toBe(before['main'])
  })

  test('keeps what changes in old rows in parts of their own', async () => {
    agent.put(twoCompactions())
    const before = await exported()
    agent.put(
      [
        ...message(
          0x100,
          { role: 'user', time: { created: 0x100 }, agent: 'build', model: { providerID: 'mock', modelID: 'm' }, summary: { diffs: [1] } },
          [],
        ),
        ...answer(0x110, 0x100, [
          { type: 'reasoning', text: 'hm' },
          ran('read', 'content of a', { start: 1, end: 2, compacted: 77 }),
          says('one'),
        ]),
      ],
      { updatedAt: 99 },
    )
    agent.database.exec("UPDATE session SET title = 'Another', tokens_input = 5, time_updated = 9")
    const after = await exported()
    expect(after['main']).toBe(before['main'])
    expect(after['session.json']).toContain('Another')
    expect(after['changing.jsonl']).toContain(`{"id":"${messageId(0x100)}","time_updated":99,"summary":{"diffs":[1]}}`)
    expect(after['changing.jsonl']).toContain('"compacted":77')
  })

  test('ends before a compaction that is under way, and has it once it has ended, well or not', async () => {
    const before = [header(), ...prompt(0x100, 'first'), ...answer(0x110, 0x100, [says('one')])]
    agent.put(before)
    const main = (await exported())['main']
    agent.put(message(0x200, { role: 'user' }, [{ type: 'compaction', auto: true }]))
    agent.put(message(0x210, { role: 'assistant', parentID: messageId(0x200), summary: true }, [says('half a summ')]))
    expect((await exported())['main']).toBe(main)
    agent.put(compaction(0x200, { auto: true }, { error: { name: 'APIError' }, finish: undefined }))
    expect((await exported())['main']).toContain('APIError')
    agent.put(compaction(0x200, { auto: true }))
    const whole = await exported()
    expect(whole['main']?.startsWith(main ?? '?')).toBe(true)
    expect(whole['main']).toContain('summary 512')
  })

  test('keeps a row whose JSON is broken as text, and reads all others', async () => {
    agent.put(twoCompactions())
    agent.database.prepare('UPDATE part SET data = ? WHERE id = ?').run('{"type":"text","te', partId(0x100))
    const main = (await exported())['main'] ?? ''
    expect(main).toContain('"data":"{\\"type\\":\\"text\\",\\"te"')
    const lines = await all(reader.entries({ parts: () => partsOf({ main }) }))
    expect(lines.filter((line) => line.kind === 'bad')).toEqual([])
    expect(lines.map((line) => (line.kind === 'bad' ? '' : line.text))).toContain('second')
  })

  test('never has the secret of a share', async () => {
    agent.put(twoCompactions())
    agent.database.prepare('INSERT INTO session_share VALUES (?, ?, ?, ?)').run(sessionId, 's', 'hush-hush', 'https://example.org/s')
    expect(JSON.stringify(await exported())).not.toContain('hush-hush')
  })

  test('of a session of many megabytes lies in a file without a name, and nothing is left of it', async () => {
    await mkdir(join(folder, 'tmp'))
    vi.stubEnv('TMPDIR', join(folder, 'tmp'))
    const large = 'x'.repeat(1 << 20)
    const rows = Array.from({ length: 12 }, (_, n) => answer(0x1000 + n * 16, 0x100, [says(`${n} ${large}`)])).flat()
    agent.put([header(), ...prompt(0x100, 'go'), ...rows])
    const main = (await exported())['main'] ?? ''
    expect(createHash('sha256').update(main).digest('hex')).toBe(
      createHash('sha256')
        .update(linesOf([header(), ...prompt(0x100, 'go'), ...rows]))
        .digest('hex'),
    )
    const transcript = await openCodeTranscript(`${path}#${sessionId}`)?.open()
    expect(await readdir(join(folder, 'tmp'))).toHaveLength(1)
    await transcript?.close()
    expect(await readdir(join(folder, 'tmp'))).toEqual([])
    vi.unstubAllEnvs()
  })

  test('stands before what the user has taken back', async () => {
    agent.put(twoCompactions())
    expect(await leafId()).toBe(partId(0x512))
    agent.database.prepare('UPDATE session SET revert = ?').run(JSON.stringify({ messageID: messageId(0x500) }))
    expect(await leafId()).toBe(partId(0x40c))
    agent.database.prepare('UPDATE session SET revert = ?').run(JSON.stringify({ messageID: messageId(0x510), partID: partId(0x511) }))
    expect(await leafId()).toBe(partId(0x510))
  })
})

describe('a database that its agent has open', () => {
  test('is read beside an unfinished write, which goes on, and no byte of it changes', async () => {
    agent.put(twoCompactions())
    agent.database.exec('BEGIN IMMEDIATE')
    agent.put([header(), ...prompt(0x600, 'not yet')])
    const files = [path, `${path}-wal`]
    const before = await Promise.all(files.map((file) => readFile(file)))
    expect((await exported())['main']).not.toContain('not yet')
    expect(await Promise.all(files.map((file) => readFile(file)))).toEqual(before)
    agent.database.exec('COMMIT')
    expect((await exported())['main']).toContain('not yet')
  })

  test('is seen at one moment, however much is written meanwhile', async () => {
    const turns = Array.from({ length: 3000 }, (_, n) => prompt(0x1000 + n, `turn ${n}`)).flat()
    agent.database.exec('BEGIN')
    agent.put([header(), ...turns])
    agent.database.exec('COMMIT')
    const reading = exported()
    let writes = 0
    const writer = setInterval(() => {
      writes += 1
      agent.database.exec(`UPDATE message SET data = '{"role":"user","write":${writes}}'`)
    }, 0)
    const main = (await reading.finally(() => clearInterval(writer)))['main'] ?? ''
    expect(writes).toBeGreaterThan(0)
    expect(new Set(main.match(/"write":\d+|"role":"user","time"/g))).toHaveProperty('size', 1)
  })

  test('that nobody has open gets no file beside it', async () => {
    agent.put(twoCompactions())
    agent.close()
    expect(await readdir(folder)).toEqual(['opencode.db'])
    expect((await exported())['main']).toContain('third')
    expect(await readdir(folder)).toEqual(['opencode.db'])
  })

  test('that crashed with a log is read with what the log says', async () => {
    agent.put(twoCompactions())
    const crashed = join(folder, 'crashed', 'opencode.db')
    await mkdir(join(folder, 'crashed'))
    for (const end of ['', '-wal']) await writeFile(`${crashed}${end}`, await readFile(`${path}${end}`))
    path = crashed
    expect((await exported())['main']).toContain('third')
  })
})

describe('a session that is named', () => {
  test('by a database and its id, or by its file in the JSON store', () => {
    expect(openCodeTranscript('/d/opencode.db#ses_1')?.path).toBe('/d/opencode.db#ses_1')
    expect(openCodeTranscript('/d/storage/session/p1/ses_1.json')?.path).toBe('/d/storage/session/p1/ses_1.json')
    for (const other of [
      '/d/opencode.db',
      '/d/s.jsonl',
      '/d/c#.jsonl',
      '/d/session/p1/ses_1.json',
      '/d/storage/session/p1/info.json',
      '#ses_1',
    ])
      expect(openCodeTranscript(other), other).toBeUndefined()
  })

  test.each([
    ['a session that is not there', async () => `${path}#ses_nobody`, 'TRANSCRIPT_UNREADABLE'],
    ['a database that is not there', async () => `${folder}/none.db#ses_1`, 'TRANSCRIPT_UNREADABLE'],
    ['a folder', async () => `${folder}#ses_1`, 'TRANSCRIPT_UNREADABLE'],
    ['a file that is no database', async () => `${await other('plain.db', 'hello\n'.repeat(500))}#ses_1`, 'TRANSCRIPT_UNREADABLE'],
    ['a database of somebody else', async () => `${foreign()}#ses_1`, 'TRANSCRIPT_UNRECOGNISED'],
    ['a session file that is no JSON', async () => other('storage/session/p1/ses_1.json', '{"id":"se'), 'TRANSCRIPT_UNRECOGNISED'],
    ['a session file of another session', async () => other('storage/session/p1/ses_1.json', '{"id":"ses_2"}'), 'TRANSCRIPT_UNRECOGNISED'],
  ])('as %s is refused with a code', async (_what, name, code) => {
    const named = await name()
    await expect(openCodeTranscript(named)?.open()).rejects.toMatchObject({ code })
  })

  test('is among those that its database lists, with its size', async () => {
    agent.put(twoCompactions())
    agent.put([header({ id: 'ses_second', time_created: 1_800_000_000_000 }), ...prompt(0x9000, 'hi')])
    const listed = await openCodeSessions(path)
    expect(listed.map((session) => session.path)).toEqual([`${path}#${sessionId}`, `${path}#ses_second`])
    expect(listed[0]?.sizeBytes).toBeGreaterThan(1000)
  })
})

describe('the state of a session in a database', () => {
  const states = async () => (await openCodeSessions(path)).map(({ state }) => state)
  const later = 1_700_000_000_000

  test('is another one as soon as a row of it is written, added or removed, and only then', async () => {
    agent.put(twoCompactions())
    agent.put([header({ id: 'ses_second', time_created: 1_800_000_000_000 }), ...prompt(0x9000, 'hi')])
    const { database } = agent
    const row = `INSERT INTO part VALUES ('prt_new', '${messageId(0x500)}', '${sessionId}', 5, 5, '{}')`
    const seen = new Set<string | undefined>()
    let before = await states()
    expect(new Set(before)).toHaveProperty('size', 2)
    expect(await states()).toEqual(before)
    for (const change of [
      `UPDATE part SET data = replace(data, 'third', 'THIRD'), time_updated = ${later} WHERE data LIKE '%third%'`,
      `UPDATE message SET time_updated = ${later} WHERE id = '${messageId(0x500)}'`,
      row,
      "UPDATE part SET data = '{ }' WHERE id = 'prt_new'",
      "DELETE FROM part WHERE id = 'prt_new'",
      `UPDATE session SET title = 'another' WHERE id = '${sessionId}'`,
      `INSERT INTO todo VALUES ('${sessionId}', 'do it', 'open', 'high', 0, 5, 5)`,
      "UPDATE todo SET status = 'done'",
    ]) {
      database.exec(change)
      const [first, second] = await states()
      expect([change, first === before[0], second === before[1]]).toEqual([change, false, true])
      seen.add(first)
      before = [first, second]
    }
    expect(seen.size).toBeGreaterThan(5)
    database.exec("CREATE TABLE migration (id text PRIMARY KEY, time_completed integer); INSERT INTO migration VALUES ('a', 1)")
    const migrated = await states()
    database.exec("INSERT INTO migration VALUES ('b', 2)")
    expect(new Set([...before, ...migrated, ...(await states())])).toHaveProperty('size', 6)
  })

  test('is none while it was only just written, where times are to come, and where rows have none', async () => {
    agent.put([header(), ...prompt(0x100, 'now')], { updatedAt: Date.now() })
    expect(await states()).toEqual([undefined])
    agent.put([header(), ...prompt(0x100, 'later')], { updatedAt: Date.now() + 1_000_000 })
    expect(await states()).toEqual([undefined])
    agent.put([header(), ...prompt(0x100, 'then')], { updatedAt: Date.now() - 60_000 })
    expect(await states()).toEqual([expect.any(String)])
    agent.database.exec('CREATE TABLE session_input (id text, session_id text, prompt text)')
    expect(await states()).toEqual([expect.any(String)])
    agent.database.exec(`INSERT INTO session_input VALUES ('i', '${sessionId}', 'said')`)
    expect(await states()).toEqual([undefined])
  })
})

describe('a branch', () => {
  async function branch(leaf: string, options: { dropUnanswered?: boolean; name?: string } = {}): Promise<unknown> {
    const transcript = await openCodeTranscript(`${path}#${sessionId}`)?.open()
    if (transcript === undefined) throw new Error('no transcript')
    const pieces = await all(
      reader.rewrite(transcript, { sessionId: 'ses_new', leafId: leaf, createdAt: 5, parent: { sessionId }, ...options }),
    )
    await transcript.close()
    return JSON.parse(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString())
  }

  test('has ids of its own in the old order, with every reference renewed', async () => {
    agent.put(twoCompactions())
    const document = await branch(partId(0x512))
    const text = JSON.stringify(document)
    for (const old of [messageId(0x300), partId(0x300), `"sessionID":"${sessionId}","messageID"`])
      expect(text.split(old).length - 1).toBeLessThanOrEqual(1)
    const { messages } = document as { messages: { info: Record<string, string>; parts: Record<string, string>[] }[] }
    const ids = messages.map(({ info }) => info['id'] ?? '')
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set([...ids, ...messages.flatMap(({ parts }) => parts.map((part) => part['id']))]).size).toBe(38)
    for (const { info } of messages) if (info['parentID'] !== undefined) expect(ids).toContain(info['parentID'])
    expect(messages.flatMap(({ parts }) => parts).find((part) => part['tail_start_id'] !== undefined)?.['tail_start_id']).toBe(ids[6])
    expect(document).toMatchObject({
      info: {
        id: 'ses_new',
        title: 'A session',
        metadata: { palimpsest: { sessionID: sessionId, boundaries: { [ids[4] ?? '']: messageId(0x200) } } },
      },
    })
  })

  test('has the name it is given, and leaves out a prompt that nothing has answered', async () => {
    agent.put([header(), ...prompt(0x100, 'first'), ...answer(0x110, 0x100, [says('one')]), ...prompt(0x120, 'lost')])
    expect(await branch(partId(0x120))).toMatchObject({ messages: { length: 3 } })
    expect(await branch(partId(0x120), { dropUnanswered: true, name: ' Mine ' })).toMatchObject({
      info: { title: 'Mine' },
      messages: { length: 2 },
    })
  })

  test('takes a tool result for pruned only where the model has answered since', async () => {
    const at = 1_700_000_000_000
    const tool = (compacted: number) => answer(0x110, 0x100, [ran('read', 'content', { start: 1, end: 2, compacted })])
    agent.put([header(), ...prompt(0x100, 'first'), ...tool(at + 0x115), ...prompt(0x120, 'second')])
    expect(JSON.stringify(await branch(partId(0x120)))).not.toContain('"compacted"')
    agent.put([header(), ...answer(0x130, 0x120, [says('two')])])
    expect(JSON.stringify(await branch(partId(0x132)))).toContain(`"compacted":${at + 0x115}`)
    expect(JSON.stringify(await branch(partId(0x120)))).not.toContain('"compacted"')
  })
})

async function* partsOf(parts: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(parts)) {
    const bytes = new TextEncoder().encode(text)
    yield { name, source: { sizeBytes: bytes.length, read: async (start: number, end: number) => bytes.slice(start, end) } }
  }
}

async function other(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
  return file
}

function foreign(): string {
  const file = join(folder, 'foreign.db')
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE session (id text)')
  database.close()
  return file
}
