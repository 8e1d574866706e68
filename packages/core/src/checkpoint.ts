import { z } from 'zod'

/** Why a snapshot was taken, as far as it is known. */
export type CompactionReason =
  | 'manual'
  | 'auto-threshold'
  | 'overflow-retry'
  | 'timeout-retry'
  | 'session-end'
  | 'requested'
  | 'before-restore'
  | 'unknown'

/** All reasons, for parsing. */
export const compactionReasons: readonly [CompactionReason, ...CompactionReason[]] = [
  'manual',
  'auto-threshold',
  'overflow-retry',
  'timeout-retry',
  'session-end',
  'requested',
  'before-restore',
  'unknown',
]

/** `pending`: captured, the compaction not yet confirmed · `complete`: of a compaction that happened · `snapshot`: of none. */
export type CheckpointStatus = 'pending' | 'complete' | 'snapshot'

/** How a checkpoint came: at the moment itself, or read from a transcript later. */
export type CheckpointOrigin = 'capture' | 'import'

/** A session at a moment: before a compaction, or after it. */
export interface SessionReference {
  readonly sessionId: string
  readonly sessionFile?: string | undefined
  readonly leafId?: string | undefined
  readonly entryId?: string | undefined
}

/** The line of the transcript that marks the compaction. */
export interface Boundary {
  /** The agent's id of it, else `sha256:` and the digest of the line. */
  readonly id: string
  readonly line: number
  readonly start: number
  readonly end: number
}

/** How much of a part belongs to a checkpoint. */
export interface PartPosition {
  readonly name: string
  /** Which of the part's streams. */
  readonly stream: number
  /** Where the snapshot ends in it. */
  readonly bytes: number
  /** Line feeds before that position. */
  readonly lines: number
}

/** The record of a snapshot, most often of the one before a compaction. Absent fields are left out, never null. */
export interface Checkpoint {
  readonly id: string
  readonly agent: string
  readonly sessionKey: string
  readonly sessionId: string
  readonly cwd?: string | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly reason: CompactionReason
  readonly origin: CheckpointOrigin
  readonly status: CheckpointStatus
  readonly tokensBefore?: number | undefined
  readonly tokensAfter?: number | undefined
  readonly summary?: string | undefined
  readonly firstKeptEntryId?: string | undefined
  readonly keptEntryIds?: readonly string[] | undefined
  readonly preCompaction: SessionReference
  readonly postCompaction?: SessionReference | undefined
  readonly boundary?: Boundary | undefined
  /** Bytes of the main part. */
  readonly sizeBytes: number
  readonly pinned: boolean
  readonly label?: string | undefined
  /** Lines of the main part that are no entries; their bytes are kept. */
  readonly badLines: number
  /** Bytes of a last line that was not finished; they were left out. */
  readonly tornTailBytes?: number | undefined
  /** `tail`: the bytes before the new ones were not compared, but recognised by the file and its last 64 KiB. */
  readonly prefixCheck?: 'tail' | undefined
  /** The main part and the sidecars. */
  readonly parts: readonly PartPosition[]
}

const count = z.int().min(0)
const reference = z.object({
  sessionId: z.string(),
  sessionFile: z.string().optional(),
  leafId: z.string().optional(),
  entryId: z.string().optional(),
})
const boundary = z.object({ id: z.string(), line: count, start: count, end: count })
const partPosition = z.object({ name: z.string(), stream: count, bytes: count, lines: count })

/** What the immutable record object of a checkpoint holds: everything that a list doesn't need and that doesn't change. */
export const recordSchema = z.object({
  id: z.string(),
  agent: z.string(),
  sessionKey: z.string(),
  sessionId: z.string(),
  cwd: z.string().optional(),
  createdAt: count,
  reason: z.enum(compactionReasons),
  origin: z.enum(['capture', 'import']),
  status: z.enum(['pending', 'complete', 'snapshot']),
  tokensBefore: count.optional(),
  tokensAfter: count.optional(),
  summary: z.string().optional(),
  firstKeptEntryId: z.string().optional(),
  keptEntryIds: z.array(z.string()).optional(),
  preCompaction: reference,
  postCompaction: reference.optional(),
  boundary: boundary.optional(),
  /** The bytes of the boundary line, base64. */
  boundaryLine: z.string().optional(),
  badLines: count,
  tornTailBytes: count.optional(),
  parts: z.array(partPosition),
  /** From which byte on its own capture stored each part: what `abandon` takes back. */
  added: z.array(z.object({ name: z.string(), stream: count, from: count })).optional(),
})
export type CheckpointRecord = z.infer<typeof recordSchema>

/** What the ledger holds of a checkpoint: what a list needs, and what changes. */
export const rowSchema = z.object({
  id: z.string(),
  createdAt: count,
  status: z.enum(['pending', 'complete', 'snapshot']),
  reason: z.enum(compactionReasons),
  origin: z.enum(['capture', 'import']),
  tokensBefore: count.optional(),
  tokensAfter: count.optional(),
  pinned: z.literal(true).optional(),
  label: z.string().optional(),
  leafId: z.string(),
  /** The leaf that the last line says, where the caller named another. */
  tipId: z.string().optional(),
  badLines: count.optional(),
  prefixCheck: z.literal('tail').optional(),
  boundaryId: z.string().optional(),
  /** Position in the main part. */
  stream: count,
  bytes: count,
  lines: count,
  /** The name of its record object, without the session's prefix. */
  record: z.string(),
  /** The ledger's `commitCount` when it was made: what was committed later may need its bytes. */
  commit: count,
  /** When it was moved to the trash. */
  deletedAt: count.optional(),
})
export type CheckpointRow = z.infer<typeof rowSchema>

/** A checkpoint from its row and its record; what changes is taken from the row. */
export function checkpointOf(row: CheckpointRow, record: CheckpointRecord): Checkpoint {
  const { boundaryLine: _bytes, added: _added, ...rest } = record
  return {
    ...rest,
    status: row.status,
    reason: row.reason,
    origin: row.origin,
    ...(row.tokensBefore === undefined ? {} : { tokensBefore: row.tokensBefore }),
    sizeBytes: row.bytes,
    pinned: row.pinned === true,
    ...(row.label === undefined ? {} : { label: row.label }),
    ...(row.prefixCheck === undefined ? {} : { prefixCheck: row.prefixCheck }),
  }
}

/**
 * The reason for a compaction that a runtime starts: `manual` when a person asked for it; else `timeout-retry` after a time-out;
 * else `overflow-retry` when the context had overflowed; else `auto-threshold`.
 */
export function compactionReason(options: {
  readonly trigger?: 'manual' | 'budget' | 'overflow' | undefined
  readonly timedOut?: boolean | undefined
}): CompactionReason {
  if (options.trigger === 'manual') return 'manual'
  if (options.timedOut === true) return 'timeout-retry'
  if (options.trigger === 'overflow') return 'overflow-retry'
  return 'auto-threshold'
}

/** Whether a reason says that the snapshot was taken for a compaction; `session-end`, `requested` and `before-restore` don't. */
export function isCompactionReason(reason: CompactionReason): boolean {
  return reason !== 'session-end' && reason !== 'requested' && reason !== 'before-restore'
}
