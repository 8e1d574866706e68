// For those who want to know what is lost: the facts of the dropped entries that stand nowhere in the context after a compaction, and a text that gives them back.
// The claim: what counts as gone stands neither in the summary nor in an entry that was kept, and the text cites the entry of each fact.
import assert from 'node:assert/strict'
import { createCheckpoints } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { fileTranscript, piReader } from '@palimpsest/transcripts'

const transcript = fileTranscript(new URL('../tools/demo/session.jsonl', import.meta.url).pathname)
const storage = createMemoryStorage()
await storage.open()
const checkpoints = createCheckpoints({ storage, readers: [piReader({})] })

const { checkpointIds } = await checkpoints.import({ agent: 'pi', transcript })
for (const id of checkpointIds) {
  const diff = await checkpoints.diff(id)
  const after = (await checkpoints.read(id, { view: 'after', limit: 1000 })).entries.map(({ text }) => text)
  const gone = diff.forgotten.filter(({ survives }) => survives === 'none')
  assert.ok(gone.length > 0)
  for (const { text } of gone) assert.ok(after.every((said) => !said.includes(text)))
  const dropped = (await checkpoints.read(id, { dropped: true, limit: 1000 })).entries.map((entry) => entry.id)
  assert.ok(diff.forgotten.every(({ entryId }) => dropped.includes(entryId)))

  const recovered = await checkpoints.recover(id, { maxTokens: 300 })
  assert.ok(recovered.facts > 0 && recovered.tokensEstimated <= 300)
  assert.equal(recovered.text.match(/^- .* \[\S+\]$/gm)?.length, recovered.facts)
  console.log(
    `${id}: ${diff.dropped.entries} entries dropped, ${gone.length} facts gone, the first of them:\n  ${gone[0]?.category}: ${gone[0]?.text}`,
  )
}
await storage.close()
console.log('ok: what a compaction forgot is found word for word, and given back with its entries')
