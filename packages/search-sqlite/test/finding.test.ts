import { parseKey } from '@palimpsest/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { add, find, newIndex, type Said } from './indexed.ts'

const ids = async (hits: ReturnType<typeof find>) => (await hits).map(({ entryId }) => entryId)
const many = (count: number, textOf: (number: number) => string, rest: Partial<Said> = {}): readonly Said[] =>
  Array.from({ length: count }, (_, number) => ({ id: `m${number}`, text: textOf(number), role: 'user', ...rest }))

test('what a session says is found in it however often others say it later', async () => {
  const index = newIndex()
  await add(index, [{ id: 'old', text: 'the grey walrus sleeps', role: 'assistant' }], { session: 'mine' })
  await add(
    index,
    many(3_500, (number) => `number ${number} of the grey walrus`),
    { session: 'other' },
  )
  const mine = { sessions: [parseKey('mine')] }
  expect(await ids(find(index, '"grey walrus"', mine))).toEqual(['old'])
  expect(await ids(find(index, 'walrus grey', mine))).toEqual(['old'])
  expect(await ids(find(index, 'walrus', mine))).toEqual(['old'])
  expect(await ids(find(index, 'walrus unheard', mine))).toEqual(['old'])
  expect(await ids(find(index, 'walrus unheard role:assistant'))).toEqual(['old'])
  index.close()
})

test('of a state that is repeated the one that was asked for is found, where it holds only some of the words too', async () => {
  const index = newIndex()
  const state = (id: string, createdAt: number): Said => ({ id, text: 'hook pelican clear', createdAt })
  await add(index, [state('a', 10), state('b', 20), state('c', 30)])
  expect(await find(index, 'pelican unheard')).toMatchObject([{ entryId: 'c', others: 2 }])
  expect(await find(index, 'pelican unheard', { filters: { ...noFilters, after: 15, before: 25 } })).toMatchObject([
    { entryId: 'b', others: 0 },
  ])
  index.close()
})

const noFilters = { roles: [], tools: [], agents: [], paths: [] }

test('a page does not depend on how many hits are asked for', async () => {
  const index = newIndex()
  const short = many(5, (number) => `alpha bravo charlie short ${number}`)
  const long = Array.from({ length: 18 }, (_, number) => ({
    id: `l${number}`,
    text: `alpha ${'filler '.repeat(number * 20)} bravo ${number} charlie`,
    role: 'user' as const,
  }))
  const some = Array.from({ length: 40 }, (_, number) => ({
    id: `s${number}`,
    text: `${number % 2 === 0 ? 'alpha bravo' : 'charlie'} ${number}`,
    role: 'user' as const,
  }))
  await add(index, [...short, ...some])
  await add(index, long, { session: 'long', bytesOfEntry: 5_000 })
  const all = await ids(find(index, 'charlie alpha bravo', { limit: 60 }))
  for (const limit of [20, 23, 24, 40]) {
    expect(await ids(find(index, 'charlie alpha bravo', { limit }))).toEqual(all.slice(0, limit))
  }
  index.close()
})

test('a phrase is found across scripts with and without spaces', async () => {
  const index = newIndex()
  await add(index, [{ id: 'a', text: 'open the 設定 file and run', role: 'user' }])
  expect(await ids(find(index, '"the 設定 file"'))).toEqual(['a'])
  expect(await ids(find(index, '"open the 設定"'))).toEqual(['a'])
  expect(await ids(find(index, '"設定 file"'))).toEqual(['a'])
  expect(await ids(find(index, '"file the"'))).toEqual([])
  index.close()
})

test('output that grew is found by its time, by what it no longer repeats in the index too', async () => {
  const index = newIndex()
  const [first, second, third] = [`walrus ${'built '.repeat(200)}`, `pelican ${'built '.repeat(200)}`, 'heron done']
  await add(index, [
    { id: 'a', text: first, createdAt: 10 },
    { id: 'b', text: first + second, createdAt: 20 },
    { id: 'c', text: first + second, createdAt: 30 },
    { id: 'd', text: first + second + third, createdAt: 40 },
  ])
  const after = (time: number) => ({ filters: { ...noFilters, after: time } })
  expect(await find(index, 'walrus')).toMatchObject([{ entryId: 'a', others: 0 }])
  expect(await find(index, 'walrus', after(15))).toMatchObject([{ entryId: 'c', others: 1 }])
  expect(await find(index, 'walrus unheard', after(15))).toMatchObject([{ entryId: 'c', others: 1 }])
  expect(await find(index, 'pelican', after(35))).toMatchObject([{ entryId: 'd', others: 0 }])
  expect(await find(index, 'walrus', after(35))).toMatchObject([{ entryId: 'd', others: 0 }])
  expect(await find(index, 'built', after(35))).toMatchObject([{ entryId: 'd', others: 0 }])
  expect(await find(index, 'walrus', after(45))).toEqual([])
  index.close()
})

test('of several pieces of an entry the best counts', async () => {
  const index = newIndex()
  const filler = (from: number, count: number) => Array.from({ length: count }, (_, number) => `w${from + number}`).join(' ')
  const far = (number: number) => `alpha ${filler(number, 100)} bravo ${filler(number, 100)} charlie`
  await add(index, many(450, far))
  await add(index, [{ id: 'near', text: `alpha bravo charlie bravo ${filler(0, 1500)} ${far(7)}`, role: 'user' }], { session: 'other' })
  expect((await ids(find(index, 'charlie alpha bravo')))[0]).toBe('near')
  index.close()
})

test('what holds only what is to be left out does not keep what holds some of the words from being found', async () => {
  const index = newIndex()
  await add(index, [
    { id: 'out', text: 'alpha bravo charlie delta echo', role: 'user' },
    { id: 'some', text: 'alpha bravo charlie', role: 'user' },
  ])
  const hits = await find(index, 'alpha bravo charlie delta -echo')
  expect(hits.map(({ entryId, isExcluded }) => [entryId, isExcluded])).toEqual([
    ['out', true],
    ['some', undefined],
  ])
  index.close()
})

test('of any entries and words the first hits are the same however many are asked for, and none is there twice', async () => {
  const word = fc.constantFrom('alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot')
  const entry = fc.record({
    words: fc.array(word, { minLength: 1, maxLength: 6 }),
    length: fc.constantFrom(1, 1, 1, 900),
    role: fc.constantFrom('user' as const, 'assistant' as const, undefined),
  })
  const more = fc.constantFrom('', ' role:user', ' -echo', ' "alpha bravo"')
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { minLength: 30, maxLength: 120 }),
      fc.array(word, { minLength: 1, maxLength: 4 }),
      more,
      async (entries, words, narrowing) => {
        const index = newIndex()
        const said = entries.map(({ words: own, length, role }, at) => ({
          id: `e${at}`,
          text: `${own.join(' ')}${' x'.repeat(length)}${at % 50}`,
          role,
        }))
        await add(index, said.slice(0, said.length / 2), { bytesOfEntry: 6_000 })
        await add(index, said.slice(said.length / 2), { session: 'other' })
        const query = `${words.join(' ')}${narrowing}`
        const all = await ids(find(index, query, { limit: 200 }))
        expect(new Set(all).size).toBe(all.length)
        for (const limit of [5, 20, 40, 61]) expect(await ids(find(index, query, { limit }))).toEqual(all.slice(0, limit))
        index.close()
      },
    ),
    { numRuns: 50 },
  )
})
