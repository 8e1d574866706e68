import { type IndexHit, parseKey, type SearchIndex } from '@palimpsest/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { add, find, newIndex, type Said } from './indexed.ts'

/** So few texts that they are repeated all the time; some begin as others do. */
const texts = [
  'walrus',
  'walrus pelican',
  'walrus pelican heron',
  'pelican heron',
  'osprey hook clear',
  `osprey ${'heron again '.repeat(1_200)}hook`,
]
const queries = ['walrus', 'pelican', 'heron', 'osprey', 'hook', '"hook clear"', 'pelican heron', 'osprey unheard', 'heron -walrus']

const said = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  text: fc.constantFrom(...texts),
  createdAt: fc.integer({ min: 1, max: 9 }),
  role: fc.constantFrom(undefined, undefined, undefined, 'user' as const),
})
const streamNames = [
  { session: 's', stream: 0 },
  { session: 's', stream: 1 },
  { session: 't', stream: 0 },
] as const
const step = fc.oneof(
  fc.record({ does: fc.constant('add' as const), to: fc.nat(2), said: fc.array(said, { minLength: 1, maxLength: 4 }), again: fc.nat(2) }),
  fc.record({ does: fc.constant('drop' as const), to: fc.nat(2), from: fc.nat(8) }),
  fc.record({ does: fc.constant('forgetStream' as const), to: fc.nat(2) }),
  fc.record({ does: fc.constant('forget' as const), to: fc.nat(2) }),
)

interface State {
  readonly streams: (readonly Said[])[]
}

/** Every stream's entries, one batch each, so that nothing was ever cut. */
async function fresh({ streams }: State): Promise<SearchIndex> {
  const index = newIndex()
  for (const [at, place] of streamNames.entries()) {
    const entries = streams[at] ?? []
    if (entries.length > 0) await add(index, entries, place)
  }
  return index
}

/** What hits say, whichever of the entries that say it stands for them. */
const sayings = (hits: readonly IndexHit[]) => hits.map(({ fingerprint, others, holds }) => `${fingerprint} ${others} ${holds}`).sort()

test('an index that was cut, grew again and forgot finds what one finds that is made of what is left', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const index = newIndex()
      const streams: (readonly Said[])[] = [[], [], []]
      for (const one of steps) {
        const place = streamNames[one.to] ?? streamNames[0]
        const name = parseKey(place.session)
        const held = streams[one.to] ?? []
        if (one.does === 'add') {
          // An older stream does not grow once a newer one is begun: that is read after it.
          if (one.to === 0 && (streams[1] ?? []).length > 0) continue
          const at = Math.max(0, held.length - one.again)
          streams[one.to] = [...held.slice(0, at), ...one.said]
          await add(index, one.said, { ...place, at })
        } else if (one.does === 'forgetStream') {
          await index.forgetStream(name, 'main', place.stream)
          streams[one.to] = []
          if (one.to === 0) streams[1] = []
        } else if (one.does === 'forget') {
          await index.forget([name])
          streams[one.to] = []
          if (one.to < 2) streams[0] = streams[1] = []
        } else {
          const entries = [{ stream: place.stream, start: one.from * 100 }]
          await index.dropped({ session: name, checkpointId: `c${one.from}`, record: 'r', entries })
        }
      }
      const other = await fresh({ streams })
      for (const query of queries) {
        const [one, two] = [await find(index, query), await find(other, query)]
        expect(sayings(one), query).toEqual(sayings(two))
        const filtered = `${query} after:1970-01-01T00:00:00.004Z`
        expect(sayings(await find(index, filtered)), filtered).toEqual(sayings(await find(other, filtered)))
      }
      index.close()
      other.close()
    }),
    { numRuns: 60 },
  )
})
