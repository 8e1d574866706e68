import { join } from 'node:path'
import type { Bench, Case, HostWorker } from '../bench.ts'
import { digits, mebibytes, median, spread } from '../statistics.ts'
import { variedSessions } from '../varied-sessions.ts'

/** The search index over kept sessions, made anew, against one column of plain FTS5 over their files. */
export const indexBuild: Case = {
  name: 'index',
  async measure(bench) {
    const { folder } = await variedSessions(searchedMebibytes(bench))
    const host = await keptSessions(bench, folder)
    const plain = await bench.plainSearch()
    const own: number[] = []
    const peer: number[] = []
    let sizeBytes = 0
    let built: Awaited<ReturnType<typeof plain.call<'build'>>> | undefined
    for (let run = 0; run <= Math.min(bench.runs, 3); run += 1) {
      bench.progress(`run ${run}`)
      built = await plain.call('build', { folder, path: join(bench.folder, 'plain.sqlite') })
      const indexed = await host.call('index', {})
      if (indexed.problems > 0 || indexed.waiting > 0)
        throw new Error(`${indexed.problems} sessions could not be indexed, ${indexed.waiting} wait`)
      sizeBytes = indexed.sizeBytes
      if (run === 0) continue
      peer.push(built.ms)
      own.push(indexed.ms)
    }
    if (built === undefined || sizeBytes === 0) throw new Error('there is no index')
    await bench.profile('index', (profile) => host.call('index', { profile }))
    const { transcriptBytes } = built
    const speed = (times: readonly number[]) => `${digits(transcriptBytes / 1e6 / (median(times) / 1000))} MB/s`
    return {
      rows: [
        {
          what: `index build over ${digits(transcriptBytes / 1e6)} MB of Claude Code sessions`,
          ours: `${spread(own, 'ms')}, ${speed(own)}`,
          peer: `plain FTS5: ${spread(peer, 'ms')}, ${speed(peer)}`,
          value: median(peer) / median(own),
          unit: "× the peer's speed",
          bar: { atLeast: 0.3 },
          note: `the peer indexes ${digits(built.textBytes / 1e6)} MB of text that it reads from the files; ours reads its own store, and every entry once`,
        },
        {
          what: 'index size',
          ours: `${digits(mebibytes(sizeBytes))} MiB`,
          peer: `plain FTS5: ${digits(mebibytes(built.sizeBytes))} MiB, ${digits((built.sizeBytes / transcriptBytes) * 100)} %`,
          value: (sizeBytes / transcriptBytes) * 100,
          unit: '% of the transcripts',
          bar: { atMost: 25 },
        },
      ],
    }
  },
}

/** 343 MB, or 63 without large transcripts. */
export function searchedMebibytes({ large }: Bench): number {
  return large ? 327 : 60
}

/** A host whose store holds the sessions of a folder. */
export async function keptSessions(bench: Bench, folder: string): Promise<HostWorker> {
  const host = await bench.host()
  await host.call('open', { store: join(bench.folder, 'store'), home: join(bench.folder, 'home') })
  bench.progress('keeping the sessions')
  await host.call('keep', { folder })
  return host
}
