import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Case, peerMissing } from '../bench.ts'
import { piTranscript } from '../grown-transcript.ts'
import { median, spread } from '../statistics.ts'

/** A new session from 60 MiB, against the `forkFrom` that OpenClaw uses. */
export const branching: Case = {
  name: 'branch',
  async measure(bench) {
    const [ours, peer, plain] = await Promise.all([bench.ours(), bench.openClawWorker(), bench.plain()])
    const path = join(bench.folder, 'session.jsonl')
    await plain.call('duplicate', { path: await piTranscript(60), to: path })
    const store = join(bench.folder, 'store')
    const [to, peerTo] = [join(bench.folder, 'branches'), join(bench.folder, 'forks')]
    await mkdir(to)
    await mkdir(peerTo)
    const { id } = await ours.call('capture', { store, path, summary: 'earlier' })
    const times = { ours: [] as number[], peer: [] as number[] }
    for (let run = 0; run <= bench.runs; run += 1) {
      const branched = await ours.call('branch', { store, id, to })
      const forked = await peer?.call('fork', { path, to: peerTo })
      if (run === 0) continue
      times.ours.push(branched.ms)
      if (forked !== undefined) times.peer.push(forked.ms)
    }
    await bench.profile('branch', (profile) => ours.call('branch', { store, id, to, profile }))
    const what = 'branch, 60 MiB'
    if (peer === undefined) return { rows: [peerMissing(what, bench.openClaw)] }
    const value = median(times.peer) / median(times.ours)
    return {
      rows: [{ what, ours: spread(times.ours, 'ms'), peer: spread(times.peer, 'ms'), value, unit: '× faster', bar: { atLeast: 5 } }],
    }
  },
}
