import type { Checkpoint, ListedCheckpoint } from '@palimpsest/core'
import { byteSize } from './byte-size.ts'
import { timeAgo } from './point-in-time.ts'
import { shortId } from './short-id.ts'
import type { Table } from './table.ts'
import { shortened, styled, type Text } from './text.ts'
import { tokenChange } from './token-count.ts'

/** How much of a session key a table shows: a whole UUID. */
export const sessionKeyWidth = 36

/** Checkpoints for people, a row each. */
export function checkpointTable(checkpoints: readonly ListedCheckpoint[], now: number): Table {
  return {
    columns: [
      { title: 'id' },
      { title: 'when' },
      { title: 'agent' },
      { title: 'session' },
      { title: 'reason' },
      { title: 'tokens', align: 'right' },
      { title: 'bytes', align: 'right' },
      { title: 'notes' },
    ],
    rows: checkpoints.map((checkpoint) => [
      styled('bold', shortId(checkpoint.id)),
      timeAgo(checkpoint.createdAt, now),
      checkpoint.agent,
      shortened(checkpoint.sessionKey, sessionKeyWidth),
      checkpoint.reason,
      tokenChange(checkpoint),
      byteSize(checkpoint.sizeBytes),
      notes(checkpoint),
    ]),
  }
}

/** What sets a checkpoint apart from others, in a few words. */
function notes(checkpoint: ListedCheckpoint): Text {
  const marks: Text[] = []
  if (checkpoint.problem !== undefined) marks.push(styled('red', shortened(checkpoint.problem, 60)))
  if (checkpoint.status === 'pending') marks.push(styled('yellow', 'pending'))
  if (checkpoint.pinned) marks.push(styled('green', 'pinned'))
  if (checkpoint.label !== undefined) marks.push(styled('cyan', shortened(checkpoint.label, 40)))
  return marks.flatMap((mark, index) => (index === 0 ? [mark] : [', ', mark]))
}

/** A checkpoint in one line, as commands that changed it name it. */
export function checkpointLine(checkpoint: Checkpoint, now: number): Text {
  const facts = [timeAgo(checkpoint.createdAt, now), checkpoint.reason, tokenChange(checkpoint), byteSize(checkpoint.sizeBytes)]
  return [
    styled('bold', shortId(checkpoint.id)),
    ` of ${checkpoint.agent} ${shortened(checkpoint.sessionKey, sessionKeyWidth)} (${facts.filter((fact) => fact !== '').join(', ')})`,
  ]
}
