import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from './build-under-test.ts'
import type * as Host from './host-tasks.ts'
import type * as OpenClaw from './openclaw-tasks.ts'
import type * as Ours from './our-tasks.ts'
import type { InstalledPeer } from './peers.ts'
import { emptyEnvironment } from './places.ts'
import type * as PlainSearch from './plain-search-tasks.ts'
import type * as Plain from './plain-tasks.ts'
import { selfTimes } from './profile.ts'
import type { CaseResult } from './result.ts'
import { startWorker, type Worker } from './worker.ts'

/** Something that is measured, alone or beside its peer. */
export interface Case {
  readonly name: string
  measure(bench: Bench): Promise<CaseResult>
}

export type OurWorker = Worker<typeof Ours.tasks>
export type OpenClawWorker = Worker<typeof OpenClaw.tasks>
export type HostWorker = Worker<typeof Host.tasks>
export type PlainWorker = Worker<typeof Plain.tasks>
export type PlainSearchWorker = Worker<typeof PlainSearch.tasks>

/** What a case has while it runs. */
export interface Bench {
  /** How often each thing is measured. */
  readonly runs: number
  /** Whether transcripts of 1 GiB are used. */
  readonly large: boolean
  /** Empty at first, gone afterwards. */
  readonly folder: string
  readonly build: Build
  readonly openClaw: InstalledPeer
  progress(text: string): void
  /** A new process with the build under test. */
  ours(): Promise<OurWorker>
  /** A new process with the host package of the build under test. */
  host(): Promise<HostWorker>
  /** A new process with OpenClaw; `undefined` where it could not be installed. */
  openClawWorker(): Promise<OpenClawWorker | undefined>
  plain(): Promise<PlainWorker>
  /** A new process with plain FTS5 over sessions. */
  plainSearch(): Promise<PlainSearchWorker>
  /** With `--profile`, runs something once more and prints where the main thread's time went. */
  profile(title: string, run: (file: string) => Promise<unknown>): Promise<void>
}

/** What the runs of all cases share. */
export interface BenchOptions {
  readonly runs: number
  readonly large: boolean
  readonly profiles: boolean
  readonly folder: string
  readonly build: Build
  readonly openClaw: InstalledPeer
}

/** The context of one case; `close` ends its processes. */
export async function openBench(options: BenchOptions): Promise<{ readonly bench: Bench; close(): Promise<void> }> {
  const { folder, build, openClaw } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const workers: { close(): Promise<void> }[] = []
  const env = { ...emptyEnvironment(folder), PALIMPSEST_BENCH_BUILD: build.folder }
  const kept = <Kept extends { close(): Promise<void> }>(worker: Kept): Kept => {
    workers.push(worker)
    return worker
  }
  const progress = (text: string): void => console.error(`     ${text}`)
  return {
    bench: {
      ...options,
      progress,
      ours: async () => kept(await startWorker<typeof Ours.tasks>('our-tasks.ts', env)),
      host: async () => kept(await startWorker<typeof Host.tasks>('host-tasks.ts', env)),
      plain: async () => kept(await startWorker<typeof Plain.tasks>('plain-tasks.ts', env)),
      plainSearch: async () => kept(await startWorker<typeof PlainSearch.tasks>('plain-search-tasks.ts', env)),
      openClawWorker: async () => {
        if ('missing' in openClaw) return undefined
        const peerEnv = { ...env, PALIMPSEST_BENCH_OPENCLAW: openClaw.folder }
        return kept(await startWorker<typeof OpenClaw.tasks>('openclaw-tasks.ts', peerEnv))
      },
      profile: async (title, run) => {
        if (!options.profiles) return
        const file = join(folder, `${title.replaceAll(/[^a-z0-9]+/gi, '-')}.cpuprofile`)
        await run(file)
        console.error(`     self times, ${title}`)
        for (const line of await selfTimes(file, 18)) console.error(`     ${line}`)
      },
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()))
    },
  }
}

/** The row of something whose peer is not there. */
export function peerMissing(what: string, openClaw: InstalledPeer): { readonly what: string; readonly skipped: string } {
  return { what, skipped: 'missing' in openClaw ? openClaw.missing : 'the peer is not there' }
}
