import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contextIn } from './contexts.ts'
import { reader } from './copilot-session.ts'
import { newId, opened, readSession, rewritten } from './session-kit.ts'

const folder = join(process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures', 'copilot-cli')
const events = () => readFile(join(folder, 'v1.0.102-events.jsonl'))

describe.skipIf(!existsSync(folder))('the real session of Copilot CLI 1.0.102', () => {
  test('has its compaction with reason, tokens and summary, and the three turns before it', async () => {
    const { compactions, bad, index } = await readSession(reader, await events())
    expect(bad).toEqual([])
    expect(compactions).toMatchObject([
      {
        boundary: { line: 31 },
        leafId: 'c0cd08a4-18a8-44eb-9193-8e809d69aad0',
        reason: 'manual',
        tokensBefore: 10_815,
        tokensAfter: 10_744,
        keptEntryIds: [],
      },
    ])
    expect(compactions[0]?.summary).toContain('Mock reply 116')
    expect(contextIn(reader, index, compactions[0]?.leafId ?? '', 'context')).toMatchObject({ entryIds: { length: 6 }, problems: [] })
  })

  test('begins a new one before its compaction, with the file beside it', async () => {
    const workspace = await readFile(join(folder, 'workspace.yaml'))
    const transcript = await opened(await events(), { 'workspace.yaml': workspace })
    const parts = await rewritten(reader, transcript, { leafId: 'c0cd08a4-18a8-44eb-9193-8e809d69aad0' })
    const copy = await readSession(reader, Buffer.from(parts['main'] ?? ''))
    expect(copy.entries).toHaveLength(23)
    expect(copy.compactions).toEqual([])
    expect(parts['workspace.yaml']).toContain(`id: ${newId}\n`)
    expect(parts['workspace.yaml']).toContain('summary_count: 0\n')
  })
})
