// For those who use agents: every compaction that a transcript records, and what each one dropped from the context.
// The claim: dropped and kept entries together are the whole context before the compaction, and importing again changes nothing.
import assert from 'node:assert/strict'
import { createCheckpoints } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { fileTranscript, piReader } from '@palimpsest/transcripts'

const transcript = fileTranscript(new URL('../tools/demo/session.jsonl', import.meta.url).pathname)
const storage = createMemoryStorage()
await storage.open()
const checkpoints = createCheckpoints({ storage, readers: [piReader({})] })

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
await storage.close()
console.log('ok: nothing is lost between what a compaction drops and what it keeps')
