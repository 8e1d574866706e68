import { performance } from 'node:perf_hooks'
import { load } from './palimpsest.ts'
import { type Profiled, timed } from './timed.ts'

const hosts: typeof import('../packages/host/src/index.ts') = await load('host')
let host: Awaited<ReturnType<typeof hosts.openHost>> | undefined

/** The store as programs open it, with its catalogue in the cache folder of a home. */
export const tasks = {
  async open({ store, home }: { store: string; home: string }) {
    const start = performance.now()
    host = await hosts.openHost({ env: {}, homeFolder: home, store })
    return { ms: performance.now() - start }
  },

  async list({ profile }: Profiled) {
    const { ms, value: page } = await timed(profile, () => opened().checkpoints.list({ limit: 25 }))
    return { ms, count: page.checkpoints.length, problems: page.problems.length, newestId: page.checkpoints[0]?.id }
  },

  async show({ id, profile }: Profiled & { id: string }) {
    const { ms, value: checkpoint } = await timed(profile, () => opened().checkpoints.get(id))
    return { ms, id: checkpoint.id }
  },

  async close() {
    await host?.close()
    host = undefined
  },
}

function opened(): NonNullable<typeof host> {
  if (host === undefined) throw new TypeError('the host is not open')
  return host
}
