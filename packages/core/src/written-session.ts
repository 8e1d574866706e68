import { hexDigits } from './packed-text.ts'
import type { PlainMessage, StructureSink } from './structure-sink.ts'
import { textTable } from './text-table.ts'

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
export async function inspectWritten(structure: (sink: StructureSink) => Promise<void>): Promise<WrittenSession> {
  const ids = textTable()
  let badLines = 0
  let leafId: string | undefined
  let isOrdered = true
  let latestId: string | undefined
  let latestWord: number | undefined
  let leafWord: number | undefined
  // A header is no entry of the tree, whatever refers to it; but its id is taken.
  const headerIds = new Set<string>()
  const headerWords = new Set<number>()
  const isAbove = ({ hasParent, parent }: PlainMessage) => !hasParent || parent === latestWord || ids.findWord(parent) !== undefined
  await structure({
    line(line) {
      if (line.kind === 'bad') {
        badLines += 1
        return
      }
      if (line.leafId !== undefined) {
        leafId = line.leafId
        leafWord = undefined
      }
      const { id, parentId } = line
      if (line.kind === 'header') {
        headerIds.add(id)
        if (/^[0-9a-f]{8}$/.test(id)) headerWords.add(Number.parseInt(id, 16) | 0)
        return
      }
      // Most entries hang off the one before them.
      const isKnown = parentId === undefined || parentId === latestId || ids.find(parentId) !== undefined
      isOrdered = ids.add(id) && isKnown && isOrdered
      latestId = id
      latestWord = undefined
    },
    message(message) {
      if (headerWords.has(message.id)) return false
      const isKnown = isAbove(message)
      if (!ids.addWord(message.id)) return false
      isOrdered &&= isKnown
      latestId = undefined
      latestWord = message.id
      leafWord = message.id
      return true
    },
    has: (id) => ids.find(id) !== undefined || headerIds.has(id),
  })
  if (leafWord !== undefined) leafId = hexDigits(leafWord)
  const hasLeaf = leafId !== undefined && ids.find(leafId) !== undefined
  ids.free()
  return { leafId, badLines, isOrdered: isOrdered && hasLeaf }
}
