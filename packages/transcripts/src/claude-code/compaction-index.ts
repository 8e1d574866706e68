import { type EntryIndex, type IndexedEntry, leadingCount } from '@palimpsest/core'
import { readNote } from './note.ts'
import { isPromptAt, keptTail } from './turns.ts'

/** Where the compactions of an index lie, and what each keeps. By position. */
export interface CompactionIndex {
  /** The last boundary before a position. */
  boundaryBefore(position: number): number | undefined
  /** The summary of a boundary: the first before the next one. */
  summaryOf(boundary: number): number | undefined
  /** The tip of the branch that was compacted, found as `readCompactions` does. Before another entry: the last one that moved the leaf. */
  leafBefore(position: number): number | undefined
  /** What a boundary keeps of the context before it, in order. Names of what was never written are passed over. */
  keptBy(boundary: number): ReadonlySet<number>
}

/** Linear in the index; what is kept is worked out once for each boundary that is asked for. */
export function compactionIndex(index: EntryIndex): CompactionIndex {
  const boundaries: number[] = []
  const prompts: number[] = []
  const summaries = new Map<number, number>()
  for (let position = 0; position < index.size; position++) {
    const kind = index.kindOf(position)
    const latest = boundaries.at(-1)
    if (isPromptAt(index, position)) prompts.push(position)
    if (kind === 'boundary') boundaries.push(position)
    else if (kind === 'summary' && latest !== undefined && !summaries.has(latest)) summaries.set(latest, position)
  }
  const kept = new Map<number, ReadonlySet<number>>()
  const boundaryBefore = (position: number) => boundaries[countBelow(boundaries, position) - 1]
  const keptBy = (boundary: number) => {
    const known = kept.get(boundary) ?? keptPositions(index, boundary)
    kept.set(boundary, known)
    return known
  }
  const rewoundTo = (boundary: number) => {
    const entry = index.entry(boundary)
    const tail = index.positionOf((entry === undefined ? undefined : keptTail(entry)) ?? '')
    const prompt = prompts[countBelow(prompts, boundary) - 1]
    if (tail === undefined || prompt === undefined || tail >= prompt) return undefined
    const earlier = boundaryBefore(boundary)
    return earlier !== undefined && keptBy(earlier).has(tail) ? undefined : tail
  }
  return {
    boundaryBefore,
    keptBy,
    summaryOf: (boundary) => summaries.get(boundary),
    leafBefore(position) {
      const rewound = index.kindOf(position) === 'boundary' ? rewoundTo(position) : undefined
      if (rewound !== undefined) return rewound
      for (let at = position - 1; at >= 0; at--) if (index.movesLeaf(at)) return at
      return undefined
    },
  }
}

function keptPositions(index: EntryIndex, boundary: number): ReadonlySet<number> {
  const entry = index.entry(boundary)
  const ids = entry?.keeps?.keptEntryIds
  const positions = ids === undefined ? keptSegment(index, entry) : ids.flatMap((id) => index.positionOf(id) ?? [])
  return new Set(positions.filter((position) => position < boundary))
}

/** Where a boundary names the first and the last kept entry alone: the way up from the last, if it leads to the first. */
function keptSegment(index: EntryIndex, boundary: IndexedEntry | undefined): readonly number[] {
  const note = readNote(boundary?.note)
  const head = boundary?.keeps?.firstKeptEntryId
  const tail = note?.is === 'boundary' ? note.tail : undefined
  const first = head === undefined ? undefined : index.positionOf(head)
  if (first === undefined || tail === undefined) return []
  const positions = new Set<number>()
  for (let at = index.positionOf(tail); at !== undefined && !positions.has(at); at = index.parentOf(at)) {
    positions.add(at)
    if (at === first) return [...positions].reverse()
  }
  return []
}

/** How many of the ascending numbers are below `limit`. */
function countBelow(ascending: readonly number[], limit: number): number {
  return leadingCount(ascending.length, (place) => (ascending[place] ?? limit) < limit)
}
