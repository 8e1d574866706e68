import type { IndexedEntry } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import {
  attachment,
  block,
  boundary,
  calls,
  chained,
  type Fields,
  indexOf,
  numbersAt,
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
import { contextIn, listedIndex } from './contexts.ts'

/** Two calls of one message: the first result hangs off the first call, the second off the second, and the session goes on from that one. */
const parallel = [
  prompt(1, null, 'go'),
  calls(2, 1, 't2', 'msg'),
  calls(3, 2, 't3', 'msg'),
  result(4, 2, 't2'),
  result(5, 3, 't3'),
  says(6, 5, 'done'),
]

describe('the branch at a leaf', () => {
  test('it is what the parents lead to, without what the model does not see', async () => {
    const lines = [
      prompt(1, null, 'a'),
      attachment(2, 1, 'seen'),
      attachment(3, 2),
      state('mode'),
      says(4, 3, 'b'),
      system(5, 4),
      prompt(6, 5, 'c'),
    ]
    expect(await numbersAt(lines, 6, 'context')).toEqual([1, 2, 4, 6])
    expect(await numbersAt(lines, 4, 'context')).toEqual([1, 2, 4])
  })

  test('progress lines of older clients are steps on the way and nothing more', async () => {
    const progress = (number: number, parent: number) => chained(number, parent, { type: 'progress', data: { type: 'hook_progress' } })
    const lines = [
      prompt(1, null, 'a'),
      calls(2, 1, 't'),
      progress(3, 2),
      progress(4, 3),
      result(5, 2, 't'),
      progress(6, 5),
      says(7, 6, 'b'),
    ]
    expect(await numbersAt(lines, 7, 'context')).toEqual([1, 2, 5, 7])
  })

  test('a rewind leaves a branch behind that the model no longer saw', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      prompt(3, 2, 'abandoned'),
      says(4, 3, 'abandoned'),
      prompt(5, 2, 'instead'),
      says(6, 5, 'c'),
    ]
    for (const view of ['context', 'all'] as const) expect(await numbersAt(lines, 6, view)).toEqual([1, 2, 5, 6])
    expect(await numbersAt(lines, 4, 'context')).toEqual([1, 2, 3, 4])
  })

  test('lines of a sub-agent are passed over', async () => {
    const aside = (number: number, parent: number) => ({ ...says(number, parent, 'aside'), isSidechain: true })
    const lines = [prompt(1, null, 'a'), calls(2, 1, 't'), aside(3, 2), aside(4, 3), result(5, 2, 't')]
    expect(await numbersAt(lines, 5, 'context')).toEqual([1, 2, 5])
  })

  test('an error of the API was written down, but never sent', async () => {
    const lines = [prompt(1, null, 'a'), { ...says(2, 1, 'API Error: 529'), isApiErrorMessage: true }, prompt(3, 2, 'again')]
    expect(await numbersAt(lines, 3, 'context')).toEqual([1, 3])
    expect(await numbersAt(lines, 3, 'all')).toEqual([1, 2, 3])
  })
})

describe('parallel tool calls', () => {
  test('all calls and all results are there, in the order of the file', async () => {
    for (const view of ['context', 'all'] as const) expect(await numbersAt(parallel, 6, view)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('so they are where each call hangs off the one before and all results come in another order', async () => {
    const lines = [
      prompt(1, null, 'go'),
      calls(2, 1, 'a', 'm'),
      calls(3, 2, 'b', 'm'),
      calls(4, 3, 'c', 'm'),
      result(5, 4, 'c'),
      result(6, 2, 'a'),
      result(7, 3, 'b'),
      says(8, 6, 'x'),
    ]
    expect(await numbersAt(lines, 8, 'context')).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('and where a call came after the result of the first', async () => {
    const lines = [
      prompt(1, null, 'go'),
      calls(2, 1, 'a', 'm'),
      calls(3, 2, 'b', 'm'),
      result(4, 2, 'a'),
      calls(5, 4, 'c', 'm'),
      result(6, 3, 'b'),
      result(7, 5, 'c'),
      says(8, 7, 'x'),
    ]
    expect(await numbersAt(lines, 8, 'context')).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('what hangs off a result beside the branch comes along', async () => {
    const skill = prompt(7, 4, 'the text of a skill', { isMeta: true })
    expect(await numbersAt([...parallel.slice(0, 5), skill, attachment(8, 7, 'a note'), says(6, 5, 'done')], 6, 'context')).toEqual([
      1, 2, 3, 4, 5, 7, 8, 6,
    ])
  })

  test('the leaf may be one of the results', async () => {
    expect(await numbersAt(parallel.slice(0, 4), 4, 'context')).toEqual([1, 2, 3, 4])
  })

  test('a prompt that was abandoned right behind them does not', async () => {
    const lines = [...parallel, prompt(7, 5, 'abandoned'), attachment(8, 7, 'abandoned'), prompt(9, 6, 'next')]
    expect(await numbersAt(lines, 9, 'context')).toEqual([1, 2, 3, 4, 5, 6, 9])
  })

  test('neither does what a command left behind a message without calls', async () => {
    const command = (number: number, parent: number, isMeta: boolean) =>
      prompt(number, parent, '<command-name>/x</command-name>', isMeta ? { isMeta } : {})
    const lines = [prompt(1, null, 'a'), says(2, 1, 'b'), command(3, 2, true), command(4, 3, false), prompt(5, 2, 'c')]
    expect(await numbersAt(lines, 5, 'context')).toEqual([1, 2, 5])
  })
})

describe('compactions', () => {
  const first = [
    prompt(1, null, 'a'),
    says(2, 1, 'kept'),
    boundary(3, preserving(4, [2])),
    summary(4, 3, 's1'),
    attachment(5, 4, 'x'),
    prompt(6, 5, 'b'),
    says(7, 6, 'c'),
  ]

  test('the context is the summary, what was kept, and what came after', async () => {
    expect(await numbersAt(first, 7, 'context')).toEqual([4, 2, 5, 6, 7])
    expect(await numbersAt(first, 2, 'context')).toEqual([1, 2])
  })

  test('all is everything before it too, without the summary', async () => {
    expect(await numbersAt(first, 7, 'all')).toEqual([1, 2, 5, 6, 7])
  })

  test('a second one starts from what the first had kept', async () => {
    const lines = [...first, boundary(8, preserving(9, [7])), summary(9, 8, 's2'), prompt(10, 9, 'd')]
    expect(await numbersAt(lines, 7, 'context')).toEqual([4, 2, 5, 6, 7])
    expect(await numbersAt(lines, 10, 'context')).toEqual([9, 7, 10])
    expect(await numbersAt(lines, 10, 'all')).toEqual([1, 2, 5, 6, 7, 10])
  })

  test('at the boundary itself the context is what the compaction left', async () => {
    expect(await numbersAt(first, 3, 'context')).toEqual([4, 2])
    expect(await numbersAt(first.slice(0, 3), 3, 'context')).toEqual([2])
    expect(await numbersAt(first, 3, 'all')).toEqual([1, 2])
  })

  test('"summarize from here" keeps what is before the summary', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      prompt(3, 2, 'c'),
      says(4, 3, 'd'),
      boundary(5, preserving(5, [1, 2])),
      summary(6, 5, 's'),
      prompt(7, 6, 'e'),
    ]
    expect(await numbersAt(lines, 7, 'context')).toEqual([1, 2, 6, 7])
    expect(await numbersAt(lines, 7, 'all')).toEqual([1, 2, 3, 4, 7])
  })

  test('attachments may stand between an automatic boundary and its summary', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      prompt(3, 2, 'c'),
      boundary(4, preserving(6, [2, 3], [uuid(88)])),
      attachment(5, 4, 'x'),
      summary(6, 5, 's'),
      says(7, 6, 'd'),
    ]
    expect(await numbersAt(lines, 7, 'context')).toEqual([5, 6, 2, 3, 7])
  })

  test('of a message that was kept in part only the kept blocks come back', async () => {
    const message = (number: number, parent: number, content: Fields) => block(number, parent, 'msg', content)
    const lines = [
      prompt(1, null, 'a'),
      message(2, 1, { type: 'thinking', thinking: 'x' }),
      message(3, 2, { type: 'text', text: 'y' }),
      boundary(4, preserving(5, [3])),
      summary(5, 4, 's'),
      prompt(6, 5, 'b'),
    ]
    expect(await numbersAt(lines, 6, 'context')).toEqual([5, 3, 6])
  })

  test('where only the ends of what was kept are named, it is followed by parents', async () => {
    const segment = (head: number, tail: number) => ({
      trigger: 'auto',
      preservedSegment: { headUuid: uuid(head), anchorUuid: uuid(6), tailUuid: uuid(tail) },
    })
    const lines = (metadata: Fields) => [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      prompt(3, 2, 'c'),
      says(4, 3, 'd'),
      boundary(5, metadata),
      summary(6, 5, 's'),
      prompt(7, 6, 'e'),
    ]
    expect(await numbersAt(lines(segment(2, 4)), 7, 'context')).toEqual([6, 2, 3, 4, 7])
    expect(await numbersAt(lines(segment(99, 4)), 7, 'context')).toEqual([6, 7])
    expect(await numbersAt(lines({ trigger: 'auto', preTokens: 1 }), 7, 'context')).toEqual([6, 7])
  })

  test('a turn that hangs off what was kept goes on behind the compaction', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      boundary(3, preserving(4, [2])),
      summary(4, 3, 's'),
      prompt(5, 2, 'c'),
      says(6, 5, 'd'),
    ]
    expect(await numbersAt(lines, 6, 'context')).toEqual([4, 2, 5, 6])
    expect(await numbersAt(lines, 6, 'all')).toEqual([1, 2, 5, 6])
  })

  test('a rewind behind a compaction follows the true chain', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      prompt(3, 2, 'c'),
      says(4, 3, 'd'),
      boundary(5, preserving(6, [4])),
      summary(6, 5, 's'),
      prompt(7, 6, 'e'),
      prompt(8, 2, 'rewound'),
      says(9, 8, 'f'),
    ]
    for (const view of ['context', 'all'] as const) expect(await numbersAt(lines, 9, view)).toEqual([1, 2, 8, 9])
    expect(await numbersAt(lines, 7, 'context')).toEqual([6, 4, 7])
  })

  test('what a boundary says its logical parent is, is never followed', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      says(3, 2, 'c'),
      { ...boundary(4), logicalParentUuid: uuid(1) },
      summary(5, 4, 's'),
      prompt(6, 5, 'd'),
    ]
    expect(await numbersAt(lines, 6, 'all')).toEqual([1, 2, 3, 6])
  })
})

/** Back to before the second prompt, and compacted there at once: only what the boundary keeps says so. */
const rewound = [
  prompt(1, null, 'a'),
  says(2, 1, 'b'),
  prompt(3, 2, 'abandoned'),
  says(4, 3, 'abandoned'),
  boundary(5, preserving(6, [2])),
  summary(6, 5, 's'),
  prompt(7, 6, 'c'),
]

describe('a compaction right after a rewind', () => {
  test('is of the branch that was gone back to', async () => {
    expect(await numbersAt(rewound, 7, 'all')).toEqual([1, 2, 7])
    expect(await numbersAt(rewound, 7, 'context')).toEqual([6, 2, 7])
  })

  test('what two compactions kept in a row is no sign of one', async () => {
    const lines = [
      prompt(1, null, 'a'),
      says(2, 1, 'b'),
      boundary(3, preserving(4, [2])),
      summary(4, 3, 's'),
      prompt(5, 4, 'c'),
      boundary(6, preserving(7, [2])),
    ]
    expect(await numbersAt([...lines, summary(7, 6, 't'), prompt(8, 7, 'd')], 8, 'all')).toEqual([1, 2, 5, 8])
  })
})

describe('structures that can’t be followed', () => {
  const at = async (lines: Fields[], leaf: string) => contextIn(reader, await indexOf(await transcriptOf(lines)), leaf, 'context')

  test('a cycle is followed once around, and reported', async () => {
    const { entryIds, problems } = await at([prompt(1, 3, 'a'), says(2, 1, 'b'), prompt(3, 2, 'c')], uuid(3))
    expect(entryIds).toEqual([1, 2, 3].map(uuid))
    expect(problems).toMatchObject([{ code: 'TRANSCRIPT_MALFORMED', line: 2 }])
    expect((await at([prompt(1, 1, 'a')], uuid(1))).entryIds).toEqual([uuid(1)])
  })

  test('for a parent that is not there the entry before is taken, and that is reported', async () => {
    const { entryIds, problems } = await at([prompt(1, null, 'a'), says(2, 1, 'b'), prompt(4, 3, 'c')], uuid(4))
    expect(entryIds).toEqual([1, 2, 4].map(uuid))
    expect(problems).toMatchObject([{ code: 'TRANSCRIPT_MALFORMED', line: 2 }])
  })

  test('a leaf that is not there gives nothing but the problem', async () => {
    expect(await at([prompt(1, null, 'a')], 'x')).toMatchObject({ entryIds: [], problems: [{ code: 'TRANSCRIPT_MALFORMED' }] })
  })

  test('a long branch through many compactions takes time in proportion to its length', () => {
    const count = 100_000
    const isBoundary = (at: number) => at % 50 === 49
    const entries = Array.from({ length: count }, (_, at): IndexedEntry => {
      const id = uuid(at)
      const parentId = at === 0 || isBoundary(at) ? {} : { parentId: uuid(at - 1) }
      const note = isBoundary(at) ? 'boundary' : `calls\tmsg_${at >> 2}`
      return {
        part: 'main',
        line: at,
        start: at,
        end: at + 1,
        kind: isBoundary(at) ? 'boundary' : 'message',
        id,
        leafId: id,
        ...parentId,
        note,
      }
    })
    const index = listedIndex(entries)
    const started = performance.now()
    expect(contextIn(reader, index, uuid(count - 2), 'context').entryIds).toHaveLength(49)
    expect(contextIn(reader, index, uuid(count - 2), 'all').entryIds).toHaveLength((count / 50) * 49)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
