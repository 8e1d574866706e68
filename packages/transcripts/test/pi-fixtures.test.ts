import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileTranscript, piReader } from '../src/index.ts'
import { contextIn, keptIn } from './contexts.ts'
import { all, readSession, rewritten } from './pi-sessions.ts'

const folder = join(process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures', 'pi')
const reader = piReader()

describe.skipIf(!existsSync(folder))('the real pi sessions', () => {
  test.each([
    [0, { line: 359, leafId: 'L358', firstKeptEntryId: 'L293', tokensBefore: 175_004 }, 354, 354, 67],
    [1, { line: 628, leafId: 'L627', firstKeptEntryId: 'L551', tokensBefore: 185_014 }, 335, 622, 78],
  ])('compaction %i has the contexts that pi shows', async (at, { line, ...expected }, before, everything, after) => {
    const bytes = await readFile(join(folder, 'before-compaction.jsonl'))
    const transcript = await fileTranscript(join(folder, 'before-compaction.jsonl')).open()
    try {
      const compaction = (await all(reader.compactions(transcript)))[at]
      expect(compaction).toMatchObject({ ...expected, boundary: { line } })
      const { index, bad } = await readSession(bytes)
      expect(1 + (compaction === undefined ? 0 : keptIn(reader, index, compaction).length)).toBe(after)
      expect(bad).toEqual([])
      expect(contextIn(reader, index, expected.leafId, 'context')).toMatchObject({ entryIds: { length: before }, problems: [] })
      expect(contextIn(reader, index, expected.leafId, 'all').entryIds).toHaveLength(everything)
      expect(contextIn(reader, index, `L${line}`, 'context').entryIds).toHaveLength(after)
    } finally {
      await transcript.close()
    }
  })

  test('a rewritten one has the entries to its leaf with ids, and nothing else changed', async () => {
    const bytes = await readFile(join(folder, 'before-compaction.jsonl'))
    const copy = await readSession(await rewritten(bytes, 'L627'))
    expect(copy.bad).toEqual([])
    expect(copy.entries).toHaveLength(628)
    const source = await readSession(bytes)
    expect(copy.entries.slice(1).map(({ text, role, kind, createdAt }) => ({ text, role, kind, createdAt }))).toEqual(
      source.entries.slice(1, 628).map(({ text, role, kind, createdAt }) => ({ text, role, kind, createdAt })),
    )
    expect(contextIn(reader, copy.index, copy.entries.at(-1)?.id ?? '', 'context').entryIds).toHaveLength(335)
  })

  test('a session of pi 0.73.1 has its two compactions, and one without any has none', async () => {
    const path = join(folder, 'v0.73.1-session.jsonl')
    const made = await all(reader.compactions(await fileTranscript(path).open()))
    expect(made).toMatchObject([
      { boundary: { line: 15, entryId: 'f4e8178c' }, leafId: '1aff80fc' },
      { boundary: { line: 20, entryId: '7c4a98f7' }, leafId: '2448d240' },
    ])
    const { index } = await readSession(await readFile(path))
    expect(made.map((one) => keptIn(reader, index, one))).toEqual([['1aff80fc'], ['09f6c8f6', '2448d240']])
    expect(await all(reader.compactions(await fileTranscript(join(folder, 'large-session.jsonl')).open()))).toEqual([])
  })
})
