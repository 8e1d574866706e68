import { type ContextView, type EntryIndex, type KeptEntries, positionsWhere } from '@palimpsest/core'

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

/** The positions of a context that a compaction keeps, in their order: those that it names, or all from the first that it names on. */
export function keptOf(index: EntryIndex, positions: Int32Array, { keptEntryIds, firstKeptEntryId }: KeptEntries): Int32Array {
  if (keptEntryIds === undefined) {
    const first = firstKeptEntryId === undefined ? undefined : index.positionOf(firstKeptEntryId)
    const at = first === undefined ? -1 : positions.indexOf(first)
    return at === -1 ? new Int32Array(0) : positions.slice(at)
  }
  const named = new Uint8Array(index.size)
  for (const id of keptEntryIds) {
    const position = index.positionOf(id)
    if (position !== undefined) named[position] = 1
  }
  return positionsWhere(positions, (position) => named[position] === 1)
}
