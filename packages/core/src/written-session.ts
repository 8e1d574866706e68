import { growingIndex } from './packed-index.ts'
import { hexDigits } from './packed-text.ts'
import type { PlainMessage, StructureSink } from './structure-sink.ts'
import { textTable } from './text-table.ts'
import type { EntryIndex, IndexedEntry } from './transcript.ts'

/** What one pass over a session that was written shows. */
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
  const { sink, result } = inspector({
    takesHeader: () => undefined,
    takes: ({ id }) => ids.add(id),
    takesMessage: ({ id }) => ids.addWord(id),
    has: (id) => ids.find(id) !== undefined,
    hasWord: (word) => ids.findWord(word) !== undefined,
  })
  await structure(sink)
  const written = result()
  ids.free()
  return written
}

/** Looks at lines in the same way, and keeps an index of them. */
export function inspectedIndex(): {
  readonly index: EntryIndex
  readonly sink: StructureSink
  result(): WrittenSession
  free(): void
} {
  const index = growingIndex()
  const has = (id: string): boolean => {
    const position = index.positionOf(id)
    return position !== undefined && index.kindOf(position) !== 'header'
  }
  const inspected = inspector({
    takesHeader: index.add,
    takes(entry) {
      const isFirst = index.positionOf(entry.id) === undefined
      index.add(entry)
      return isFirst
    },
    takesMessage: index.addMessage,
    has,
    hasWord: (word) => has(hexDigits(word)),
  })
  return { index, ...inspected, free: index.free }
}

/** Where entries are kept, and which of them are there; a header is none. */
interface KeptEntries {
  takesHeader(header: IndexedEntry): void
  /** Gives whether no entry had this id. */
  takes(entry: IndexedEntry): boolean
  /** The same; a message whose id is there is not taken. */
  takesMessage(message: PlainMessage): boolean
  has(id: string): boolean
  hasWord(word: number): boolean
}

function inspector(entries: KeptEntries): { readonly sink: StructureSink; result(): WrittenSession } {
  let badLines = 0
  let leafId: string | undefined
  let isOrdered = true
  let latestId: string | undefined
  let latestWord: number | undefined
  let leafWord: number | undefined
  // A header is no entry of the tree, whatever refers to it; but its id is taken.
  const headerIds = new Set<string>()
  const headerWords = new Set<number>()
  const isAbove = ({ hasParent, parent }: PlainMessage) => !hasParent || parent === latestWord || entries.hasWord(parent)
  const sink: StructureSink = {
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
        entries.takesHeader(line)
        return
      }
      // Most entries hang off the one before them.
      const isKnown = parentId === undefined || parentId === latestId || entries.has(parentId)
      isOrdered = entries.takes(line) && isKnown && isOrdered
      latestId = id
      latestWord = undefined
    },
    message(message) {
      if (headerWords.has(message.id)) return false
      const isKnown = isAbove(message)
      if (!entries.takesMessage(message)) return false
      isOrdered &&= isKnown
      latestId = undefined
      latestWord = message.id
      leafWord = message.id
      return true
    },
    has: (id) => entries.has(id) || headerIds.has(id),
  }
  return {
    sink,
    result() {
      const leaf = leafWord === undefined ? leafId : hexDigits(leafWord)
      return { leafId: leaf, badLines, isOrdered: isOrdered && leaf !== undefined && entries.has(leaf) }
    },
  }
}
