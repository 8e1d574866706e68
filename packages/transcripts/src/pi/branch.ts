import { CheckpointError, type EntryIndex, type Problem } from '@palimpsest/core'
import { pathTo } from '../parent-path.ts'
import { readNote } from './entry-decoder.ts'

/** What a new session consists of: the entries from the root to its leaf, and the labels that stand on other branches but mean one of them. */
export interface Branch {
  readonly path: Int32Array
  /** Positions of label entries, in file order. */
  readonly labels: readonly number[]
}

/** The branch at a leaf, or why it can't be given back. */
export function branchAt(
  index: EntryIndex,
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
function answered(index: EntryIndex, path: Int32Array): Int32Array {
  let end = path.length
  for (let at = path.length - 1; at >= 0; at--) {
    const position = path[at] ?? -1
    const kind = index.kindOf(position)
    if (kind === 'message' && index.roleOf(position) === 'user') end = at
    else if (kind !== 'state' && kind !== 'unknown') break
  }
  return path.subarray(0, end)
}

/** pi knows labels by their last line in the file, whatever branch that is on: those that the path alone wouldn't say. */
function labelsElsewhere(index: EntryIndex, path: Int32Array): readonly number[] {
  const isOnPath = new Uint8Array(index.size)
  for (const position of path) isOnPath[position] = 1
  const onPath = new Map<number, number>()
  for (const position of path) noteLabel(onPath, index, position)
  const inFile = new Map<number, number>()
  for (let position = 0; position < index.size; position++) noteLabel(inFile, index, position)
  return [...inFile]
    .filter(([target, position]) => isOnPath[target] === 1 && onPath.get(target) !== position)
    .map(([, position]) => position)
    .sort((one, other) => one - other)
}

function noteLabel(labels: Map<number, number>, index: EntryIndex, position: number): void {
  const text = index.noteOf(position)
  const note = text === undefined ? undefined : readNote(text)
  const target = note?.about === 'label' ? index.positionOf(note.targetId) : undefined
  if (target !== undefined) labels.set(target, position)
}
