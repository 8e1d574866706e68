import type { EntryIndex, Problem } from '@palimpsest/core'

/**
 * The positions of the entries from the root to a leaf, and why the walk ended early, where it did. Each entry stands in it once. A header is no
 * entry of the tree, so that a parent which is one is missing, unless it is the agent's way to begin (`beginsAtHeader`).
 */
export function pathTo(
  index: EntryIndex,
  leafId: string,
  options: { readonly beginsAtHeader?: boolean | undefined } = {},
): { readonly path: Int32Array; readonly problems: readonly Problem[] } {
  const leaf = leafPosition(index, leafId)
  if (leaf === undefined) {
    return { path: new Int32Array(0), problems: [unknownLeaf(leafId)] }
  }
  const seen = new Uint8Array(index.size)
  let top = leaf
  let length = 1
  for (seen[leaf] = 1; ; length++) {
    const parent = parentOf(index, top)
    if (parent === undefined) {
      const isRoot = index.parentIdOf(top) === undefined || (options.beginsAtHeader === true && index.parentOf(top) !== undefined)
      const problems = isRoot ? [] : [danglingAt(index, top)]
      return { path: wayUp(index, leaf, length), problems }
    }
    if (seen[parent] === 1) return { path: wayUp(index, leaf, length), problems: [cycleAt(index, top)] }
    seen[parent] = 1
    top = parent
  }
}

/** The positions from an entry to a leaf, both counted; `undefined` where the one is not on the way up from the other. Nothing further up is walked. */
export function wayTo(index: EntryIndex, leafId: string, first: number): Int32Array | undefined {
  const leaf = leafPosition(index, leafId)
  const length = leaf === undefined ? undefined : lengthUpTo(index, leaf, first)
  return leaf === undefined || length === undefined ? undefined : wayUp(index, leaf, length)
}

/** How many entries lie on the way from a leaf up to another entry, both counted; `undefined` where it is not on the way. */
function lengthUpTo(index: EntryIndex, leaf: number, last: number): number | undefined {
  // After Brent: a cycle is found without a note of what was seen, since a file of many compactions is walked for each of them.
  let marked = leaf
  let steps = 0
  let stepsToMark = 1
  let length = 1
  for (let position = leaf; position !== last; length++) {
    const parent = parentOf(index, position)
    if (parent === undefined || parent === marked) return undefined
    position = parent
    steps++
    if (steps < stepsToMark) continue
    marked = position
    stepsToMark *= 2
    steps = 0
  }
  return length
}

/** The last so many entries of the way to a leaf. It is walked again, instead of kept in a list that grows: it may have a million entries. */
function wayUp(index: EntryIndex, leaf: number, length: number): Int32Array {
  const path = new Int32Array(length)
  for (let at = length - 1, position: number | undefined = leaf; at >= 0 && position !== undefined; at--) {
    path[at] = position
    position = index.parentOf(position)
  }
  return path
}

/** The problem of a leaf that no entry is. */
export function unknownLeaf(leafId: string): Problem {
  return malformed(`The leaf ${leafId} is not in the transcript.`)
}

/** The position of a leaf; `undefined` where it is no entry of the tree. */
export function leafPosition(index: EntryIndex, leafId: string): number | undefined {
  const leaf = index.positionOf(leafId)
  return leaf === undefined || isHeader(index, leaf) ? undefined : leaf
}

/** A header is no entry of the tree, whatever refers to it. */
function parentOf(index: EntryIndex, position: number): number | undefined {
  const parent = index.parentOf(position)
  return parent === undefined || isHeader(index, parent) ? undefined : parent
}

function isHeader(index: EntryIndex, position: number): boolean {
  return index.kindOf(position) === 'header'
}

function danglingAt(index: EntryIndex, position: number): Problem {
  const entry = index.entry(position)
  const message = `The parent ${entry?.parentId} of the entry ${entry?.id} is not in the transcript; what came before it is cut off.`
  return malformed(message, entry?.line)
}

function cycleAt(index: EntryIndex, position: number): Problem {
  const entry = index.entry(position)
  return malformed(`The entry ${entry?.id} is its own ancestor, through its parent ${entry?.parentId}.`, entry?.line)
}

function malformed(message: string, line?: number): Problem {
  return { code: 'TRANSCRIPT_MALFORMED', message, ...(line === undefined ? {} : { line }) }
}
