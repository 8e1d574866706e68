import { join } from 'node:path'
import type { Bench, Case, OurWorker, PlainWorker } from '../bench.ts'
import { growTo, piTranscript } from '../grown-transcript.ts'
import type { Row } from '../result.ts'
import { digits, median, spread } from '../statistics.ts'

/** How long a capture of 60 MiB holds the event loop, less what a process that idles beside it sees at the same time. */
export const loopHold: Case = {
  name: 'hold',
  async measure(bench) {
    const [ours, idle] = await Promise.all([bench.ours(), bench.plain()])
    const store = join(bench.folder, 'store')
    const path = join(bench.folder, 'session.jsonl')
    const longer = await piTranscript(61)
    const runs = Math.max(bench.runs, bench.runs === 3 ? 3 : 9)
    await growTo(path, longer, 60 * 1024 ** 2)
    const first = await holds({ bench, ours, idle, store, path, runs })
    await growTo(path, longer, 61 * 1024 ** 2)
    const growing = await holds({ bench, ours, idle, store, path, runs })
    return { rows: [rowOf('first capture, 60 MiB', first), rowOf('capture, 60 MiB, 1 MiB new', growing)] }
  },
}

interface Holds {
  readonly ours: readonly number[]
  readonly idle: readonly number[]
}

async function holds(input: {
  bench: Bench
  ours: OurWorker
  idle: PlainWorker
  store: string
  path: string
  runs: number
}): Promise<Holds> {
  const { ours, idle, store, path, runs } = input
  const maxima = { ours: [] as number[], idle: [] as number[] }
  for (let run = 0; run <= runs; run += 1) {
    await idle.call('idleBegin')
    const { maxHoldMs } = await ours.call('capture', { store, path, sessionKey: `run-${run}`, watch: true })
    const idled = await idle.call('idleEnd')
    if (run === 0 || maxHoldMs === undefined) continue
    maxima.ours.push(maxHoldMs)
    maxima.idle.push(idled.maxHoldMs)
  }
  return maxima
}

function rowOf(what: string, { ours, idle }: Holds): Row {
  return {
    what: `longest hold of the event loop, ${what}`,
    ours: spread(ours, 'ms'),
    peer: `idle beside it: ${spread(idle, 'ms')}`,
    value: median(ours) - median(idle),
    unit: 'ms more',
    bar: { atMost: 10 },
    note: `median of the maxima of ${ours.length} runs, ${digits(median(ours))} ms, less that of an idle process in the same seconds`,
  }
}
