import { describe, expect, test } from 'vitest'
import {
  all,
  call,
  compacted,
  completed,
  count,
  environment,
  event,
  type Fields,
  item,
  jsonl,
  message,
  meta,
  otherId,
  output,
  paginated,
  parsed,
  path,
  reader,
  readLines,
  rewritten,
  row,
  says,
  sessionId,
  started,
  summaryMessage,
  transcriptOf,
  user,
} from './codex-sessions.ts'
import { contextIn } from './contexts.ts'

const turn = [meta(), started('t1'), environment(), user('first'), says('one'), count(900), completed('t1')]
const cutOff = [...turn, started('t2'), user('second'), call('c'), output('c', 'x'), count(150_000)]
const payloads = (bytes: Uint8Array) => parsed(bytes).map(({ payload }) => payload as Fields)
const kinds = (bytes: Uint8Array) => payloads(bytes).map((payload) => payload['type'] ?? payload['id'])

describe('a new session', () => {
  test('has an id of its own everywhere and says where it was forked from; nothing else is changed', async () => {
    const settings = event('thread_settings_applied', { thread_id: sessionId, session_id: sessionId, parent_thread_id: sessionId })
    const quoting = user(`{"thread_id":"${sessionId}"} \\"thread_id\\":\\"${sessionId}\\"`)
    const main = jsonl([meta({ session_id: sessionId }), settings, quoting, says('é one'), count(5)])
    const [first, ...others] = (await rewritten(main, { leafId: 'L3' })).toString().trimEnd().split('\n')
    expect(JSON.parse(first ?? '')).toMatchObject({
      payload: { id: otherId, session_id: otherId, forked_from_id: sessionId, cwd: '/work/shop' },
    })
    const [oldSettings, ...oldOthers] = main.toString().trimEnd().split('\n').slice(1)
    expect(others.slice(1, -1)).toEqual(oldOthers)
    expect(others[0]).toBe(
      oldSettings?.replace(`"thread_id":"${sessionId}","session_id":"${sessionId}"`, `"thread_id":"${otherId}","session_id":"${otherId}"`),
    )
  })

  test('ends with a count of no tokens, without which Codex compacts it at once', async () => {
    const copy = payloads(await rewritten(jsonl(cutOff), { leafId: 'L10' }))
    expect(copy.at(-1)).toMatchObject({
      type: 'token_count',
      info: {
        last_token_usage: { input_tokens: 0, total_tokens: 0 },
        total_token_usage: { total_tokens: 150_040 },
        model_context_window: 190_000,
      },
    })
    expect(copy.at(-2)).toEqual({ type: 'task_complete', turn_id: 't2', last_agent_message: null })
    expect(copy.at(-3)).toMatchObject({ type: 'token_count', info: { last_token_usage: { input_tokens: 150_000 } } })
  })

  test('gets no second such count, no end for a turn that has one, and none of both where there was nothing of the kind', async () => {
    const once = await rewritten(jsonl(cutOff), { leafId: 'L10' })
    const again = await rewritten(once, { leafId: 'L10', sessionId })
    expect(kinds(again).slice(1)).toEqual(kinds(once).slice(1))
    expect(kinds(await rewritten(jsonl([meta(), user('first'), says('one')]), { leafId: 'L2' }))).toEqual([otherId, 'message', 'message'])
    expect(
      kinds(await rewritten(jsonl([...turn, event('turn_aborted', {})]), { leafId: 'L4' })).filter((kind) => kind === 'task_complete'),
    ).toHaveLength(1)
  })

  test('of a paginated rollout has ordinals that rise; of a legacy one none', async () => {
    const copy = parsed(await rewritten(jsonl(paginated(cutOff.map((line) => line))), { leafId: 'L10' }))
    const ordinals = copy.map(({ ordinal }) => Number(ordinal))
    expect(ordinals).toEqual(ordinals.map((_ordinal, at) => at))
    expect(parsed(await rewritten(jsonl(cutOff), { leafId: 'L10' })).some((line) => 'ordinal' in line)).toBe(false)
  })

  test('takes what is behind the leaf, but nothing that the compaction wrote: its summary, its usage, its count, its turn', async () => {
    const record = (response: string) => row('token_usage_record', { response_id: response, usage: { input_tokens: 1, total_tokens: 2 } })
    const withinTurn = [
      ...cutOff.slice(0, -1),
      record('r1'),
      count(150_000),
      count(150_000),
      message('assistant', 's', undefined, { compaction_output: true }),
      record('r2'),
      count(7),
    ]
    const expected = ['function_call_output', undefined, 'token_count', 'task_complete', 'token_count']
    expect(
      kinds(await rewritten(jsonl(withinTurn), { leafId: 'L10' }))
        .slice(10)
        .map((kind) => kind ?? undefined),
    ).toEqual(expected)
    const encrypted = [...cutOff, record('r2')]
    expect(kinds(await rewritten(jsonl(encrypted), { leafId: 'L10' })).slice(10)).toEqual([
      'function_call_output',
      'token_count',
      'task_complete',
      'token_count',
    ])
    const byHand = [...turn, event('thread_settings_applied'), started('t2'), count(900), says('s'), count(7)]
    expect(kinds(await rewritten(jsonl(byHand), { leafId: 'L4' })).slice(4)).toEqual([
      'message',
      'token_count',
      'task_complete',
      'token_count',
    ])
  })

  test('stands before the second compaction on what the first one left', async () => {
    const one = compacted(summaryMessage('s'), [item(user('first'))])
    const lines = [
      ...turn,
      started('t2'),
      one,
      completed('t2'),
      started('t3'),
      user('second'),
      says('two'),
      compacted(summaryMessage('t'), []),
    ]
    const copy = await rewritten(jsonl(lines), { leafId: 'L12' })
    expect(payloads(copy).filter(({ message: text }) => text !== undefined)).toEqual([one['payload']])
    const { index, leafId } = await readLines(parsed(copy))
    expect(contextIn(reader, index, leafId, 'context').entryIds).toHaveLength(4)
  })

  test('of a copied fork keeps the second session_meta, which is not its own', async () => {
    const lines = [meta({ id: 'fork', forked_from_id: sessionId }), meta(), user('first'), says('one')]
    const metas = payloads(await rewritten(jsonl(lines), { leafId: 'L3' })).slice(0, 2)
    expect(metas).toMatchObject([{ id: otherId }, { id: sessionId }])
  })

  test('leaves an unanswered prompt out where that is asked for, and nothing that was answered', async () => {
    const unanswered = [...turn, started('t2'), user('second')]
    expect(kinds(await rewritten(jsonl(unanswered), { leafId: 'L8', dropUnanswered: true })).slice(4)).toEqual([
      'message',
      'token_count',
      'task_complete',
      'token_count',
    ])
    const answered = await rewritten(jsonl(cutOff), { leafId: 'L10', dropUnanswered: true })
    expect(answered.equals(await rewritten(jsonl(cutOff), { leafId: 'L10' }))).toBe(true)
  })

  test('carries bad lines and unknown ones along', async () => {
    const main = Buffer.concat([jsonl([...turn.slice(0, 4), row('unheard-of', { a: 1 })]), Buffer.from('torn {\n'), jsonl([says('one')])])
    const copy = await rewritten(main, { leafId: 'L6' })
    expect(copy.toString()).toContain('\ntorn {\n')
    expect(copy.toString()).toContain('"unheard-of"')
  })

  test('of a rollout that goes on from one that was not found is refused', async () => {
    const lines = [
      meta({ history_base: { thread_id: otherId, end_ordinal_exclusive: 9, end_byte_offset: 99 } }),
      user('first'),
      says('one'),
    ]
    await expect(rewritten(jsonl(lines), { leafId: 'L2' })).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
    const { index, leafId } = await readLines(lines)
    const { entryIds, problems } = contextIn(reader, index, leafId, 'context')
    expect(entryIds).toEqual(['L1', 'L2'])
    expect(problems).toMatchObject([{ message: expect.stringContaining(`The rollout ${otherId}`) }])
  })
})

describe('the same session in its own file', () => {
  test('comes out byte for byte when it is at rest, so that a restore can be undone', async () => {
    for (const main of [jsonl(turn), jsonl(turn).subarray(0, -1), jsonl([...turn.slice(0, -1), count(900), completed('t1')])])
      expect((await rewritten(main, { leafId: 'L4', sessionId })).equals(main)).toBe(true)
  })

  test('gets its end where a compaction cut its turn off', async () => {
    const copy = await rewritten(jsonl(cutOff), { leafId: 'L10', sessionId })
    expect(copy.subarray(0, jsonl(cutOff).length).equals(jsonl(cutOff))).toBe(true)
    expect(kinds(copy).slice(-2)).toEqual(['task_complete', 'token_count'])
  })

  test('is replaced; a compressed one is not', async () => {
    const options = { sessionId, leafId: 'L4', createdAt: 0 }
    expect(await reader.inPlace(await transcriptOf(jsonl(turn)), options)).toEqual({ mode: 'replace' })
    expect(await reader.inPlace(await transcriptOf(jsonl(turn), `${path}.zst`), options)).toMatchObject({ mode: 'refused' })
  })
})

describe('the place of a new session', () => {
  const createdAt = new Date(2026, 0, 2, 3, 4, 5).getTime()

  test('is where Codex looks, by the time of the machine', () => {
    const placed = reader.place({ sessionId: otherId, createdAt, cwd: '/work/shop', reason: 'manual' })
    expect(placed).toMatchObject({
      folder: '/home/dev/.codex/sessions/2026/01/02',
      fileName: `rollout-2026-01-02T03-04-05-${otherId}.jsonl`,
      resumeArgv: ['codex', 'resume', otherId],
    })
    expect(placed.warnings).toEqual([expect.stringContaining('/work/shop')])
  })

  test('warns that a full context is compacted again, and of a folder where Codex finds nothing', () => {
    const warnings = (more: object) => reader.place({ sessionId: otherId, createdAt, ...more }).warnings.join('\n')
    expect(warnings({ reason: 'auto-threshold' })).toContain('model_auto_compact_token_limit')
    expect(warnings({ reason: 'manual' })).toBe('')
    expect(warnings({ reason: 'manual', to: '/elsewhere' })).toContain('CODEX_HOME')
    expect(warnings({ reason: 'manual', to: '/home/dev/.codex/sessions/2026' })).toBe('')
  })
})

describe('turns that were taken back (up to 0.145)', () => {
  const lines = [
    meta(),
    environment(),
    user('first'),
    says('one'),
    message('developer', 'moved'),
    user('second'),
    says('two'),
    user('third'),
    says('three'),
  ]
  const back = (turns: number) => [...lines, event('thread_rolled_back', { num_turns: turns }), user('other'), says('four')]

  test.each([
    [1, ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L10', 'L11']],
    [2, ['L1', 'L2', 'L3', 'L10', 'L11']],
    [3, ['L1', 'L10', 'L11']],
    [9, ['L1', 'L10', 'L11']],
  ])('%i of them: the branch goes on before them, and before what Codex said for them', async (turns, expected) => {
    const { index, leafId } = await readLines(back(turns))
    expect(contextIn(reader, index, leafId, 'context')).toEqual({ entryIds: expected, problems: [] })
  })

  test('a rollback that reaches back before the line from which is read is followed all the same', async () => {
    const main = jsonl(back(2))
    const transcript = await transcriptOf(main)
    const whole = (await all(reader.structure(transcript))).flat()
    const from = { line: 8, start: whole[8]?.start ?? 0 }
    const rest = (await all(reader.structure(transcript, { from }))).flat()
    expect(rest.find(({ line }) => line === 9)).toMatchObject({ leafId: 'L3' })
    expect(rest.find(({ line }) => line === 10)).toMatchObject({ parentId: 'L3' })
  })
})
