import type { ContextView, EntryIndex } from '@palimpsest/core'

/** Of the entries that a compaction names as kept, those that are in the context or on the branch, in the order of the names. */
export function keptByName(index: EntryIndex, ids: readonly string[], positionsIn: (view: ContextView) => Int32Array): Int32Array {
  const left = new Uint8Array(index.size)
  for (const view of ['all', 'context'] as const) for (const position of positionsIn(view)) left[position] = 1
  const kept: number[] = []
  for (const id of ids) {
    const position = index.positionOf(id)
    if (position === undefined || left[position] !== 1) continue
    // A name that comes again keeps nothing more.
    left[position] = 0
    kept.push(position)
  }
  return Int32Array.from(kept)
}
