const prefix = 'copy:'

/** What a checkpoint of a copy that an agent made has for its boundary, as long as no line that marks the compaction is known. */
export function copyBoundaryId(copyId: string): string {
  return `${prefix}${copyId}`
}

/** Whether a boundary is a copy's. */
export function isCopyBoundary(boundaryId: string | undefined): boundaryId is string {
  return boundaryId?.startsWith(prefix) === true
}
