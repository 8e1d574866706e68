import type { EntryIndex, KeptEntries } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { openCodeReader } from '../src/index.ts'
import { listedIndex } from './contexts.ts'
import {
  answer,
  compaction,
  type Data,
  header,
  linesOf,
  message,
  messageId,
  partId,
  prompt,
  says,
  twoCompactions,
} from './opencode-session.ts'
import { all } from './pi-sessions.ts'

const reader = openCodeReader()

async function read(rows: Parameters<typeof linesOf>[0]) {
  const bytes = linesOf(rows)
  const parts = async function* () {
    yield { name: 'main', source: { sizeBytes: bytes.length, read: async (start: number, end: number) => bytes.slice(start, end) } }
  }
  const entries = (await all(reader.entries({ parts }))).filter((entry) => entry.kind !== 'bad')
  const index = listedIndex(entries)
  const compactions = await all(reader.compactions({ parts }))
  const shown = (leafId: string) =>
    Array.from(reader.context(index, leafId, 'context').positions, (position) => entries[position]?.text.split('\n').at(-1))
  return { index, compactions, shown }
}

function keptIds(index: EntryIndex, leafId: string, keeps: KeptEntries): readonly (string | undefined)[] {
  return Array.from(reader.kept(index, leafId, keeps), (position) => index.idOf(position))
}

describe('the line of a prompt', () => {
  const asking = (...parts: readonly Data[]) => [
    header(),
    ...prompt(0x100, 'first'),
    ...answer(0x110, 0x100, [says('one')]),
    ...message(0x200, { role: 'user' }, [...parts, { type: 'compaction', auto: false }]),
    ...answer(0x210, 0x200, [says('summary')], { summary: true }),
  ]

  test('is a boundary where a part of it asks for a compaction, whichever part that is', async () => {
    for (const parts of [[], [says('please')], [says('please'), says('x'.repeat(1000))]]) {
      const { index, compactions } = await read(asking(...parts))
      expect(index.entries.map(({ kind, id }) => (kind === 'boundary' ? id : '')).filter((id) => id !== '')).toEqual([
        messageId(0x200),
        partId(0x200 + parts.length),
      ])
      expect(compactions).toMatchObject([{ boundary: { entryId: messageId(0x200) }, leafId: partId(0x112), summary: 'summary' }])
    }
  })

  test('is none behind more than a MiB of other parts, and no line is lost or moved', async () => {
    const rows = asking(says('x'.repeat(600_000)), says('y'.repeat(600_000)))
    const { index, compactions } = await read(rows)
    expect(compactions).toEqual([])
    expect(index.entries.map(({ line }) => line)).toEqual(rows.map((_row, line) => line))
  })
})

describe('the context', () => {
  test('behind a compaction that keeps a tail has the summary before the tail', async () => {
    const { shown, compactions, index } = await read(twoCompactions())
    expect(shown(partId(0x512))).toEqual(['summary 1024', 'third', 'three', 'Continue if you have next steps', 'four'])
    expect(shown(partId(0x312))).toEqual(['summary 512', 'third', 'three'])
    const kept = [partId(0x300), partId(0x311)]
    expect(compactions[1]).toMatchObject({
      firstKeptEntryId: kept[0],
      keptEntryIds: kept,
      summary: 'summary 1024',
      tokensAfter: 0x510 * 10,
    })
    expect(keptIds(index, compactions[1]?.leafId ?? '', compactions[1] ?? {})).toEqual(kept)
    expect(keptIds(index, compactions[0]?.leafId ?? '', compactions[0] ?? {})).toEqual([])
    expect(keptIds(index, partId(0x312), { firstKeptEntryId: partId(0x300) })).toEqual(kept)
  })

  test('goes back over an older compaction where the tail begins before it', async () => {
    const { shown } = await read([
      header(),
      ...prompt(0x100, 'first'),
      ...answer(0x110, 0x100, [says('one')]),
      ...compaction(0x200),
      ...prompt(0x300, 'third'),
      ...answer(0x310, 0x300, [says('three')]),
      ...compaction(0x400, { auto: false, tail_start_id: messageId(0x100) }),
    ])
    expect(shown(partId(0x40c))).toEqual(['summary 1024', 'first', 'one', 'summary 512', 'third', 'three'])
  })

  test('is not cut by a compaction that failed or has no end yet', async () => {
    for (const extra of [{ error: { name: 'APIError' } }, { finish: undefined }]) {
      const { shown, compactions } = await read([
        header(),
        ...prompt(0x100, 'first'),
        ...answer(0x110, 0x100, [says('one')]),
        ...compaction(0x200, { auto: true }, extra),
      ])
      expect(shown(partId(0x20c)).slice(0, 2)).toEqual(['first', 'one'])
      expect(compactions).toEqual([])
    }
  })

  test('leaves out what the model is not sent: answers that failed, those cut short before a word, notes for the user', async () => {
    const { shown } = await read([
      header(),
      ...message(0x100, { role: 'user' }, [says('first'), { type: 'text', text: 'for you alone', ignored: true }]),
      ...answer(0x110, 0x100, [says('lost')], { error: { name: 'APIError' } }),
      ...message(0x120, { role: 'assistant', error: { name: 'MessageAbortedError' } }, [
        { type: 'step-start' },
        { type: 'reasoning', text: 'hm' },
      ]),
      ...message(0x130, { role: 'assistant', error: { name: 'MessageAbortedError' } }, [{ type: 'step-start' }, says('half')]),
    ])
    expect(shown(partId(0x131))).toEqual(['first', 'half'])
  })

  test('reads the reason of a compaction', async () => {
    const { compactions } = await read([
      header(),
      ...prompt(0x100, 'first'),
      ...answer(0x110, 0x100, [says('one')]),
      ...compaction(0x200, { auto: true, overflow: true }),
      ...compaction(0x300, {}),
    ])
    expect(compactions.map(({ reason, tokensBefore }) => [reason, tokensBefore])).toEqual([
      ['overflow-retry', 0x110 * 10 + 5],
      ['unknown', undefined],
    ])
  })
})
