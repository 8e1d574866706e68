import { describe, expect, test } from 'vitest'
import {
  call,
  compacted,
  compactionsIn,
  completed,
  count,
  environment,
  event,
  type Fields,
  item,
  jsonl,
  message,
  meta,
  output,
  paginated,
  read,
  reader,
  readLines,
  row,
  says,
  started,
  summaryMessage,
  transcriptOf,
  user,
} from './codex-sessions.ts'
import { contextIn, keptIn } from './contexts.ts'

const replaced = (...lines: readonly Fields[]) => lines.map(item)
const turn = (id: string, ...lines: readonly Fields[]): readonly Fields[] => [started(id), ...lines, completed(id)]
const first = turn('t1', environment(), user('first'), says('one'), count(900))

describe('why a compaction ran is derived', () => {
  test('by hand: it has a turn of its own', async () => {
    expect(await compactionsIn([meta(), ...first, ...turn('t2', compacted(summaryMessage('s'), []))])).toMatchObject([{ reason: 'manual' }])
  })

  test('automatically before a turn: the prompt comes after it', async () => {
    const lines = [meta(), ...first, ...turn('t2', compacted(summaryMessage('s'), []), count(0, 50), user('second'), says('two'))]
    expect(await compactionsIn(lines)).toMatchObject([{ reason: 'auto-threshold' }])
  })

  test('automatically within a turn: the prompt came before it', async () => {
    const lines = [meta(), ...first, started('t2'), user('second'), call('c'), output('c', 'x'), compacted(summaryMessage('s'), [])]
    expect(await compactionsIn(lines)).toMatchObject([{ reason: 'auto-threshold' }])
  })

  test('where the file ends with it, a turn of 0.169 that says what began it was not a compaction by hand', async () => {
    const attributed = (id: string) => started(id, { turn_attribution: { turn_id: id } })
    const begun = [meta(), attributed('t1'), user('first'), says('one'), completed('t1')]
    expect(await compactionsIn([...begun, attributed('t2'), compacted('', [])])).toMatchObject([{ reason: 'auto-threshold' }])
    expect(await compactionsIn([...begun, started('t2'), compacted('', [])])).toMatchObject([{ reason: 'manual' }])
  })

  test('it stays unknown where the file ends with it, and where no turns are written down (0.101)', async () => {
    expect(await compactionsIn([meta(), ...first, started('t2'), compacted('', [])])).toMatchObject([{ reason: 'unknown' }])
    expect(await compactionsIn([meta(), user('first'), says('one'), compacted(summaryMessage('s')), user('second')])).toMatchObject([
      { reason: 'unknown' },
    ])
  })
})

describe('the tokens of a compaction', () => {
  const before = [meta(), started('t1'), user('first'), count(100), call('c'), count(150_000), output('c', 'x')]

  test('before it: the first count behind the last item; the next one is of the request for the summary', async () => {
    const lines = [...before, count(150_000), count(7_000), compacted(summaryMessage('s'), [])]
    expect(await compactionsIn(lines)).toMatchObject([{ tokensBefore: 150_040 }])
  })

  test('before it: the last real count before the last item, where the first behind it is an estimate or there is none', async () => {
    expect(await compactionsIn([...before, count(0, 9), compacted('', [])])).toMatchObject([{ tokensBefore: 150_040 }])
    expect(await compactionsIn([...before, compacted('', [])])).toMatchObject([{ tokensBefore: 150_040 }])
  })

  test('before it, with a summary that was written as a message (0.145): the count behind the item before that', async () => {
    const lines = [...before, count(150_000), count(7_000), says('s'), count(7_000), compacted(summaryMessage('s'), [])]
    expect(await compactionsIn(lines)).toMatchObject([{ tokensBefore: 150_040, leafId: 'L6' }])
  })

  test('before it: those of a usage record where nothing is counted', async () => {
    const record = row('token_usage_record', { response_id: 'r1', usage: { input_tokens: 10, total_tokens: 12 } })
    expect(await compactionsIn([meta(), user('first'), record, says('one'), compacted('', [])])).toMatchObject([{ tokensBefore: 12 }])
  })

  test('after it: those of the next real request, not the estimate, which may be nonsense', async () => {
    const lines = [
      ...before,
      compacted('', []),
      count(0, 940_499),
      count(0, 940_499),
      says('on'),
      count(48_000),
      says('and on'),
      count(60_000),
    ]
    expect(await compactionsIn(lines)).toMatchObject([{ tokensAfter: 48_040 }])
  })

  test('after it: the estimate while there is no real request, and not the count of what comes after the next compaction', async () => {
    const lines = [...before, compacted('', []), count(0, 77), says('on'), compacted('x', []), count(500)]
    expect(await compactionsIn(lines)).toMatchObject([{ tokensAfter: 77 }, { tokensAfter: 540 }])
  })

  test('a count without numbers (0.125) is none', async () => {
    const lines = [...before, event('token_count', { info: null }), count(150_000), compacted('', [])]
    expect(await compactionsIn(lines)).toMatchObject([{ tokensBefore: 150_040 }])
  })
})

describe('what a compaction keeps', () => {
  test('items by their ids, from before an earlier compaction too', async () => {
    const lines = [
      meta(),
      user('first', 'msg_1'),
      says('one', 'msg_2'),
      compacted(summaryMessage('s'), replaced(user('first', 'msg_1'), environment('msg_new'), user(summaryMessage('s'), 'msg_s')), {
        window_id: 'w1',
      }),
      user('second', 'msg_3'),
      says('two', 'msg_4'),
      compacted(summaryMessage('t'), replaced(user('first', 'msg_1'), user('second', 'msg_3'), user(summaryMessage('t'))), {
        window_id: 'w2',
      }),
      says('three', 'msg_5'),
    ]
    expect(await compactionsIn(lines)).toMatchObject([
      { leafId: 'msg_2', firstKeptEntryId: 'msg_1', keptEntryIds: ['msg_1'], boundary: { entryId: 'w1' }, summary: 's' },
      { leafId: 'msg_4', keptEntryIds: ['msg_1', 'msg_3'], boundary: { entryId: 'w2' }, summary: 't' },
    ])
    const { index, leafId } = await readLines(lines)
    const kept = (await compactionsIn(lines)).map((compaction) => keptIn(reader, index, compaction))
    expect(kept).toEqual([['msg_1'], ['msg_1', 'msg_3']])
    expect(contextIn(reader, index, leafId, 'context')).toEqual({ entryIds: ['msg_1', 'msg_3', 'w2', 'msg_5'], problems: [] })
    expect(contextIn(reader, index, leafId, 'all').entryIds).toEqual(['msg_1', 'msg_2', 'msg_3', 'msg_4', 'msg_5'])
  })

  test('prompts by their texts where there are no ids; of equal ones the last', async () => {
    const lines = [meta(), user('go on'), says('one'), user('go on'), user('go on'), says('two')]
    const [compaction] = await compactionsIn([...lines, compacted(summaryMessage('s'), replaced(user('go on'), user('go on')))])
    expect(compaction?.keptEntryIds).toEqual(['L3', 'L4'])
  })

  test('the last 20,000 tokens of prompts where it does not say (0.101)', async () => {
    const long = 'x'.repeat(50_000)
    const lines = [
      meta(),
      environment(),
      user('early'),
      user(`${long}1`),
      says('one'),
      user(`${long}2`),
      says('two'),
      compacted(summaryMessage('s')),
    ]
    expect((await compactionsIn(lines))[0]?.keptEntryIds).toEqual(['L3', 'L5'])
  })

  test('nothing, where the context was only reset: not even the last prompt', async () => {
    const lines = [
      meta(),
      environment('e1'),
      user('first', 'm1'),
      says('one', 'm2'),
      compacted('', replaced(environment('e2'))),
      says('ok', 'm3'),
    ]
    expect(await compactionsIn(lines)).toMatchObject([{ keptEntryIds: [] }])
    expect((await compactionsIn(lines))[0]).not.toHaveProperty('summary')
    const { index } = await readLines(lines)
    expect(contextIn(reader, index, 'm3', 'context').entryIds).toHaveLength(2)
  })

  test('references to items instead of the items are passed over', async () => {
    const lines = [
      meta(),
      user('first', 'm1'),
      compacted('', [], { replacement_history_entries: [{ type: 'reference_v2', item_id: 'm1' }] }),
    ]
    expect(await compactionsIn(lines)).toMatchObject([{ keptEntryIds: [] }])
  })
})

describe('the boundary of a compaction', () => {
  test("the model's own summary before it is no part of any context", async () => {
    const marked = message('assistant', 's', 'msg_s', { compaction_output: true })
    const lines = [meta(), user('first', 'm1'), says('one', 'm2'), marked, compacted(summaryMessage('s'), []), says('on', 'm3')]
    expect(await compactionsIn(lines)).toMatchObject([{ leafId: 'm2' }])
    const { index } = await readLines(lines)
    expect(contextIn(reader, index, 'm3', 'all').entryIds).toEqual(['m1', 'm2', 'm3'])
    expect(index.entries[3]).toMatchObject({ kind: 'state', id: 'msg_s' })
  })

  test('a copy in a fork, stamped anew, is the same compaction', async () => {
    const old = [user('first'), says('one'), compacted(summaryMessage('s'), replaced(user('first'))), says('on')]
    const [original] = await compactionsIn([meta(), ...old])
    const copied = [
      meta({ id: 'fork', forked_from_id: 'x' }),
      meta(),
      ...old.map((line) => ({ timestamp: '2027-01-01T00:00:00.000Z', ...line })),
    ]
    const [copy] = await compactionsIn(copied)
    expect(copy?.boundary.entryId).toBe(original?.boundary.entryId)
    expect((await reader.identify(await transcriptOf(jsonl(copied)))).sessionKey).toBe('fork')
  })

  test('a rollout that was migrated in place has the same compaction: items have got ids, lines ordinals', async () => {
    const old = (id?: string) => [user('first', id), says('one'), compacted(summaryMessage('s'), replaced(user('first', id)))]
    const [legacy] = await compactionsIn([meta(), ...old()])
    const [migrated] = await compactionsIn(paginated([meta({ history_mode: 'paginated' }), ...old('msg_1')]))
    expect(migrated?.boundary.entryId).toBe(legacy?.boundary.entryId)
  })

  test('two that say the same in one file are told apart', async () => {
    const same = compacted('', replaced(environment()))
    const found = await compactionsIn([meta(), user('first'), same, user('second'), same])
    expect(found).toHaveLength(2)
    expect(found[1]?.boundary.entryId).toBe(`${found[0]?.boundary.entryId}@L4`)
  })

  test('one with nothing before it is none of this session', async () => {
    expect(await compactionsIn([meta(), compacted(summaryMessage('s'), []), says('on')])).toEqual([])
  })

  test('the leaf behind a turn that was taken back is what was before it', async () => {
    const lines = [
      meta(),
      ...first,
      ...turn('t2', user('second'), says('two')),
      event('thread_rolled_back', { num_turns: 1 }),
      started('t3'),
    ]
    expect(await compactionsIn([...lines, compacted(summaryMessage('s'), [])])).toMatchObject([{ leafId: 'L4' }])
    expect((await read(await transcriptOf(jsonl(lines)))).leafId).toBe('L4')
  })
})
