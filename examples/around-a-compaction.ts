// For those who build agents: keep the transcript around a compaction of your own.
// The claim: what the compaction forgets is still there afterwards, exactly.
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compactionReason, createCheckpoints } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { fileTranscript, nodeTranscriptFiles, piReader } from '@palimpsest/transcripts'

const folder = await mkdtemp(join(tmpdir(), 'palimpsest-example-'))
try {
  const transcript = join(folder, 'session.jsonl')
  await writeFile(
    transcript,
    lines(
      { type: 'session', version: 3, id: '6f1d0c3e-8a4b-4a55-9b1f-2f6f6c1d7a10', timestamp: '2026-03-01T09:00:00.000Z', cwd: '/work/shop' },
      message('aaaaaaaa', null, 'user', 'The checkout test fails with "E_TAX_ROUNDING: 0.005". Find out why.'),
      message('bbbbbbbb', 'aaaaaaaa', 'assistant', 'Fixed in commit 4f2a91c: prices are now kept in cents.'),
    ),
  )
  const before = await readFile(transcript)

  const storage = createFsStorage({ folder: join(folder, 'store') })
  await storage.open()
  const checkpoints = createCheckpoints({ storage, readers: [piReader({})], files: nodeTranscriptFiles() })

  const { result, outcome } = await checkpoints.around(
    {
      agent: 'pi',
      transcript: fileTranscript(transcript),
      reason: compactionReason({ trigger: 'budget' }),
      tokensBefore: 175_004,
      completion: (summary: string) => ({ summary, tokensAfter: 120 }),
    },
    async () => {
      // Whatever your agent does to compact; here it appends a summary to its transcript.
      const summary = 'The user asked about a failing test. It was fixed.'
      await appendFile(
        transcript,
        lines({
          type: 'compaction',
          id: 'cccccccc',
          parentId: 'bbbbbbbb',
          timestamp: '2026-03-01T09:30:00.000Z',
          summary,
          firstKeptEntryId: 'cccccccc',
          tokensBefore: 175_004,
        }),
      )
      return summary
    },
  )

  assert.equal(outcome.status, 'complete')
  assert.ok(!result.includes('4f2a91c'), 'the summary forgot the commit')
  const pieces: Uint8Array[] = []
  for await (const piece of checkpoints.raw('latest')) pieces.push(piece)
  assert.deepEqual(Buffer.concat(pieces), before)
  const { entries } = await checkpoints.read('latest', { view: 'context' })
  assert.ok(entries.some((entry) => entry.text.includes('4f2a91c')))
  await storage.close()
  console.log(`ok: checkpoint ${outcome.checkpoint?.id} still knows commit 4f2a91c, which the summary forgot`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

function lines(...entries: readonly object[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

function message(id: string, parentId: string | null, role: string, text: string): object {
  return { type: 'message', id, parentId, timestamp: '2026-03-01T09:10:00.000Z', message: { role, content: [{ type: 'text', text }] } }
}
