import type { ContextView, EntryIndex, Problem } from '@palimpsest/core'
import { type CompactionIndex, compactionIndex } from './compaction-index.ts'
import { readNote } from './note.ts'
import { withToolBatches } from './tool-batches.ts'

/** The entries of a branch, as positions in the index, in the order in which the model sees them. */
export interface Branch {
  readonly positions: readonly number[]
  readonly problems: readonly Problem[]
}

/**
 * The branch that ends at a leaf: of the context what the last compaction on it left, of all what was there before it too. Linear in the index,
 * safe on cycles. `parentUuid` alone is followed. Where it leads nowhere, the entry before in the file is taken for the parent, and that is a
 * problem. From an entry behind a compaction that hangs off one that the compaction kept, the way leads through the compaction; from one that
 * hangs off anything else before it (a rewind behind it), it does not.
 */
export function branchAt(index: EntryIndex, leafId: string, view: ContextView): Branch {
  const leaf = index.positionOf(leafId)
  if (leaf === undefined)
    return { positions: [], problems: [problem(`No entry has the id ${leafId}: the branch that ends there can't be followed.`)] }
  const compactions = compactionIndex(index)
  const problems: Problem[] = []
  const trunk = trunkOf(index, leaf, { view, compactions, problems })
  const first = trunk[0]
  const boundary = view === 'context' && first !== undefined && index.kindOf(first) === 'boundary' ? first : undefined
  if (boundary === undefined) return { positions: withToolBatches(index, trunk, () => true), problems }
  const kept = compactions.keptBy(boundary)
  const positions = withKept(index, trunk, boundary, kept)
  return { positions: withToolBatches(index, positions, (position) => position > boundary || kept.has(position)), problems }
}

interface Walk {
  readonly view: ContextView
  readonly compactions: CompactionIndex
  readonly problems: Problem[]
}

/** From the leaf up by parents, turned round. In `context` it ends at a boundary, else it goes on at the leaf that was compacted. */
function trunkOf(index: EntryIndex, leaf: number, walk: Walk): readonly number[] {
  const positions = new Set<number>()
  const isBoundary = index.kindOf(leaf) === 'boundary'
  let at: number | undefined = isBoundary ? (walk.compactions.summaryOf(leaf) ?? leaf) : leaf
  while (at !== undefined) {
    if (positions.has(at)) {
      const line = index.entry(at)?.line
      walk.problems.push(problem('An entry is its own ancestor: the branch was followed once around and ends there.', line))
      break
    }
    positions.add(at)
    at = before(index, at, walk)
  }
  return [...positions].reverse()
}

function before(index: EntryIndex, at: number, { view, compactions, problems }: Walk): number | undefined {
  if (index.kindOf(at) === 'boundary') return view === 'context' ? undefined : compactions.leafBefore(at)
  const parent = index.parentOf(at)
  if (parent === undefined) {
    const parentId = index.parentIdOf(at)
    if (parentId === undefined) return undefined
    const message = `The parent ${parentId} is not in the transcript; the entry before it in the file was taken instead.`
    problems.push(problem(message, index.entry(at)?.line))
    return compactions.leafBefore(at)
  }
  const boundary = compactions.boundaryBefore(at)
  const isKept = boundary !== undefined && parent < boundary && compactions.keptBy(boundary).has(parent)
  return isKept ? (compactions.summaryOf(boundary) ?? boundary) : parent
}

/**
 * What a compaction keeps comes right after the entry that it names as the anchor: the summary, or in a partial compaction ("summarize from
 * here") the boundary itself, so that it stands before the summary.
 */
function withKept(index: EntryIndex, trunk: readonly number[], boundary: number, kept: ReadonlySet<number>): readonly number[] {
  const note = readNote(index.noteOf(boundary))
  const anchor = note?.is === 'boundary' && note.anchor !== undefined ? index.positionOf(note.anchor) : undefined
  const named = anchor === undefined ? -1 : trunk.indexOf(anchor)
  const at =
    named !== -1
      ? named
      : Math.max(
          0,
          trunk.findIndex((position) => index.kindOf(position) === 'summary'),
        )
  const onTrunk = new Set(trunk)
  return [...trunk.slice(0, at + 1), ...[...kept].filter((position) => !onTrunk.has(position)), ...trunk.slice(at + 1)]
}

function problem(message: string, line?: number): Problem {
  return { code: 'TRANSCRIPT_MALFORMED', message, ...(line === undefined ? {} : { line }) }
}
