import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, type Case, type OurWorker, peerMissing } from '../bench.ts'
import { growTo, piTranscript } from '../grown-transcript.ts'
import type { Row } from '../result.ts'
import { median, spread } from '../statistics.ts'

/** A capture of 60 MiB after the one before it, with 1 MiB new: whole prefix and tail check, against OpenClaw's copy. */
export const growingCapture: Case = {
  name: 'capture',
  async measure(bench) {
    const ours = await bench.ours()
    const peer = await bench.openClawWorker()
    const hasTail = await hasTailCheck(bench)
    const checks = hasTail ? (['whole', 'tail'] as const) : (['whole'] as const)
    const { store, path } = await prepared(bench, ours, checks)
    const times = { whole: [] as number[], tail: [] as number[], peer: [] as number[] }
    // Run 0 warms up.
    for (let run = 0; run <= bench.runs; run += 1) {
      for (const check of checks) {
        const { ms, outcome } = await ours.call('capture', { store, path, sessionKey: `${check}-${run}`, tail: check === 'tail' })
        if (outcome !== 'captured') throw new Error(`the capture of a grown transcript was ${outcome}`)
        if (run > 0) times[check].push(ms)
      }
      const copied = await peer?.call('capture', { path })
      if (copied !== undefined && copied.sizeBytes === undefined) throw new Error('OpenClaw captured nothing')
      if (run > 0 && copied !== undefined) times.peer.push(copied.ms)
    }
    for (const check of checks) {
      const input = { store, path, sessionKey: `${check}-profile`, tail: check === 'tail' }
      await bench.profile(`capture +1 MiB, ${check}`, (profile) => ours.call('capture', { ...input, profile }))
    }
    const rowOf = (check: 'whole' | 'tail', what: string, atLeast: number): Row => {
      if (peer === undefined) return peerMissing(what, bench.openClaw)
      if (times[check].length === 0) return { what, skipped: 'the capture of this build has no prefixCheck' }
      const value = median(times.peer) / median(times[check])
      return { what, ours: spread(times[check], 'ms'), peer: spread(times.peer, 'ms'), value, unit: '× faster', bar: { atLeast } }
    }
    return {
      rows: [
        rowOf('whole', 'capture, 60 MiB, 1 MiB new, whole prefix verified', 12),
        rowOf('tail', 'capture, 60 MiB, 1 MiB new, tail check', 50),
      ],
    }
  },
}

/** One store in which every run has a session of its own, captured at 60 MiB; then the file grows. */
async function prepared(bench: Bench, ours: OurWorker, checks: readonly string[]): Promise<{ store: string; path: string }> {
  const store = join(bench.folder, 'store')
  const path = join(bench.folder, 'session.jsonl')
  const longer = await piTranscript(61)
  await growTo(path, longer, 60 * 1024 ** 2)
  bench.progress('capturing 60 MiB for each run')
  const runs = [...Array(bench.runs + 1).keys(), 'profile']
  for (const check of checks) {
    for (const run of runs) await ours.call('capture', { store, path, sessionKey: `${check}-${run}`, summary: 'earlier' })
  }
  await growTo(path, longer, 61 * 1024 ** 2)
  if ((await stat(path)).size > 64 * 1024 ** 2) throw new Error('OpenClaw takes no transcript over 64 MiB')
  return { store, path }
}

/** Whether a capture of the build can be asked for the tail check. */
async function hasTailCheck(bench: Bench): Promise<boolean> {
  const types = join(bench.build.folder, 'node_modules/@palimpsest/core/dist/capture.d.ts')
  return (await readFile(types, 'utf8')).includes('prefixCheck')
}
