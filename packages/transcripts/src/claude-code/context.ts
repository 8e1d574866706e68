import type { ContextView, EntryIndex, IndexedEntry, Problem } from '@palimpsest/core'
import { branchAt } from './branch.ts'

/** The entries at a leaf in the order in which the model sees them: `context` with the summary, `all` without summaries. */
export function contextAt(
  index: EntryIndex,
  leafId: string,
  view: ContextView,
): { readonly entryIds: readonly string[]; readonly problems: readonly Problem[] } {
  const { positions, problems } = branchAt(index, leafId, view)
  const entries = positions.flatMap((position) => index.entries[position] ?? [])
  return { entryIds: entries.filter((entry) => isShown(entry, view)).map(({ id }) => id), problems }
}

/** Errors of the API stand in the transcript as messages, but are not sent to the model. */
function isShown(entry: IndexedEntry, view: ContextView): boolean {
  if (view === 'context') return entry.kind === 'summary' || (entry.kind === 'message' && entry.note !== 'error')
  return entry.kind === 'message'
}
