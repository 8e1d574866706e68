import { CheckpointError, type IndexedEntry, type Problem } from '@palimpsest/core'
import { pathTo } from './context.ts'
import type { PiIndex } from './entries.ts'
import { readNote } from './entry-decoder.ts'

/** What a new session consists of: the entries from the root to its leaf, and the labels that stand on other branches but mean one of them. */
export interface Branch {
  readonly path: readonly number[]
  /** Positions of label entries, in file order. */
  readonly labels: readonly number[]
}

/** The branch at a leaf, or why it can't be given back. */
export function branchAt(
  index: PiIndex,
  options: { readonly leafId: string; readonly dropUnanswered?: boolean | undefined },
): Branch | { readonly problem: Problem } {
  const { path, problems } = pathTo(index, options.leafId)
  const [problem] = problems
  if (problem !== undefined) return { problem }
  const kept = options.dropUnanswered === true ? answered(index, path) : path
  return { path: kept, labels: labelsElsewhere(index, kept) }
}

/** The error for a branch that can't be given back. */
export function malformed(problem: Problem, path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    `${problem.message} A session at this leaf can't be given back; choose another checkpoint.`,
    {
      ...(path === undefined ? {} : { path }),
      ...(problem.line === undefined ? {} : { line: problem.line }),
    },
  )
}

/** Without the prompts at its end, and what was only noted behind them. */
function answered(index: PiIndex, path: readonly number[]): readonly number[] {
  let end = path.length
  for (let at = path.length - 1; at >= 0; at--) {
    const entry = index.entries[path[at] ?? -1]
    if (entry?.kind === 'message' && entry.role === 'user') end = at
    else if (entry?.kind !== 'state' && entry?.kind !== 'unknown') break
  }
  return path.slice(0, end)
}

/** pi knows labels by their last line in the file, whatever branch that is on: those that the path alone wouldn't say. */
function labelsElsewhere(index: PiIndex, path: readonly number[]): readonly number[] {
  const targets = new Set(path.map((position) => index.entries[position]?.id))
  const onPath = new Map<string, number>()
  for (const position of path) noteLabel(onPath, index.entries[position], position)
  const inFile = new Map<string, number>()
  for (const [position, entry] of index.entries.entries()) noteLabel(inFile, entry, position)
  return [...inFile]
    .filter(([targetId, position]) => targets.has(targetId) && onPath.get(targetId) !== position)
    .map(([, position]) => position)
    .sort((one, other) => one - other)
}

function noteLabel(labels: Map<string, number>, entry: IndexedEntry | undefined, position: number): void {
  const note = readNote(entry?.note)
  if (note.about === 'label') labels.set(note.targetId, position)
}
