import type { Context, ContextView, EntryIndex, KeptEntries, Problem } from '@palimpsest/core'
import { keptOf } from '../kept-by-name.ts'
import { readNote } from './note.ts'

/**
 * The entries of a context as Codex rebuilds it: without a compaction on the branch every item up to the leaf; with one, what the last one kept,
 * then that compaction itself, in place of the instructions and the summary that it put there, then what followed. `all` is every item on
 * the branch.
 */
export function codexContext(index: EntryIndex, leafId: string, view: ContextView): Context {
  const { branch, problems } = branchTo(index, leafId, view)
  return { positions: Int32Array.from(branch.filter((position) => isShown(index, position, view))), problems }
}

/** What a compaction names of the context before it. */
export function codexKept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  return keptOf(index, codexContext(index, leafId, 'context').positions, keeps)
}

/** The entries up to a leaf; of a context those that the last compaction kept, it, and those behind it. Each stands in it once. */
function branchTo(
  index: EntryIndex,
  leafId: string,
  view: ContextView,
): { readonly branch: readonly number[]; readonly problems: readonly Problem[] } {
  let position = index.positionOf(leafId)
  if (position === undefined || isHeader(index, position))
    return { branch: [], problems: [problem(`The leaf ${leafId} is not in the transcript.`)] }
  const found: number[] = []
  const isFound = new Uint8Array(index.size)
  for (;;) {
    found.push(position)
    isFound[position] = 1
    if (view === 'context' && index.kindOf(position) === 'summary') {
      return { branch: [...keptBy(index, position, isFound), ...found.reverse()], problems: [] }
    }
    const parent = index.parentOf(position)
    if (parent === undefined || isHeader(index, parent)) {
      const problems = index.parentIdOf(position) === undefined ? [] : [danglingAt(index, position)]
      return { branch: found.reverse(), problems }
    }
    if (isFound[parent] === 1) return { branch: found.reverse(), problems: [cycleAt(index, position)] }
    position = parent
  }
}

/** What a compaction kept, but for what stands behind it anyway. */
function keptBy(index: EntryIndex, compaction: number, isFound: Uint8Array): readonly number[] {
  const kept: number[] = []
  for (const id of index.entry(compaction)?.keeps?.keptEntryIds ?? []) {
    const position = index.positionOf(id)
    if (position === undefined || isFound[position] === 1 || isHeader(index, position)) continue
    isFound[position] = 1
    kept.push(position)
  }
  return kept
}

/** A header is none of the branch, whatever refers to it. */
function isHeader(index: EntryIndex, position: number): boolean {
  return index.kindOf(position) === 'header'
}

function isShown(index: EntryIndex, position: number, view: ContextView): boolean {
  const kind = index.kindOf(position)
  return kind === 'message' || (kind === 'summary' && view === 'context')
}

function danglingAt(index: EntryIndex, position: number): Problem {
  const entry = index.entry(position)
  const [, rolloutId] = entry?.parentId?.match(/^rollout (.+)$/) ?? []
  const message =
    rolloutId === undefined
      ? `The parent ${entry?.parentId} of the entry ${entry?.id} is not in the transcript; what came before it is cut off.`
      : `The rollout ${rolloutId}, from which this one goes on, was not found; what came before the entry ${entry?.id} is cut off.`
  return problem(message, entry?.line)
}

function cycleAt(index: EntryIndex, position: number): Problem {
  const entry = index.entry(position)
  return problem(`The entry ${entry?.id} is its own ancestor, through its parent ${entry?.parentId}.`, entry?.line)
}

function problem(message: string, line?: number): Problem {
  return { code: 'TRANSCRIPT_MALFORMED', message, ...(line === undefined ? {} : { line }) }
}

/** What Codex itself put before a prompt belongs to its turn. */
export function codexTurnStart(index: EntryIndex, position: number): number | undefined {
  if (readNote(index.noteOf(position))?.is !== 'prompt') return undefined
  let start = position
  for (let parent = index.parentOf(start); parent !== undefined; parent = index.parentOf(start)) {
    if (parent >= start || readNote(index.noteOf(parent))?.is !== 'context') break
    start = parent
  }
  return start
}
