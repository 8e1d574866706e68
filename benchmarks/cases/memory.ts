import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Case, OurWorker } from '../bench.ts'
import { piTranscript } from '../grown-transcript.ts'
import type { Row } from '../result.ts'
import { digits, mebibytes, median, spread } from '../statistics.ts'

const operations = ['capture', 'read', 'branch', 'verify'] as const
const repeatForMs = 3 * 60_000

/** The most memory that a process has when it captures, reads, branches or verifies 1 GiB, less that of one which captures 1 MiB. */
export const memory: Case = {
  name: 'memory',
  async measure(bench) {
    const whats = operations.map((operation) => `memory over baseline, ${operation} 1 GiB`)
    if (!bench.large) return { rows: whats.map((what) => ({ what, skipped: '--no-large' })) }
    bench.progress('1 GiB transcript')
    const [small, large] = [await piTranscript(1), await piTranscript(1024)]
    const store = join(bench.folder, 'store')
    await mkdir(join(bench.folder, 'branches'))
    const base = await peaks(bench, 'capture 1 MiB', async (ours, run) =>
      ours.call('capture', { store, path: small, sessionKey: `small-${run}` }),
    )
    let id = ''
    const run = async (operation: (typeof operations)[number], ours: OurWorker, count: number): Promise<unknown> => {
      switch (operation) {
        case 'capture': {
          const captured = await ours.call('capture', { store, path: large, sessionKey: `large-${count}`, summary: 'earlier' })
          id = captured.id
          return captured
        }
        case 'read':
          return ours.call('read', { store, id })
        case 'branch':
          return ours.call('branch', { store, id, to: join(bench.folder, 'branches') })
        case 'verify':
          return ours.call('verify', { store })
        default:
          return operation satisfies never
      }
    }
    const rows: Row[] = []
    for (const [index, operation] of operations.entries()) {
      const what = whats[index] ?? operation
      const values = await peaks(bench, what, (ours, count) => run(operation, ours, count))
      rows.push(values.length === 0 ? { what, skipped: `this build has no ${operation}` } : rowOf(what, values, base))
    }
    return { rows }
  },
}

/** The peak of a new process for each run, in MiB; none where the build can't do it. Long ones are repeated for three minutes only. */
async function peaks(bench: Bench, what: string, run: (ours: OurWorker, count: number) => Promise<unknown>): Promise<readonly number[]> {
  const values: number[] = []
  const wanted = bench.runs > 3 ? 3 : 1
  const began = performance.now()
  while (values.length < wanted && (values.length === 0 || performance.now() - began < repeatForMs)) {
    const start = performance.now()
    const ours = await bench.ours()
    // JSON has no undefined: what a build can't do comes as null.
    if ((await run(ours, values.length)) === null) break
    values.push(mebibytes((await ours.call('peakMemory')).bytes))
    await ours.close()
    bench.progress(`${what}: ${digits(values.at(-1) ?? 0)} MiB in ${digits((performance.now() - start) / 1000)} s`)
  }
  return values
}

function rowOf(what: string, values: readonly number[], base: readonly number[]): Row {
  return {
    what,
    ours: spread(values, 'MiB'),
    peer: `capture 1 MiB: ${spread(base, 'MiB')}`,
    value: median(values) - median(base),
    unit: 'MiB',
    bar: { atMost: 48 },
    note: `the most of ${values.length} new process${values.length === 1 ? '' : 'es'}`,
  }
}
