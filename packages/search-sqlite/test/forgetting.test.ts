import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fingerprintOf, parseKey, parseSearchQuery } from '@palimpsest/core'
import { afterAll, expect, test } from 'vitest'
import { createSqliteSearchIndex } from '../src/index.ts'
import { add, find, newIndex, type Said } from './indexed.ts'

const folder = mkdtempSync(join(tmpdir(), 'palimpsest-search-'))
afterAll(() => rmSync(folder, { recursive: true }))

const many = (count: number, textOf: (number: number) => string): readonly Said[] =>
  Array.from({ length: count }, (_, number) => ({ id: `m${number}`, text: textOf(number), role: 'user' }))

test('segments are merged where most of what was merged before is forgotten, too', async () => {
  const index = createSqliteSearchIndex({ folder, sqlite: () => process.getBuiltinModule('node:sqlite') })
  await add(
    index,
    many(3_000, (number) => `walrus ${number}`),
    { session: 'old' },
  )
  await index.settled([])
  await index.forget([parseKey('old')])
  for (let at = 0; at < 1_200; at += 150)
    await add(
      index,
      many(150, (number) => `pelican ${at + number}`),
      { session: 'new', at },
    )
  await index.settled([])
  expect(await find(index, 'pelican', { limit: 2_000 })).toHaveLength(1_200)
  index.close()
  const database = new DatabaseSync(join(folder, 'search-3.sqlite'))
  expect(database.prepare('SELECT count(DISTINCT segid) AS count FROM words_idx').get()).toEqual({ count: 1 })
  database.close()
})

test('of each text that is asked for, entries that say the same are given, however many say another', async () => {
  const index = newIndex()
  await add(index, [{ id: 'a', text: 'walrus', role: 'user' }, ...many(30, () => 'pelican')])
  const request = { ...parseSearchQuery('walrus pelican', 0), limit: 10 }
  const same = await index.same([fingerprintOf('walrus'), fingerprintOf('pelican')], request)
  expect(same).toHaveLength(11)
  expect(same.map(({ entryId }) => entryId)).toContain('a')
  index.close()
})
