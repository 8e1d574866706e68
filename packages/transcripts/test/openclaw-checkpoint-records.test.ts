import type { Transcript } from '@palimpsest/core'
import { expect, test } from 'vitest'
import { openClawReader, piReader } from '../src/index.ts'
import { all, opened, twoCompactions } from './pi-sessions.ts'

const record = (fields: object) => ({
  checkpointId: '5f0c0f4e-3b1a-4d2c-8e7f-9a0b1c2d3e4f',
  sessionKey: 'agent:main:main',
  sessionId: 's1',
  createdAt: 1_777_000_000_000,
  reason: 'overflow-retry',
  tokensBefore: 1234,
  tokensAfter: 56,
  preCompaction: { sessionId: 's1', sessionFile: 's1.checkpoint.5f0c0f4e-3b1a-4d2c-8e7f-9a0b1c2d3e4f.jsonl' },
  postCompaction: { sessionId: 's1' },
  ...fields,
})

async function compactionsBeside(records: readonly unknown[], text?: string) {
  const registry =
    text ?? JSON.stringify({ other: { sessionId: 'x' }, 'agent:main:main': { sessionId: 's1', compactionCheckpoints: records } })
  const transcript: Transcript = { ...(await opened(twoCompactions())), companion: async () => Buffer.from(registry) }
  return { openClaw: await all(openClawReader().compactions(transcript)), pi: await all(piReader().compactions(transcript)) }
}

test.each([
  ['leaf before it', { preCompaction: { sessionId: 's1', leafId: 'a2' } }],
  ['entry', { postCompaction: { sessionId: 's1', entryId: 'c1' } }],
  ['summary', { summary: 'summary c1' }],
])('what sessions.json says of a compaction, known by its %s, is why it ran and the tokens after it', async (_by, fields) => {
  const { openClaw, pi } = await compactionsBeside([null, 'garbage', record(fields)])
  expect(openClaw).toMatchObject([
    { boundary: { entryId: 'c1' }, reason: 'overflow-retry', tokensAfter: 56, tokensBefore: 1000, leafId: 'a2' },
    { boundary: { entryId: 'c2' }, reason: 'unknown' },
  ])
  expect(pi).toMatchObject([{ reason: 'unknown' }, { reason: 'unknown' }])
})

test('a record with another summary is of another session’s compaction, whatever ids it names', async () => {
  const { openClaw } = await compactionsBeside([record({ summary: 'other', preCompaction: { sessionId: 'x', leafId: 'a2' } })])
  expect(openClaw).toMatchObject([{ reason: 'unknown' }, { reason: 'unknown' }])
})

test('a registry that is broken, or a reason that is not known, changes nothing', async () => {
  for (const records of [[record({ reason: 'weather', tokensAfter: -1, summary: 'summary c1' })], []]) {
    expect((await compactionsBeside(records)).openClaw).toEqual((await compactionsBeside([])).pi)
  }
  const broken = await compactionsBeside([], '{"torn')
  expect(broken.openClaw).toEqual(broken.pi)
})
