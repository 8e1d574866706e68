import type { Context, ContextView, EntryIndex, KeptEntries } from '@palimpsest/core'
import { keptByName } from '../kept-by-name.ts'
import { branchAt } from './branch.ts'

/** The entries at a leaf in the order in which the model sees them: `context` with the summary, `all` without summaries. */
export function contextAt(index: EntryIndex, leafId: string, view: ContextView): Context {
  const { positions, problems } = branchAt(index, leafId, view)
  return { positions: Int32Array.from(positions.filter((position) => isShown(index, position, view))), problems }
}

/** What a boundary names as kept; where it names the first alone, everything on the branch from there on. */
export function keptAt(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  if (keeps.keptEntryIds !== undefined) return keptByName(index, keeps.keptEntryIds, (view) => contextAt(index, leafId, view).positions)
  const first = keeps.firstKeptEntryId === undefined ? undefined : index.positionOf(keeps.firstKeptEntryId)
  if (first === undefined) return new Int32Array(0)
  const { positions } = contextAt(index, leafId, 'all')
  const at = positions.indexOf(first)
  return at === -1 ? new Int32Array(0) : positions.subarray(at)
}

/** Errors of the API stand in the transcript as messages, but are not sent to the model. */
function isShown(index: EntryIndex, position: number, view: ContextView): boolean {
  const kind = index.kindOf(position)
  if (view === 'context') return kind === 'summary' || (kind === 'message' && index.noteOf(position) !== 'error')
  return kind === 'message'
}
