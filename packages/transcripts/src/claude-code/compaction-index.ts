import type { EntryIndex, IndexedEntry } from '@palimpsest/core'
import { readNote } from './note.ts'
import { isPrompt, keptTail } from './turns.ts'

/** Where the compactions of an index lie, and what each keeps. Positions are those in `entries`. */
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
  const { entries } = index
  const boundaries: number[] = []
  const prompts: number[] = []
  const summaries = new Map<number, number>()
  for (const [position, entry] of entries.entries()) {
    const latest = boundaries.at(-1)
    if (isPrompt(entry)) prompts.push(position)
    if (entry.kind === 'boundary') boundaries.push(position)
    else if (entry.kind === 'summary' && latest !== undefined && !summaries.has(latest)) summaries.set(latest, position)
  }
  const kept = new Map<number, ReadonlySet<number>>()
  const boundaryBefore = (position: number) => boundaries[countBelow(boundaries, position) - 1]
  const keptBy = (boundary: number) => {
    const known = kept.get(boundary) ?? keptPositions(index, boundary)
    kept.set(boundary, known)
    return known
  }
  const rewoundTo = (boundary: number, entry: IndexedEntry) => {
    const tail = index.byId.get(keptTail(entry) ?? '')
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
      const entry = entries[position]
      const rewound = entry?.kind === 'boundary' ? rewoundTo(position, entry) : undefined
      if (rewound !== undefined) return rewound
      for (let at = position - 1; at >= 0; at--) if (entries[at]?.leafId !== undefined) return at
      return undefined
    },
  }
}

function keptPositions(index: EntryIndex, boundary: number): ReadonlySet<number> {
  const entry = index.entries[boundary]
  const ids = entry?.keeps?.keptEntryIds
  const positions = ids === undefined ? keptSegment(index, entry) : ids.flatMap((id) => index.byId.get(id) ?? [])
  return new Set(positions.filter((position) => position < boundary))
}

/** Where a boundary names the first and the last kept entry alone: the way up from the last, if it leads to the first. */
function keptSegment(index: EntryIndex, boundary: IndexedEntry | undefined): readonly number[] {
  const note = readNote(boundary?.note)
  const head = boundary?.keeps?.firstKeptEntryId
  const tail = note?.is === 'boundary' ? note.tail : undefined
  if (head === undefined || tail === undefined) return []
  const positions = new Set<number>()
  for (let at = index.byId.get(tail); at !== undefined && !positions.has(at); ) {
    positions.add(at)
    const entry = index.entries[at]
    if (entry?.id === head) return [...positions].reverse()
    at = entry?.parentId === undefined ? undefined : index.byId.get(entry.parentId)
  }
  return []
}

/** How many of the ascending numbers are below `limit`. */
function countBelow(ascending: readonly number[], limit: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? limit) < limit) low = middle + 1
    else high = middle
  }
  return low
}
