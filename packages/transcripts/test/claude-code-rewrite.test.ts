import { describe, expect, test } from 'vitest'
import {
  attachment,
  boundary,
  calls,
  compactionsOf,
  entriesOf,
  type Fields,
  jsonl,
  numbersAt,
  otherId,
  parsed,
  preserving,
  prompt,
  reader,
  result,
  rewritten,
  says,
  sessionId,
  state,
  summary,
  system,
  text,
  transcriptOf,
  uuid,
} from './claude-code-session.ts'

const session = [
  state('mode'),
  prompt(1, null, 'a'),
  calls(2, 1, 't'),
  result(3, 2, 't'),
  says(4, 3, 'b'),
  state('last-prompt', { leafUuid: uuid(4) }),
]
const rewrite = async (lines: readonly (Fields | string)[] | Uint8Array, leaf: number, options: object = {}) =>
  rewritten(await transcriptOf(lines), { leafId: uuid(leaf), ...options })
const idsOf = (bytes: Uint8Array | undefined) =>
  parsed(bytes).flatMap(({ uuid }) => (typeof uuid === 'string' ? Number(uuid.slice(-12)) : []))

describe('a new session', () => {
  test('has the new id in every line, and every other byte as it was', async () => {
    const { main } = await rewrite(session, 4)
    expect(text(main ?? new Uint8Array(0))).toBe(text(jsonl(session)).replaceAll(sessionId, otherId))
  })

  test('has the old id where it stands in what was said', async () => {
    const quoted = `"sessionId":"${sessionId}" {"sessionId":"${sessionId}"} \\" ${sessionId}`
    const line = { ...prompt(1, null, quoted), nested: { sessionId, deep: [{ sessionId }] }, toolUseResult: { sessionId } }
    const copy = parsed((await rewrite([line], 1))['main'])[0]
    expect(copy).toEqual({ ...line, sessionId: otherId })
  })

  test('keeps a line’s own spacing, key order, numbers and escapes', async () => {
    const line = `{ "n" : 1.50e+3 ,"sessionId" :\t"${sessionId}", "s":"\\u00e9\\/\\ud83d", "uuid":"${uuid(1)}","type":"user","parentUuid":null,"session_id":"${sessionId}" }`
    const { main } = await rewrite(new TextEncoder().encode(`\uFEFF${line}\r\n`), 1)
    expect(text(main ?? new Uint8Array(0))).toBe(text(new TextEncoder().encode(`\uFEFF${line}\r\n`)).replaceAll(sessionId, otherId))
  })

  test('does not take another session’s session_id for its own', async () => {
    const foreign = '00000000-9999-4999-8999-000000000000'
    const { main } = await rewrite(
      [
        { ...prompt(1, null, 'a'), session_id: foreign },
        { ...says(2, 1, 'b'), session_id: sessionId },
      ],
      2,
    )
    expect(parsed(main).map((line) => [line['sessionId'], line['session_id']])).toEqual([
      [otherId, foreign],
      [otherId, otherId],
    ])
  })

  test('has lines that don’t parse as they were, and a line feed behind the last', async () => {
    const bad = ['null', '', `{"sessionId":"${sessionId}","torn`, `{"sessionId":"${sessionId}"}}`, `[{"sessionId":"${sessionId}"}]`]
    const bytes = Buffer.concat([
      jsonl([...bad, prompt(1, null, 'a')]),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(JSON.stringify(state('mode'))),
    ])
    const main = Buffer.from((await rewrite(bytes, 1))['main'] ?? [])
    expect(main.subarray(0, jsonl(bad).length)).toEqual(Buffer.from(jsonl(bad)))
    expect(main.includes(Buffer.from([0xff, 0xfe, 0x0a]))).toBe(true)
    expect(text(main)).toMatch(new RegExp(`"sessionId":"${otherId}"}\n$`))
  })

  test('with a name ends in a title, which moves no leaf', async () => {
    const { main } = await rewrite(session, 4, { name: 'restored "one"' })
    expect(parsed(main).at(-1)).toEqual({ type: 'custom-title', customTitle: 'restored "one"', sessionId: otherId })
    const copy = await transcriptOf(main ?? new Uint8Array(0), { path: `/p/${otherId}.jsonl` })
    expect((await entriesOf(copy)).findLast(({ leafId }) => leafId !== undefined)?.leafId).toBe(uuid(4))
  })

  test('says in its first prompt where it was forked from, and nowhere else', async () => {
    const parent = { sessionId }
    const { main } = await rewrite(session, 4, { parent })
    expect(parsed(main).map((line) => line['forkedFrom'])).toEqual([
      undefined,
      { sessionId, messageUuid: uuid(1) },
      ...Array(4).fill(undefined),
    ])
    expect(text(main ?? new Uint8Array(0)).replace(/,"forkedFrom":{[^}]*}/, '')).toBe(text(jsonl(session)).replaceAll(sessionId, otherId))
    expect(await reader.identify(await transcriptOf(main ?? new Uint8Array(0), { path: '/p/x.jsonl' }))).toMatchObject({
      sessionId: otherId,
      parent: { sessionId },
    })
  })

  test('made from a fork it names the session it was made from, not that one’s parent', async () => {
    const forked = [prompt(1, null, 'a', { forkedFrom: { sessionId: 'grandparent', messageUuid: uuid(1) } }), says(2, 1, 'b')]
    const { main } = await rewrite(forked, 2, { parent: { sessionId } })
    expect(parsed(main)[0]).toMatchObject({ sessionId: otherId, forkedFrom: { sessionId, messageUuid: uuid(1) } })
    expect(text(main ?? new Uint8Array(0)).match(/forkedFrom/g)).toHaveLength(1)
  })

  test('under its own id is what it was, byte for byte', async () => {
    const bytes = Buffer.concat([jsonl([...session, 'null', { ...says(5, 4, 'c'), sessionId: otherId }]), Buffer.from('{"torn')])
    const sidecars = { 'subagents/agent-a.jsonl': jsonl([{ ...prompt(1, null, 'a'), sessionId: otherId }]) }
    const parts = await rewritten(await transcriptOf(bytes, { sidecars }), { leafId: uuid(5), sessionId, parent: { sessionId } })
    expect(Buffer.from(parts['main'] ?? [])).toEqual(bytes)
    expect(parts['subagents/agent-a.jsonl']).toEqual(Buffer.from(sidecars['subagents/agent-a.jsonl']))
  })

  test('has lines larger than a piece, and comes in pieces that are not', async () => {
    const lines = [prompt(1, null, 'x'.repeat(3 << 20)), ...Array.from({ length: 3000 }, (_, at) => says(at + 2, at + 1, 'y'.repeat(1000)))]
    const sizes: number[] = []
    const pieces: Uint8Array[] = []
    for await (const { bytes } of reader.rewrite(await transcriptOf(lines), { sessionId: otherId, leafId: uuid(3001), createdAt: 0 })) {
      sizes.push(bytes.length)
      pieces.push(bytes)
    }
    expect(text(Buffer.concat(pieces))).toBe(text(jsonl(lines)).replaceAll(sessionId, otherId))
    expect(sizes.slice(1).every((size) => size <= 1 << 20)).toBe(true)
    expect(sizes.length).toBeLessThan(10)
  })
})

describe('the leaf', () => {
  test('behind which nothing moves it: all lines stay', async () => {
    const aside = { ...says(9, 4, 'aside'), isSidechain: true }
    expect(idsOf((await rewrite([...session, aside], 4))['main'])).toEqual([1, 2, 3, 4, 9])
  })

  test('on an earlier branch is the last line of the copy, and the later branch is left out', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      prompt(3, 2, 'c'),
      says(4, 3, 'd'),
      state('mode'),
      prompt(5, 2, 'e'),
      says(6, 5, 'f'),
      state('mode'),
    ]
    const { main } = await rewrite(lines, 4)
    expect(parsed(main)).toHaveLength(5)
    expect(idsOf(main)).toEqual([1, 2, 3, 4])
    expect(await numbersAt(parsed(main), 4, 'context')).toEqual([1, 2, 3, 4])
  })

  test('behind an earlier compaction takes that along', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      boundary(3, preserving(4, [2])),
      summary(4, 3, 's'),
      prompt(5, 4, 'c'),
      says(6, 5, 'd'),
      boundary(7),
      summary(8, 7, 't'),
    ]
    const { main } = await rewrite(lines, 6)
    expect(idsOf(main)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await numbersAt(parsed(main), 6, 'context')).toEqual([4, 2, 5, 6])
    expect(await compactionsOf(await transcriptOf(main ?? new Uint8Array(0)))).toHaveLength(1)
  })

  test('that no entry has, or only a sub-agent’s or a line without a uuid, is refused', async () => {
    await expect(rewrite(session, 77)).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
    await expect(rewritten(await transcriptOf(session), { leafId: 'L0' })).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
    await expect(rewrite([...session, { ...says(9, 4, 'aside'), isSidechain: true }], 9)).rejects.toMatchObject({
      code: 'TRANSCRIPT_MALFORMED',
    })
  })
})

describe('a prompt that was never answered', () => {
  const drop = { dropUnanswered: true }
  const asked = [...session, system(5, 4), prompt(6, 5, 'unanswered'), attachment(7, 6, 'its note'), state('mode')]

  test('is left out with what hangs off it, where that is asked for', async () => {
    expect(idsOf((await rewrite(asked, 7, drop))['main'])).toEqual([1, 2, 3, 4, 5])
    expect(idsOf((await rewrite(asked, 7))['main'])).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('only where neither the model nor a tool said anything after it', async () => {
    for (const answer of [says(8, 7, 'x'), calls(8, 7, 'y')])
      expect(idsOf((await rewrite([...asked, answer], 8, drop))['main'])).toContain(6)
    expect(idsOf((await rewrite(session, 4, drop))['main'])).toEqual([1, 2, 3, 4])
  })

  test('two of them are left out together', async () => {
    expect(idsOf((await rewrite([...asked, prompt(8, 7, 'hello?')], 8, drop))['main'])).toEqual([1, 2, 3, 4, 5])
  })

  test('takes what was abandoned before it along, so that the session stands where it was answered', async () => {
    const lines = [prompt(1, null, 'a'), says(2, 1, 'b'), prompt(3, 2, 'abandoned'), says(4, 3, 'abandoned'), prompt(5, 2, 'unanswered')]
    expect(idsOf((await rewrite(lines, 5, drop))['main'])).toEqual([1, 2])
  })

  test('leaves the results of parallel calls before it alone', async () => {
    const lines = [
      prompt(1, null, 'go'),
      calls(2, 1, 'a', 'm'),
      calls(3, 2, 'b', 'm'),
      result(4, 3, 'b'),
      result(5, 2, 'a'),
      prompt(6, 4, 'stop'),
    ]
    expect(idsOf((await rewrite(lines, 6, drop))['main'])).toEqual([1, 2, 3, 4, 5])
  })

  test('is no command of the client’s own, and stays where it is all there is', async () => {
    const command = prompt(6, 5, '<command-name>/model</command-name>')
    expect(
      idsOf(
        (await rewrite([...session, system(5, 4), command, prompt(7, 6, '<local-command-stdout>ok</local-command-stdout>')], 7, drop))[
          'main'
        ],
      ),
    ).toContain(7)
    expect(idsOf((await rewrite([prompt(1, null, 'a'), attachment(2, 1, 'x')], 2, drop))['main'])).toEqual([1, 2])
  })
})

describe('sidecars', () => {
  test('follow with the new id in their lines, others as they are', async () => {
    const sidecars = {
      'subagents/agent-a.jsonl': jsonl([{ ...prompt(1, null, 'task'), isSidechain: true }]),
      'subagents/agent-a.meta.json': new TextEncoder().encode(`{"sessionId":"${sessionId}"}`),
      'tool-results/b.txt': new TextEncoder().encode(`"sessionId":"${sessionId}"`),
      'tool-results/empty.txt': new Uint8Array(0),
    }
    const parts = await rewritten(await transcriptOf(session, { sidecars }), { leafId: uuid(4), name: 'x', parent: { sessionId } })
    expect(Object.keys(parts)).toEqual(['main', ...Object.keys(sidecars)])
    expect(parsed(parts['subagents/agent-a.jsonl'])).toEqual([{ ...prompt(1, null, 'task'), isSidechain: true, sessionId: otherId }])
    for (const name of ['subagents/agent-a.meta.json', 'tool-results/b.txt', 'tool-results/empty.txt'] as const)
      expect([name, parts[name]]).toEqual([name, Buffer.from(sidecars[name])])
  })

  test.each(['../x', '/etc/x', 'a//b', 'a/../b', 'a b', 'a\\b', 'é', ''])('named %j are refused', async (name) => {
    const inner = await transcriptOf(session)
    const hostile = {
      ...inner,
      async *parts() {
        yield* inner.parts()
        for await (const { source } of inner.parts()) yield { name, source }
      },
    }
    await expect(rewritten(hostile, { leafId: uuid(4) })).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
  })
})

test('in place the file is replaced', async () => {
  expect(await reader.inPlace(await transcriptOf(session), { sessionId, leafId: uuid(4), createdAt: 0 })).toEqual({ mode: 'replace' })
})

test('an abort stops the rewriting with its own reason', async () => {
  const reason = new Error('enough')
  await expect(rewrite(session, 4, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})
