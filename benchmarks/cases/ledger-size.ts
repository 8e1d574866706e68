import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Case, OurWorker } from '../bench.ts'
import { growTo, piTranscript } from '../grown-transcript.ts'
import type { GrowthTable, Row } from '../result.ts'
import { digits, median } from '../statistics.ts'

const checkpointCount = 1000
const shownCounts = [1, 10, 100, 1000]

/** The ledger of a session with 1,000 checkpoints and 1 GiB, and how captures grow with the number of checkpoints on the way there. */
export const ledgerSize: Case = {
  name: 'ledger',
  async measure(bench) {
    const ours = await bench.ours()
    const store = join(bench.folder, 'store')
    const path = join(bench.folder, 'session.jsonl')
    bench.progress(`${checkpointCount} checkpoints of 16 MiB, a line or more new each`)
    const table = await manyCheckpoints(ours, { store, path })
    return { rows: [await grownLarge(bench, ours, { store, path })], tables: [table] }
  },
}

async function manyCheckpoints(ours: OurWorker, { store, path }: { store: string; path: string }): Promise<GrowthTable> {
  const longer = await piTranscript(60)
  let size = await growTo(path, longer, 16 * 1024 ** 2)
  const times: number[] = []
  const rows: string[][] = []
  while (times.length < checkpointCount) {
    // The one after this is the one that is measured: this many checkpoints are there before it.
    const { ms, outcome } = await ours.call('capture', { store, path, summary: 'earlier' })
    if (outcome !== 'captured') throw new Error(`the capture of a grown transcript was ${outcome}`)
    times.push(ms)
    if (shownCounts.includes(times.length)) {
      const { sizeBytes } = await ours.call('largestRef', { store })
      rows.push([
        String(times.length),
        times.length === 1 ? 'the first' : digits(median(times.slice(-7))),
        `${digits(sizeBytes / 1024)} KiB`,
      ])
    }
    const before = size
    for (let end = before + 1024; size === before; end += 1024) size = await growTo(path, longer, end)
  }
  return {
    title: 'Capture of 16 MiB and a few lines new, by the number of checkpoints of the session',
    columns: ['checkpoints', 'ms', 'ref'],
    rows,
  }
}

async function grownLarge(bench: Bench, ours: OurWorker, { store, path }: { store: string; path: string }): Promise<Row> {
  const what = `ref of a ledger, 1 GiB and ${checkpointCount.toLocaleString('en-US')} checkpoints`
  if (!bench.large) return { what, skipped: '--no-large' }
  bench.progress('growing it to 1 GiB')
  await growTo(path, await piTranscript(1024), 1024 ** 3)
  await ours.call('capture', { store, path, summary: 'earlier' })
  const { sizeBytes } = await ours.call('largestRef', { store })
  const { size } = await stat(path)
  return {
    what,
    ours: `${sizeBytes.toLocaleString('en-US')} B`,
    peer: '',
    value: sizeBytes / 1024,
    unit: 'KiB',
    bar: { atMost: 384 },
    note: `${size.toLocaleString('en-US')} bytes of transcript`,
  }
}
