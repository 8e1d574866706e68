import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CheckpointRow } from '../src/checkpoint.ts'
import { createEnvironment } from '../src/environment.ts'
import { sessionName } from '../src/keys.ts'
import { emptyLedger } from '../src/ledger.ts'
import { allRows, byNewest, withRows } from '../src/rows.ts'
import { allTrash, pagesOf, withTrash } from '../src/trash.ts'
import { row } from './support/rows.ts'
import { tinyStorage } from './support/tiny-storage.ts'

const name = sessionName('pi', 'session')

test('whatever moves to the trash and back, all of it is there, few of it in the ledger, and pages that go are named', async () => {
  const step = fc.record({
    does: fc.constantFrom('delete', 'delete', 'take back', 'purge'),
    from: fc.nat(),
    count: fc.integer({ min: 1, max: 700 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const storage = tinyStorage()
      const environment = createEnvironment({ storage, readers: [] })
      let rows: readonly CheckpointRow[] = Array.from({ length: 800 }, (_, at) => row(at))
      let trash: readonly CheckpointRow[] = []
      let { ledger } = await withRows(
        environment,
        name,
        emptyLedger({ agent: 'pi', sessionKey: 'session', sessionId: 'session' }),
        rows,
        {},
      )
      for (const { does, from, count } of steps) {
        const named = pagesOf(ledger).map(({ object }) => object)
        const of = does === 'delete' ? rows : trash
        const leaving = of.slice(from % Math.max(1, of.length)).slice(0, count)
        if (does === 'delete') {
          rows = rows.filter((each) => !leaving.includes(each))
          trash = [...trash, ...leaving.map((each) => ({ ...each, deletedAt: 7 }))]
        } else {
          trash = trash.filter((each) => !leaving.includes(each))
          if (does === 'take back') rows = [...rows, ...leaving.map(({ deletedAt: _deletedAt, ...each }) => each)]
        }
        const emptied = await withTrash(environment, name, ledger, trash, {})
        const next = await withRows(environment, name, emptied.ledger, rows, {})
        ledger = next.ledger
        const now = pagesOf(ledger).map(({ object }) => object)
        expect(named.filter((object) => !now.includes(object)).sort()).toEqual([...emptied.unnamed, ...next.unnamed].sort())
        expect(ledger.trash.length).toBeLessThan(250)
        expect([...(await allTrash(environment, name, ledger, {}))].sort(byNewest)).toEqual([...trash].sort(byNewest))
        expect(await allRows(environment, name, ledger, {})).toEqual([...rows].sort(byNewest))
      }
    }),
    { numRuns: 10 },
  )
})
