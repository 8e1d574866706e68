import type { Checkpoint } from '@palimpsest/core'
import { z } from 'zod'
import { isoTime } from './excerpt.ts'
import { oneLine } from './plain-text.ts'

/** What a model needs of a checkpoint to choose one. Absent fields are left out. */
export const checkpointRowSchema = z.object({
  id: z.string().describe('the last 8 characters of its id, which every tool takes'),
  agent: z.string(),
  session_key: z.string(),
  this_session: z.literal(true).optional().describe('it is of the session that calls'),
  created_at: z.string().describe('ISO 8601, UTC'),
  reason: z.string(),
  status: z.string(),
  tokens_before: z.int().min(0).optional(),
  tokens_after: z.int().min(0).optional(),
  pinned: z.literal(true).optional(),
  label: z.string().optional(),
})
export type CheckpointRow = z.infer<typeof checkpointRowSchema>

/** The row of a checkpoint. Names that stand in transcripts come on one line and cut. */
export function checkpointRow(checkpoint: Checkpoint, isOwn: boolean): CheckpointRow {
  const { tokensBefore, tokensAfter, label } = checkpoint
  return {
    id: shortId(checkpoint.id),
    agent: oneLine(checkpoint.agent, 64),
    session_key: oneLine(checkpoint.sessionKey, 200),
    ...(isOwn ? { this_session: true } : {}),
    created_at: isoTime(checkpoint.createdAt),
    reason: checkpoint.reason,
    status: checkpoint.status,
    ...(tokensBefore === undefined ? {} : { tokens_before: tokensBefore }),
    ...(tokensAfter === undefined ? {} : { tokens_after: tokensAfter }),
    ...(checkpoint.pinned ? { pinned: true } : {}),
    ...(label === undefined ? {} : { label: oneLine(label, 80) }),
  }
}

/** The end of an id that is enough to find it again. */
export function shortId(id: string): string {
  return id.slice(-8)
}

/** The row in one line of text. */
export function rowText(row: CheckpointRow): string {
  const parts = [
    row.id,
    row.agent,
    `session ${row.session_key}${row.this_session === true ? ' (this session)' : ''}`,
    row.created_at,
    `${row.reason}, ${row.status}`,
    tokensText(row),
    row.pinned === true ? 'pinned' : undefined,
    row.label === undefined ? undefined : `label "${row.label}"`,
  ]
  return parts.filter((part) => part !== undefined).join(' · ')
}

function tokensText({ tokens_before: before, tokens_after: after }: CheckpointRow): string | undefined {
  if (before === undefined && after === undefined) return undefined
  return `${before ?? 'unknown'} → ${after ?? 'unknown'} tokens`
}
