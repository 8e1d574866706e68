import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
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

  /** Keeps every session below a folder: the states before its compactions, and as it is now. */
  async keep({ folder }: { folder: string }) {
    const { checkpoints, files } = opened()
    let sessions = 0
    for await (const found of hosts.findTranscripts(opened(), { paths: [folder] })) {
      if ('error' in found) throw found.error
      const transcript = files.origin(found.path)
      await checkpoints.import({ agent: found.agent, transcript })
      await checkpoints.capture({ agent: found.agent, transcript, reason: 'session-end' })
      sessions += 1
    }
    return { sessions }
  },

  /** Makes the search index anew. */
  async index({ profile }: Profiled) {
    const { ms, value: report } = await timed(profile, () => opened().checkpoints.index({ rebuild: true }))
    return { ms, problems: report.problems.length, waiting: report.waiting, sizeBytes: await indexBytes() }
  },

  async search({ query, snippetCharacters, profile }: Profiled & { query: string; snippetCharacters: number }) {
    const { ms, value: page } = await timed(profile, () => opened().checkpoints.search({ query, limit: 20, snippetCharacters }))
    return { ms, count: page.hits.length, snippets: page.hits.filter(({ snippet }) => snippet !== '').length }
  },

  async close() {
    await host?.close()
    host = undefined
  },
}

/** The bytes of the search index. */
async function indexBytes(): Promise<number> {
  const { cacheFolder } = opened().configuration
  const names = await readdir(cacheFolder, { recursive: true })
  const indexFiles = names.filter((name) => /(?:^|\/)search[^/]*$/.test(name))
  const sizes = await Promise.all(indexFiles.map(async (name) => (await stat(join(cacheFolder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function opened(): NonNullable<typeof host> {
  if (host === undefined) throw new TypeError('the host is not open')
  return host
}
