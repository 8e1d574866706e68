import { eachLine } from './entry-index.ts'
import { textTable } from './text-table.ts'
import type { BadLine, IndexedEntry } from './transcript.ts'

/** What one pass over a session that was written shows, without an index of it. */
export interface WrittenSession {
  readonly leafId: string | undefined
  readonly badLines: number
  /**
   * Every entry's parent stands before it, no id stands twice and the leaf is an entry: then no cycle and no parent that does not exist can be in
   * it. A session of which this can't be said may still be whole.
   */
  readonly isOrdered: boolean
}

/** Looks at the lines of a session in their order; it keeps no more than their ids. */
export async function inspectWritten(structure: AsyncIterable<readonly (IndexedEntry | BadLine)[]>): Promise<WrittenSession> {
  const ids = textTable()
  let badLines = 0
  let leafId: string | undefined
  let isOrdered = true
  let latestId: string | undefined
  await eachLine(structure, (line) => {
    if (line.kind === 'bad') {
      badLines += 1
      return
    }
    leafId = line.leafId ?? leafId
    // A header is no entry of the tree, whatever refers to it.
    if (line.kind === 'header' || !isOrdered) return
    const { id, parentId } = line
    // Most entries hang off the one before them.
    const isKnown = parentId === undefined || parentId === latestId || ids.find(parentId) !== undefined
    isOrdered = isKnown && ids.add(id)
    latestId = id
  })
  const hasLeaf = leafId !== undefined && ids.find(leafId) !== undefined
  ids.free()
  return { leafId, badLines, isOrdered: isOrdered && hasLeaf }
}
