// For those who use agents: every compaction that a transcript records, what each one dropped from the context, and search in it.
// The claim: dropped and kept entries together are the whole context before the compaction, importing again changes nothing, and an error line that
// no summary holds is the first hit of a search.
import assert from 'node:assert/strict'
import { createCheckpoints } from '@palimpsest/core'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { fileTranscript, piReader } from '@palimpsest/transcripts'

const transcript = fileTranscript(new URL('../tools/demo/session.jsonl', import.meta.url).pathname)
const storage = createMemoryStorage()
await storage.open()
// Without a folder the index is in memory.
const searchIndex = createSqliteSearchIndex({ sqlite: () => process.getBuiltinModule('node:sqlite') })
const checkpoints = createCheckpoints({ storage, readers: [piReader({})], searchIndex })

const { checkpointIds } = await checkpoints.import({ agent: 'pi', transcript })
assert.equal(checkpointIds.length, 2)
for (const id of checkpointIds) {
  const { total } = await checkpoints.read(id, { view: 'context', limit: 1 })
  const dropped = await checkpoints.read(id, { view: 'context', dropped: true, limit: 1000 })
  const after = await checkpoints.read(id, { view: 'after', limit: 1000 })
  const kept = after.entries.filter((entry) => entry.kind !== 'summary')
  assert.equal(dropped.total + kept.length, total)
  console.log(`${id}: ${total} entries in the context, ${dropped.total} of them dropped`)
}
const again = await checkpoints.import({ agent: 'pi', transcript })
assert.deepEqual(again.checkpointIds, checkpointIds)
assert.equal(again.created, 0)

const errorLine = 'ImportError: SQLITE_BUSY: database is locked (attempt 3/3, waited 5003 ms)'
for (const { summary } of (await checkpoints.list()).checkpoints) assert.ok(summary?.includes(errorLine) === false)
const [hit] = (await checkpoints.search({ query: `"${errorLine}"`, limit: 1 })).hits
assert.ok(hit?.dropped === true && hit.snippet.includes(errorLine))
const around = await checkpoints.read(hit.checkpointId, { around: hit.entryId, limit: 3 })
assert.ok(around.entries.some((entry) => entry.id === hit.entryId && entry.text.includes(errorLine)))
console.log(`found in entry ${hit.entryId}, with what stands around it: ${hit.snippet}`)
searchIndex.close()
await storage.close()
console.log('ok: nothing is lost between what a compaction drops and what it keeps, and search finds it')
