import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Case, OpenClawWorker, OurWorker } from '../bench.ts'
import { growTo, piTranscript } from '../grown-transcript.ts'
import { linkedCopy, storeOfSessions } from '../prepared-stores.ts'
import type { GrowthTable } from '../result.ts'
import { digits, median } from '../statistics.ts'
import { realSummary } from './stored-bytes.ts'

const kibibyte = 1024
const mebibyte = 1024 ** 2

/**
 * How the time of a capture grows with what is new, with what is there, and with the sessions of the store; with the checkpoints of a session it is shown
 * by the case of the ledger. Nothing here has a bar.
 */
export const growth: Case = {
  name: 'growth',
  async measure(bench) {
    const ours = await bench.ours()
    bench.progress('warming up')
    await growing(bench, ours, { totalBytes: mebibyte, newBytes: mebibyte })
    const tables = [
      await byNewBytes(bench, ours),
      await byTotalBytes(bench, ours, await bench.openClawWorker()),
      await bySessions(bench, ours),
    ]
    return { rows: [], tables }
  },
}

async function byNewBytes(bench: Bench, ours: OurWorker): Promise<GrowthTable> {
  const rows: string[][] = []
  for (const newBytes of [0, 64 * kibibyte, 256 * kibibyte, mebibyte, 4 * mebibyte, 16 * mebibyte]) {
    bench.progress(`16 MiB and ${newBytes / kibibyte} KiB new`)
    const { ms, storedBytes } = await growing(bench, ours, { totalBytes: 16 * mebibyte, newBytes })
    rows.push([`${(newBytes / kibibyte).toLocaleString('en-US')} KiB`, digits(ms), `${digits(storedBytes / kibibyte)} KiB`])
  }
  return { title: 'Capture after one of 16 MiB, by new bytes', columns: ['new', 'ms', 'stored'], rows }
}

async function byTotalBytes(bench: Bench, ours: OurWorker, peer: OpenClawWorker | undefined): Promise<GrowthTable> {
  const rows: string[][] = []
  for (const mebibytes of [1, 4, 16, 60, 256]) {
    bench.progress(`${mebibytes} MiB`)
    const { ms, firstMs, path } = await growing(bench, ours, { totalBytes: mebibytes * mebibyte, newBytes: 256 * kibibyte })
    rows.push([`${mebibytes} MiB`, digits(firstMs), digits(ms), peer === undefined ? 'not there' : await peerTime(bench, peer, path)])
  }
  return {
    title: 'Capture by total bytes',
    columns: ['total', 'first, ms', '256 KiB new, whole prefix verified, ms', 'OpenClaw, ms'],
    rows,
  }
}

async function peerTime(bench: Bench, peer: OpenClawWorker, path: string): Promise<string> {
  const times: number[] = []
  for (let run = 0; run < runsOf(bench); run += 1) {
    const { ms, sizeBytes } = await peer.call('capture', { path })
    if (sizeBytes === undefined) return 'none: over its 64 MiB'
    times.push(ms)
  }
  return digits(median(times))
}

async function bySessions(bench: Bench, ours: OurWorker): Promise<GrowthTable> {
  const rows: string[][] = []
  for (const count of [1, 100, 10_000]) {
    bench.progress(`${count} sessions`)
    const store = join(bench.folder, `sessions-${count}`)
    linkedCopy(await storeOfSessions(bench, ours, count, (await realSummary()).slice(0, 1800)), store)
    const { ms, firstMs } = await growing(bench, ours, { totalBytes: mebibyte, newBytes: 64 * kibibyte, store })
    rows.push([count.toLocaleString('en-US'), digits(firstMs), digits(ms)])
  }
  return { title: 'Capture of 1 MiB by the sessions of the store', columns: ['sessions', 'first, ms', '64 KiB new, ms'], rows }
}

/** There is much to do here: fewer runs than elsewhere. */
function runsOf(bench: Bench): number {
  return Math.min(bench.runs, 5)
}

let count = 0

/** The median times of the first capture and of the one after the file has grown. */
async function growing(
  bench: Bench,
  ours: OurWorker,
  { totalBytes, newBytes, store = join(bench.folder, 'store') }: { totalBytes: number; newBytes: number; store?: string },
): Promise<{ firstMs: number; ms: number; storedBytes: number; path: string }> {
  count += 1
  const folder = join(bench.folder, `growing-${count}`)
  await mkdir(folder)
  const path = join(folder, 'session.jsonl')
  const longer = await piTranscript(totalBytes + newBytes > 61 * mebibyte ? 257 : 61)
  await growTo(path, longer, totalBytes)
  const first: number[] = []
  for (let run = 0; run < runsOf(bench); run += 1) {
    first.push((await ours.call('capture', { store, path, sessionKey: `${count}-${run}`, summary: 'earlier' })).ms)
  }
  await growTo(path, longer, totalBytes + newBytes)
  const captures = []
  for (let run = 0; run < runsOf(bench); run += 1) captures.push(await ours.call('capture', { store, path, sessionKey: `${count}-${run}` }))
  return { firstMs: median(first), ms: median(captures.map(({ ms }) => ms)), storedBytes: captures[0]?.storedBytes ?? 0, path }
}
