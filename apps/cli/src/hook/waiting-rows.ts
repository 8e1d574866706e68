/** How many of a session's newest checkpoints are looked at for one that waits. */
export const newestLooked = 20

/** Whether a checkpoint was taken for a compaction that its transcript has not recorded yet. */
export function waitsForBoundary(checkpoint: {
  readonly reason: string
  readonly boundaryId?: string | undefined
  readonly boundary?: unknown
}): boolean {
  const { reason, boundaryId, boundary } = checkpoint
  return boundaryId === undefined && boundary === undefined && isOfCompaction(reason)
}

/** Whether a checkpoint's reason says that it was taken for a compaction. */
export function isOfCompaction(reason: string): boolean {
  return reason !== 'session-end' && reason !== 'requested' && reason !== 'before-restore'
}
