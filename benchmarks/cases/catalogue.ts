import { join } from 'node:path'
import type { Bench, Case, HostWorker } from '../bench.ts'
import { storeOfSessions } from '../prepared-stores.ts'
import type { Row } from '../result.ts'
import { median, spread } from '../statistics.ts'
import { realSummary } from './stored-bytes.ts'

/** The newest 25 over 10,000 sessions and a short id, as the host answers them with its catalogue, against reading every ledger. */
export const catalogue: Case = {
  name: 'catalogue',
  async measure(bench) {
    const ours = await bench.ours()
    const store = await storeOfSessions(bench, ours, 10_000, (await realSummary()).slice(0, 1800))
    const host = await bench.host()
    await host.call('open', { store, home: join(bench.folder, 'home') })
    bench.progress('the first list fills the catalogue')
    const first = await host.call('list', {})
    const times = await measured(bench, host, { store, newestId: first.newestId ?? '' })
    await bench.profile('list the newest 25', (profile) => host.call('list', { profile }))
    await bench.profile('show by short id', (profile) => host.call('show', { id: first.newestId?.slice(-8) ?? '', profile }))
    bench.progress('reading every ledger')
    const every = [(await ours.call('list', { store })).ms]
    return {
      rows: [
        rowOf('list the newest 25 over 10,000 sessions', times.list, every, { atMost: 50 }),
        rowOf('show by a short id in 10,000 sessions', times.show, every, { atMost: 50 }),
        rowOf('list the newest 25 over 10,000 sessions, the host opened anew', times.opened, every),
        rowOf('the first list over 10,000 sessions, which fills the catalogue', [first.ms], every),
      ],
    }
  },
}

async function measured(
  bench: Bench,
  host: HostWorker,
  { store, newestId }: { store: string; newestId: string },
): Promise<{ list: number[]; show: number[]; opened: number[] }> {
  const times = { list: [] as number[], show: [] as number[], opened: [] as number[] }
  for (let run = 0; run <= bench.runs; run += 1) {
    const listed = await host.call('list', {})
    if (listed.count !== 25 || listed.problems !== 0)
      throw new Error(`listed ${listed.count} checkpoints of 25, ${listed.problems} problems`)
    const shown = await host.call('show', { id: newestId.slice(-8) })
    if (shown.id !== newestId) throw new Error('a short id led to another checkpoint')
    await host.call('close')
    const opened = await host.call('open', { store, home: join(bench.folder, 'home') })
    const listedAnew = await host.call('list', {})
    if (run === 0) continue
    times.list.push(listed.ms)
    times.show.push(shown.ms)
    times.opened.push(opened.ms + listedAnew.ms)
  }
  return times
}

function rowOf(what: string, own: readonly number[], every: readonly number[], bar?: { readonly atMost: number }): Row {
  return { what, ours: spread(own, 'ms'), peer: `reading every ledger: ${spread(every, 'ms')}`, value: median(own), unit: 'ms', bar }
}
