import fc from 'fast-check'
import { type CheckpointRow, compactionReasons } from '../../src/checkpoint.ts'
import { makeCheckpointId } from '../../src/checkpoint-id.ts'
import { sessionDigest } from '../../src/keys.ts'

/** A row of a complete checkpoint, as long as real ones are. */
export function row(createdAt: number, fields: Partial<CheckpointRow> = {}): CheckpointRow {
  return {
    id: makeCheckpointId({ createdAt, sessionDigest: sessionDigest('pi', 'session'), seed: String(createdAt) }),
    createdAt,
    status: 'complete',
    reason: 'auto-threshold',
    origin: 'capture',
    tokensBefore: 185_014,
    tokensAfter: 21_004,
    leafId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    boundaryId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    stream: 0,
    bytes: createdAt,
    lines: 1000,
    record: '0-0123456789abcdef0123',
    commit: 1,
    ...fields,
  }
}

const anyRow: fc.Arbitrary<CheckpointRow> = fc
  .record({
    createdAt: fc.integer({ min: 0, max: 50 }),
    seed: fc.integer(),
    status: fc.constantFrom('pending' as const, 'complete' as const, 'snapshot' as const),
    reason: fc.constantFrom(...compactionReasons),
    pinned: fc.option(fc.constant(true as const), { nil: undefined }),
    label: fc.option(fc.string(), { nil: undefined }),
  })
  .map(({ seed, ...fields }) => ({
    ...row(fields.createdAt, fields),
    id: makeCheckpointId({ createdAt: fields.createdAt, sessionDigest: sessionDigest('pi', 'session'), seed: String(seed) }),
  }))

/** Rows with ids of their own, in any order, many of them of one millisecond. */
export const anyRows: fc.Arbitrary<readonly CheckpointRow[]> = fc.uniqueArray(anyRow, { selector: ({ id }) => id, maxLength: 60 })
