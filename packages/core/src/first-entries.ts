import type { EntryIndex } from './transcript.ts'

/** The first `size` entries of an index, as if it had been made of these alone. Nothing is copied. */
export function firstEntries(index: EntryIndex, size: number): EntryIndex {
  if (size >= index.size) return index
  const within = <Value>(position: number, value: (position: number) => Value): Value | undefined =>
    position < size ? value(position) : undefined
  return {
    size,
    positionOf(id) {
      const position = index.positionOf(id)
      return position !== undefined && position < size ? position : undefined
    },
    idOf: (position) => within(position, index.idOf),
    kindOf: (position) => within(position, index.kindOf),
    roleOf: (position) => within(position, index.roleOf),
    noteOf: (position) => within(position, index.noteOf),
    startOf: (position) => within(position, index.startOf),
    endOf: (position) => within(position, index.endOf),
    parentOf(position) {
      const parent = within(position, index.parentOf)
      return parent !== undefined && parent < size ? parent : undefined
    },
    parentIdOf: (position) => within(position, index.parentIdOf),
    movesLeaf: (position) => position < size && index.movesLeaf(position),
    entry: (position) => within(position, index.entry),
  }
}
