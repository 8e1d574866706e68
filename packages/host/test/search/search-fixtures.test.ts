import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createCheckpoints, type IndexHit, type SearchRequest } from '@palimpsest/core'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { nodeTranscriptFiles } from '@palimpsest/transcripts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
// @boundaries-ignore what is read back is compared with what was indexed, for every entry: the service gives pages of snippets
import { createEnvironment } from '../../../core/src/environment.ts'
// @boundaries-ignore the same
import { foundEntries } from '../../../core/src/found-entries.ts'
import { knownAgents } from '../../src/agents.ts'
import { findTranscripts } from '../../src/find-transcripts.ts'
import { newFolder, removeFolders } from '../service/support/folders.ts'

afterAll(removeFolders)

const fixtures = resolve(import.meta.dirname, '../../../..', process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures')
const everything: SearchRequest = {
  terms: [],
  without: [],
  filters: { roles: [], tools: [], agents: [], paths: [] },
  verbatim: '',
  limit: 1_000_000,
}

describe.skipIf(!existsSync(fixtures))('over the real transcripts of all agents', () => {
  const storage = createMemoryStorage()
  const index = createSqliteSearchIndex({ sqlite: () => process.getBuiltinModule('node:sqlite') })
  const agents = knownAgents({}, '/nowhere')
  const files = nodeTranscriptFiles()
  const options = { storage, readers: agents.readers, files, searchIndex: index }
  const service = createCheckpoints(options)
  let hits: readonly IndexHit[] = []

  beforeAll(async () => {
    const database = join(await newFolder(), 'opencode.db')
    await cp(join(fixtures, 'opencode/v1.18.33-opencode.db'), database)
    for await (const found of findTranscripts({ ...agents, files }, { paths: [fixtures, database] })) {
      if ('error' in found) continue
      const request = { agent: found.agent, transcript: files.origin(found.path) }
      await service.import(request)
      await service.capture({ ...request, reason: 'requested' })
    }
    expect(await service.index()).toMatchObject({ waiting: 0, problems: [] })
    const texts = await index.find(everything)
    hits = await index.same(
      texts.map(({ fingerprint }) => fingerprint),
      everything,
    )
  })

  test('sessions of every agent are indexed', () => {
    const ofAgents = new Set(hits.map(({ session }) => session.slice(session.indexOf('-') + 1)))
    expect([...ofAgents].sort()).toEqual(['claude-code', 'codex', 'copilot', 'gemini', 'opencode', 'pi'])
    expect(hits.length).toBeGreaterThan(3_000)
  })

  test('every entry lives in a checkpoint, and its text is read back as it was indexed', async () => {
    const found = foundEntries(createEnvironment(options), {})
    const lost: string[] = []
    const inOrder = [...hits].sort((left, right) =>
      left.session === right.session ? (left.places[0]?.start ?? 0) - (right.places[0]?.start ?? 0) : left.session < right.session ? -1 : 1,
    )
    for (const hit of inOrder) {
      const living = await found.living(hit)
      if (living === undefined || (await found.text(living)) === undefined)
        lost.push(`${hit.session} ${hit.entryId} ${hit.places[0]?.part}`)
    }
    expect(lost).toEqual([])
  })

  test('what a compaction dropped is exactly what its own views say', async () => {
    let compactions = 0
    for (const { id, status } of (await service.list({ limit: 1000 })).checkpoints) {
      if (status !== 'complete') continue
      const wanted: string[] = []
      let from: number | undefined = 0
      while (from !== undefined) {
        const page: Awaited<ReturnType<typeof service.read>> = await service.read(id, { view: 'context', dropped: true, from, limit: 1000 })
        // An entry in which nothing can be read is in no index.
        for (const entry of page.entries) if (entry.text !== '' && entry.line !== undefined) wanted.push(entry.id)
        from = page.next
      }
      const found = hits.filter(({ droppedBy }) => droppedBy.includes(id)).map(({ entryId }) => entryId)
      expect(found.sort(), id).toEqual(wanted.sort())
      compactions += 1
    }
    expect(compactions).toBeGreaterThan(10)
  })

  test('error lines that were lost are found first, as they stand', async () => {
    const lines = [
      "src/modes/interactive/interactive-mode.ts(220,28): error TS2663: Cannot find name 'settingsManager'. Did you mean the instance member 'this.settingsManager'?",
      "fatal: ambiguous argument 'main..HEAD': unknown revision or path not in the working tree.",
    ]
    for (const line of lines) {
      const { hits: found } = await service.search({ query: line, limit: 3 })
      expect(found[0]?.snippet, line).toContain(line.slice(0, 200))
    }
  })
})
