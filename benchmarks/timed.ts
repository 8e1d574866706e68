import { performance } from 'node:perf_hooks'
import { profiled } from './profile.ts'

/** Where a CPU profile of what is measured goes; absent for none. */
export interface Profiled {
  readonly profile?: string | undefined
}

/** Runs something and says how long it took; under the profiler, which slows it down, there is no time. */
export async function timed<Value>(profile: string | undefined, run: () => Promise<Value>): Promise<{ ms: number; value: Value }> {
  if (profile !== undefined) return { ms: Number.NaN, value: await profiled(profile, run) }
  const start = performance.now()
  const value = await run()
  return { ms: performance.now() - start, value }
}
