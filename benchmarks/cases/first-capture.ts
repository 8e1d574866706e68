import { join } from 'node:path'
import { type Case, peerMissing } from '../bench.ts'
import { piTranscript } from '../grown-transcript.ts'
import { median, spread } from '../statistics.ts'

/** The first capture of 60 MiB, against OpenClaw's copy and against `cp` with fsync. */
export const firstCapture: Case = {
  name: 'first',
  async measure(bench) {
    const [ours, peer, plain] = await Promise.all([bench.ours(), bench.openClawWorker(), bench.plain()])
    const path = await piTranscript(60)
    const session = join(bench.folder, 'session.jsonl')
    await plain.call('duplicate', { path, to: session })
    const store = join(bench.folder, 'store')
    const times = { ours: [] as number[], peer: [] as number[], copy: [] as number[] }
    for (let run = 0; run <= bench.runs; run += 1) {
      const captured = await ours.call('capture', { store, path: session, sessionKey: `first-${run}` })
      const copied = await peer?.call('capture', { path: session })
      const plainCopy = await plain.call('copy', { path: session, to: join(bench.folder, 'copy.jsonl') })
      if (run === 0) continue
      times.ours.push(captured.ms)
      times.copy.push(plainCopy.ms)
      if (copied !== undefined) times.peer.push(copied.ms)
    }
    await bench.profile('first capture', (profile) => ours.call('capture', { store, path: session, sessionKey: 'profile', profile }))
    const what = 'first capture, 60 MiB'
    const own = spread(times.ours, 'ms')
    return {
      rows: [
        peer === undefined
          ? peerMissing(what, bench.openClaw)
          : {
              what,
              ours: own,
              peer: spread(times.peer, 'ms'),
              value: median(times.peer) / median(times.ours),
              unit: '× faster',
              bar: { atLeast: 3 },
            },
        {
          what: `${what}, against cp and fsync`,
          ours: own,
          peer: spread(times.copy, 'ms'),
          value: median(times.ours) / median(times.copy),
          unit: '× the time',
          bar: { atMost: 6 },
        },
      ],
    }
  },
}
