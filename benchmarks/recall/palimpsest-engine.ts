import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Host } from '@palimpsest/host'
import { entryKey, sessionName } from './corpus.ts'
import type { RecallEngine } from './engine.ts'

/** The product: the search of a host whose store holds the sessions. Indexes everything first. The host stays its caller's. */
export async function openPalimpsestEngine(host: Host, transcriptBytes: number): Promise<RecallEngine> {
  const { checkpoints, configuration } = host
  const start = performance.now()
  const { problems, waiting } = await checkpoints.index()
  const ms = performance.now() - start
  if (problems.length > 0 || waiting > 0)
    throw new Error(`${waiting} sessions are not indexed: ${problems.map(({ message }) => message).join(' ')}`)
  return {
    name: 'palimpsest',
    index: { ms, sizeBytes: await indexBytes(configuration.cacheFolder), transcriptBytes },
    async search(query, limit) {
      const { hits } = await checkpoints.search({ query, limit })
      return hits.map(({ agent, sessionKey, part, entryId, snippet }) => {
        const session = sessionName(agent, sessionKey)
        return { key: entryKey(session, part, entryId), session, text: snippet }
      })
    },
    async close() {},
  }
}

/** The bytes of the search index with what SQLite keeps beside it. */
async function indexBytes(cacheFolder: string): Promise<number> {
  const names = await readdir(cacheFolder, { recursive: true })
  const indexFiles = names.filter((name) => /(?:^|\/)search[^/]*$/.test(name))
  const sizes = await Promise.all(indexFiles.map(async (name) => (await stat(join(cacheFolder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
