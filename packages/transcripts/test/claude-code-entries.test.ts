import { describe, expect, test } from 'vitest'
import {
  all,
  attachment,
  block,
  boundary,
  calls,
  chained,
  compactionsOf,
  entriesOf,
  type Fields,
  jsonl,
  linesOf,
  preserving,
  prompt,
  reader,
  result,
  says,
  state,
  summary,
  system,
  transcriptOf,
  uuid,
} from './claude-code-session.ts'

const entriesIn = async (...lines: (Fields | string)[]) => entriesOf(await transcriptOf(lines))
const only = async (line: Fields) => (await entriesIn(line))[0]
const compactionsIn = async (...lines: (Fields | string)[]) => compactionsOf(await transcriptOf(lines))

describe('entries', () => {
  test('lines of the chain have their uuid as id and move the leaf', async () => {
    const [first, second] = await entriesIn(prompt(1, null, 'hello'), says(2, 1, 'hi'))
    expect(first).toEqual({
      part: 'main',
      line: 0,
      start: 0,
      end: second?.start,
      kind: 'message',
      id: uuid(1),
      role: 'user',
      leafId: uuid(1),
      text: 'hello',
      createdAt: 1_700_000_001_000,
    })
    expect(second).toMatchObject({ id: uuid(2), parentId: uuid(1), role: 'assistant', leafId: uuid(2), text: 'hi' })
  })

  test('a repeated uuid gets the line it stands in, and so does one that looks like an id made here', async () => {
    const lines = [
      prompt(1, null, 'a'),
      prompt(1, null, 'again'),
      { ...prompt(2, 1, 'b'), uuid: 'L0' },
      { ...prompt(3, 2, 'c'), uuid: `${uuid(1)}@L1` },
      state('mode'),
    ]
    expect((await entriesIn(...lines)).map(({ id }) => id)).toEqual([uuid(1), `${uuid(1)}@L1`, 'L0@L2', `${uuid(1)}@L1@L3`, 'L4'])
  })

  test('lines without a uuid are state, and no leaf', async () => {
    const lines = [
      state('queue-operation', { content: 'queued words' }),
      state('custom-title', { customTitle: 'My title' }),
      state('new-thing'),
    ]
    const entries = await entriesIn(...lines, { type: 'file-history-snapshot', snapshot: { trackedFileBackups: { 'src/a.ts': {} } } })
    expect(entries.map(({ kind, id, leafId }) => [kind, id, leafId])).toEqual([0, 1, 2, 3].map((line) => ['state', `L${line}`, undefined]))
    expect(entries.map(({ text }) => text)).toEqual(['queued words', 'My title', '', 'src/a.ts'])
  })

  test('a result has the role and the name of its tool', async () => {
    const entries = await entriesIn(prompt(1, null, 'go'), calls(2, 1, 'toolu_1'), result(3, 2, 'toolu_1', 'done'))
    expect(entries[1]).toMatchObject({ role: 'assistant', tool: 'Bash', text: 'Bash {"command":"run toolu_1"}' })
    expect(entries[2]).toMatchObject({ role: 'tool', tool: 'Bash', text: 'done' })
  })

  test('what the model saw in an attachment makes it a message, what it did not see makes it state', async () => {
    expect(await only(attachment(1, null, 'It is Monday.'))).toMatchObject({ kind: 'message', role: 'system', text: 'It is Monday.' })
    expect(await only(attachment(1, null))).toMatchObject({ kind: 'state', leafId: uuid(1), text: '' })
    const old = chained(1, null, {
      type: 'attachment',
      attachment: { type: 'file', filename: 'a.ts', content: { type: 'text', file: { content: 'let a' } } },
    })
    expect(await only(old)).toMatchObject({ kind: 'message', text: 'let a\na.ts' })
  })

  test('boundaries and summaries are told from messages, and what the model does not see is state', async () => {
    const entries = await entriesIn(
      prompt(1, null, 'a'),
      boundary(2, preserving(3, [1])),
      summary(3, 2, 'in short'),
      system(4, 3),
      system(5, 4, 'local_command'),
    )
    expect(entries.map(({ kind }) => kind)).toEqual(['message', 'boundary', 'summary', 'state', 'message'])
    expect(entries[1]?.keeps).toEqual({ firstKeptEntryId: uuid(1), keptEntryIds: [uuid(1)] })
    expect(await only(chained(1, null, { type: 'progress', data: { type: 'bash_progress', output: 'building' } }))).toMatchObject({
      kind: 'state',
      text: 'building',
    })
    expect(await only(chained(1, null, { type: 'a-new-type' }))).toMatchObject({ kind: 'unknown', leafId: uuid(1) })
  })

  test('lines of a sub-agent in the main part are not on its branch', async () => {
    const sidechain = { ...says(2, 1, 'aside'), isSidechain: true }
    const entries = await entriesIn(
      prompt(1, null, 'a'),
      sidechain,
      { ...boundary(3), isSidechain: true },
      { ...summary(4, 3, 's'), isSidechain: true },
    )
    expect(entries.slice(1).map(({ kind, leafId }) => [kind, leafId])).toEqual(Array(3).fill(['state', undefined]))
    expect(entries[1]?.text).toBe('aside')
  })

  test('the file of a sub-agent is read as its own session, a saved tool result line by line', async () => {
    const sidecars = {
      'subagents/agent-a.jsonl': jsonl([
        { ...prompt(1, null, 'task'), isSidechain: true },
        { ...says(2, 1, 'done'), isSidechain: true },
      ]),
      'tool-results/b.txt': new TextEncoder().encode('first\r\nsecond'),
    }
    const transcript = await transcriptOf([prompt(1, null, 'a')], { sidecars })
    const agent = await all(reader.entries(transcript, { part: 'subagents/agent-a.jsonl' }))
    expect(agent).toMatchObject([
      { kind: 'message', role: 'user', text: 'task' },
      { kind: 'message', role: 'assistant', text: 'done' },
    ])
    expect(await all(reader.entries(transcript, { part: 'tool-results/b.txt' }))).toMatchObject([
      { id: 'L0', text: 'first' },
      { id: 'L1', text: 'second' },
    ])
    expect(await all(reader.entries(transcript, { part: 'tool-results/absent.txt' }))).toEqual([])
  })

  test('everything that can be read is in the text, nothing twice', async () => {
    const blocks = [
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'so' },
      { type: 'image', source: {} },
      { type: 'document', title: 'Paper', source: { type: 'text', data: 'words' } },
      { type: 'server_tool_use', name: 'web_search', input: { query: 'q' } },
    ]
    const message = chained(1, null, { type: 'assistant', message: { id: 'm', content: blocks } })
    expect((await only(message))?.text).toBe('hm\nso\n[image]\nPaper\nwords\nweb_search {"query":"q"}')
    const withResult = { ...result(1, null, 't', 'short'), toolUseResult: { stdout: 'short\n', stderr: 'a warning', interrupted: false } }
    expect((await only(withResult))?.text).toBe('short\na warning')
    const failed = { ...result(1, null, 't', 'Exit code 1'), toolUseResult: 'Error: Exit code 1' }
    expect((await only(failed))?.text).toBe('Exit code 1')
    const wroteError = { ...result(1, null, 't', 'no such file'), toolUseResult: { stdout: 'Error: no such file', stderr: '' } }
    expect((await only(wroteError))?.text).toBe('no such file\nError: no such file')
    const nested = chained(1, null, {
      type: 'user',
      message: {
        content: [
          {
            type: 'tool_result',
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b' },
            ],
          },
        ],
      },
    })
    expect((await only(nested))?.text).toBe('a\nb')
    expect((await only(state('api-request-blob', { message: { content: 'hello' } })))?.text).toBe('')
  })

  test('lines that are no objects are bad lines, and nothing around them is lost', async () => {
    const good = JSON.stringify(prompt(1, null, 'a'))
    const bytes = Buffer.concat([
      Buffer.from(`\uFEFF${good}\r\n`),
      Buffer.from('null\n\n[1]\n{"type":"user"\n'),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      Buffer.from(`${JSON.stringify(says(2, 1, 'b'))}\r\n{"torn":`),
    ])
    const lines = await linesOf(await transcriptOf(bytes))
    expect(lines.map(({ kind }) => kind)).toEqual(['message', 'bad', 'bad', 'bad', 'bad', 'bad', 'message', 'bad'])
    expect(lines.map(({ line }) => line)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(
      lines.map(({ start, end }) => bytes.subarray(start, end)).reduce((all, line) => Buffer.concat([all, line]), Buffer.alloc(0)),
    ).toEqual(bytes)
  })

  test('objects of any shape are entries', async () => {
    const odd = [
      '{}',
      '{"type":7}',
      '{"type":"user"}',
      '{"type":"user","uuid":5,"message":null}',
      '{"type":"assistant","uuid":"a","message":{"content":[null,1,[],{"type":"tool_use"}]}}',
      '{"type":"system","subtype":"compact_boundary","uuid":"b","compactMetadata":[]}',
    ]
    expect((await entriesIn(...odd)).map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'message', 'message', 'message', 'boundary'])
  })

  test('reading on from a line gives the same as reading all', async () => {
    const lines = [prompt(1, null, 'a'), calls(2, 1, 'toolu_1'), result(3, 2, 'toolu_1'), says(4, 3, 'b'), state('mode')]
    const transcript = await transcriptOf(lines)
    const whole = await linesOf(transcript)
    const { line, start } = whole[3] ?? { line: 0, start: 0 }
    expect(await all(reader.entries(transcript, { from: { line, start } }))).toEqual(whole.slice(3))
  })

  test('one line by itself says the same as when it is read in order', async () => {
    const lines = [prompt(1, null, 'a'), calls(2, 1, 'toolu_1'), result(3, 2, 'toolu_1', 'done'), attachment(4, 3, 'note')]
    const main = jsonl(lines)
    for (const entry of await entriesOf(await transcriptOf(main))) {
      const { text: _text, tool: _tool, createdAt: _createdAt, ...indexed } = entry
      expect(reader.entry(main.subarray(entry.start, entry.end), indexed)).toEqual(entry)
    }
    const { text: _text, ...indexed } = (await entriesOf(await transcriptOf(main)))[0] ?? expect.fail()
    expect(reader.entry(new TextEncoder().encode('not json'), indexed)).toMatchObject({ id: uuid(1), text: '' })
  })

  test('an abort stops reading with its own reason', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(all(reader.entries(await transcriptOf([prompt(1, null, 'a')]), { signal }))).rejects.toBe(reason)
  })
})

describe('compactions', () => {
  test('a manual compaction comes with its counts, its leaf, what it keeps and its summary', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      state('mode'),
      boundary(3, preserving(4, [2], [uuid(77)])),
      summary(4, 3, 'in short'),
      says(5, 4, 'c'),
    ]
    const entries = await entriesIn(...lines)
    const { start, end } = entries[3] ?? expect.fail()
    expect(await compactionsIn(...lines)).toEqual([
      {
        boundary: { part: 'main', line: 3, start, end, entryId: uuid(3) },
        leafId: uuid(2),
        createdAt: 1_700_000_003_000,
        reason: 'manual',
        tokensBefore: 2000,
        tokensAfter: 300,
        firstKeptEntryId: uuid(2),
        keptEntryIds: [uuid(2)],
        summary: 'in short',
      },
    ])
  })

  test.each([
    ['manual', 'manual'],
    ['auto', 'auto-threshold'],
    ['something', 'unknown'],
    [undefined, 'unknown'],
  ])('the trigger %s gives the reason %s', async (trigger, reason) => {
    expect(await compactionsIn(prompt(1, null, 'a'), boundary(2, { trigger }))).toMatchObject([{ reason }])
  })

  test('an old boundary names only the first that is kept, an older one nothing', async () => {
    const metadata = { trigger: 'auto', preTokens: 5, preservedSegment: { headUuid: uuid(1), anchorUuid: uuid(3), tailUuid: uuid(1) } }
    const [compaction] = await compactionsIn(
      prompt(1, null, 'a'),
      boundary(2, metadata),
      prompt(3, 2, 'b'),
      boundary(4, { trigger: 'auto', preTokens: -1 }),
    )
    expect(compaction).toMatchObject({ firstKeptEntryId: uuid(1), tokensBefore: 5 })
    expect(compaction).not.toHaveProperty('keptEntryIds')
    const last = (await compactionsIn(prompt(1, null, 'a'), boundary(2, { trigger: 'auto', preTokens: -1 })))[0]
    expect(Object.keys(last ?? {}).sort()).toEqual(['boundary', 'createdAt', 'leafId', 'reason'])
  })

  test('the summary need not be the next line, but belongs to the boundary before it', async () => {
    const lines = [
      prompt(1, null, 'a'),
      boundary(2),
      attachment(3, 2, 'x'),
      state('mode'),
      boundary(4),
      attachment(5, 4, 'y'),
      summary(6, 5, 'second'),
      summary(7, 6, 'repeated'),
    ]
    expect((await compactionsIn(...lines)).map((compaction) => [compaction.leafId, compaction.summary])).toEqual([
      [uuid(1), undefined],
      [uuid(3), 'second'],
    ])
  })

  test('a boundary at which the file ends counts', async () => {
    expect(await compactionsIn(prompt(1, null, 'a'), boundary(2))).toMatchObject([{ leafId: uuid(1), boundary: { entryId: uuid(2) } }])
  })

  test('the leaf is the last line of the main branch before the boundary in the file', async () => {
    const aside = { ...says(4, 1, 'aside'), isSidechain: true }
    expect(
      await compactionsIn(
        prompt(1, null, 'a'),
        says(2, 1, 'b'),
        system(3, 2),
        aside,
        state('last-prompt', { leafUuid: uuid(1) }),
        boundary(5),
      ),
    ).toMatchObject([{ leafId: uuid(3) }])
  })

  test('where the user had gone back and compacted at once, the leaf is the last line that was kept', async () => {
    const abandoned = [prompt(1, null, 'a'), says(2, 1, 'b'), prompt(3, 2, 'abandoned'), says(4, 3, 'abandoned')]
    const leafOf = async (metadata: Fields) => (await compactionsIn(...abandoned, boundary(5, metadata)))[0]?.leafId
    expect(await leafOf(preserving(6, [2]))).toBe(uuid(2))
    expect(await leafOf(preserving(6, [4]))).toBe(uuid(4))
    expect(await leafOf(preserving(6, [3, 4], [uuid(9)]))).toBe(uuid(4))
    expect(await leafOf(preserving(5, [1, 2]))).toBe(uuid(4)) // "summarize from here" keeps the beginning
    expect(await leafOf(preserving(6, [77]))).toBe(uuid(4)) // never written
    const again = [...abandoned, boundary(5, preserving(6, [4])), summary(6, 5, 's'), prompt(7, 6, 'c'), boundary(8, preserving(9, [4]))]
    expect((await compactionsIn(...again)).map(({ leafId }) => leafId)).toEqual([uuid(4), uuid(7)])
  })

  test('a sub-agent’s compaction, a microcompaction, a torn boundary and one with nothing before it are none', async () => {
    const lines = [
      boundary(1),
      summary(2, 1, 's'),
      { ...boundary(3), isSidechain: true },
      system(4, 2, 'microcompact_boundary'),
      JSON.stringify(boundary(5)).slice(0, -10),
    ]
    expect(await compactionsIn(...lines)).toEqual([])
    expect(await compactionsIn(prompt(1, null, 'they wrote "subtype":"compact_boundary" somewhere'))).toEqual([])
  })

  test('reading on from a line gives the later ones, as if all had been read', async () => {
    const lines = [
      prompt(1, null, 'a'),
      boundary(2, preserving(3, [1])),
      summary(3, 2, 's'),
      says(4, 3, 'b'),
      boundary(5, preserving(6, [4])),
      summary(6, 5, 't'),
    ]
    const transcript = await transcriptOf(lines)
    const [, , , , second] = await entriesOf(transcript)
    const whole = await compactionsOf(transcript)
    expect(whole).toHaveLength(2)
    expect(await compactionsOf(transcript, { line: 4, start: second?.start ?? 0 })).toEqual(whole.slice(1))
    expect(await compactionsOf(transcript, { line: 5, start: second?.end ?? 0 })).toEqual([])
  })
})

describe('a message in several lines', () => {
  test('each block is an entry of its own', async () => {
    const entries = await entriesIn(
      prompt(1, null, 'a'),
      block(2, 1, 'msg', { type: 'thinking', thinking: 'hm' }),
      block(3, 2, 'msg', { type: 'text', text: 'ok' }),
    )
    expect(entries.map(({ text }) => text)).toEqual(['a', 'hm', 'ok'])
  })
})
