// For those who hold a conversation as an array of messages, with any SDK: keep it around a compaction of your own.
// The claim: each history comes back as it was, value for value, and a second one costs what was new in it.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCheckpoints } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { messageEntryIds, messagesIn, messagesReader, messagesTranscript, nodeTranscriptFiles } from '@palimpsest/transcripts'

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string | readonly object[]
}

const keptMessages = 2
const folder = await mkdtemp(join(tmpdir(), 'palimpsest-example-'))
try {
  const storage = createFsStorage({ folder: join(folder, 'store') })
  await storage.open()
  const checkpoints = createCheckpoints({ storage, readers: [messagesReader()], files: nodeTranscriptFiles() })

  // Messages as the Anthropic SDK has them; those of the AI SDK, OpenAI Agents and LangGraph do as well.
  let history: readonly Message[] = [
    { role: 'user', content: 'The checkout test fails with "E_TAX_ROUNDING: 0.005". Find out why.' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'src/tax.ts' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'export const rate = 0.19\n'.repeat(2000) }] },
    { role: 'assistant', content: 'Fixed in commit 4f2a91c: prices are now kept in cents.' },
    { role: 'user', content: 'Now the invoices.' },
    { role: 'assistant', content: 'They round up.' },
  ]
  const before = structuredClone(history)

  // Only you know when your history is compacted: do it within `around`.
  const { result, outcome } = await checkpoints.around(
    {
      agent: 'messages',
      transcript: messagesTranscript(history, { sessionId: 'conversation-7' }),
      reason: 'auto-threshold',
      completion: (summary: string) => ({ summary, firstKeptEntryId: messageEntryIds(history).at(-keptMessages) }),
    },
    async () => 'The user asked about a failing test. It was fixed.',
  )
  history = [{ role: 'user', content: `Summary so far: ${result}` }, ...history.slice(-keptMessages)]

  const id = outcome.checkpoint?.id ?? assert.fail('nothing was captured')
  assert.equal(outcome.status, 'complete')
  assert.ok(!JSON.stringify(history).includes('4f2a91c'), 'the summary forgot the commit')
  assert.deepEqual(await messagesIn(checkpoints.raw(id)), before)

  // What was dropped and what stayed is known too.
  const { entries } = await checkpoints.read(id, { view: 'context' })
  assert.deepEqual(
    entries.map((entry) => entry.dropped),
    [true, true, true, true, false, false],
  )

  // Two captures of a history that only grows: the second stores what is new alone.
  const grown = messagesTranscript([...before, { role: 'user', content: 'Thanks.' }], { sessionId: 'conversation-8' })
  const first = await checkpoints.capture({ agent: 'messages', transcript: messagesTranscript(before, { sessionId: 'conversation-8' }) })
  const second = await checkpoints.capture({ agent: 'messages', transcript: grown })
  assert.ok(second.storedBytes < first.storedBytes / 3, `${second.storedBytes} bytes after ${first.storedBytes}`)

  // A branch is a file with the messages in it: go on with them in a new conversation.
  const branch = await checkpoints.branch(id, { to: join(folder, 'branches') })
  assert.deepEqual(await messagesIn([await readFile(branch.path)]), before)
  await storage.close()
  console.log(`ok: checkpoint ${id} gives back ${before.length} messages as they were, commit 4f2a91c among them`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
