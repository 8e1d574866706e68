import type { ContextView, EntryIndex, IndexedEntry, Problem } from '@palimpsest/core'
import { readNote } from './entry-decoder.ts'

/**
 * The entries of a context as pi's `buildSessionContext` orders them: without a compaction on the path every message from the root to the
 * leaf; with one, the summary of the last, the messages from its first kept entry up to it, and those after it. `all` is every message on the
 * path. An entry that a `context_edit` omits is left out of `context`; one whose content it replaces stays, under its own id and with its own
 * text. System messages of pi 1.x before a compaction are not kept by it.
 */
export function piContext(
  index: EntryIndex,
  leafId: string,
  view: ContextView,
): { readonly entryIds: readonly string[]; readonly problems: readonly Problem[] } {
  const { path, problems } = pathTo(index, leafId)
  const entries = path.flatMap((position) => index.entries[position] ?? [])
  return { entryIds: (view === 'all' ? entries.filter(isMessage) : visible(entries)).map((entry) => entry.id), problems }
}

/**
 * Of the path up to a compaction, the entries that its context after it has kept. It is walked from the boundary to the first kept entry only,
 * since a transcript has many compactions and a long past.
 */
export function keptEntryIds(index: EntryIndex, boundary: IndexedEntry): readonly string[] {
  const first = index.byId.get(boundary.keeps?.firstKeptEntryId ?? '')
  if (first === undefined || boundary.keeps?.firstKeptEntryId === boundary.id) return []
  const kept: IndexedEntry[] = []
  const seen = new Set<number>()
  for (let position = parentPosition(index, boundary); position !== undefined && !seen.has(position); ) {
    seen.add(position)
    const entry = index.entries[position]
    if (entry === undefined) break
    kept.push(entry)
    if (position === first)
      return withoutOmitted(kept.reverse())
        .filter(isKept)
        .map((keptEntry) => keptEntry.id)
    position = parentPosition(index, entry)
  }
  return []
}

/** The positions of the entries from the root to a leaf, and why the walk ended early, where it did. Each entry stands in it once. */
export function pathTo(index: EntryIndex, leafId: string): { readonly path: readonly number[]; readonly problems: readonly Problem[] } {
  const path: number[] = []
  const seen = new Set<number>()
  let position = positionOf(index, leafId)
  if (position === undefined) return { path, problems: [problem(`The leaf ${leafId} is not in the transcript.`, undefined)] }
  while (position !== undefined) {
    const entry = index.entries[position]
    if (entry === undefined) break
    path.push(position)
    seen.add(position)
    if (entry.parentId === undefined) break
    position = positionOf(index, entry.parentId)
    if (position === undefined) return { path: path.reverse(), problems: [problem(danglingMessage(entry), entry.line)] }
    if (seen.has(position)) return { path: path.reverse(), problems: [problem(cycleMessage(entry), entry.line)] }
  }
  return { path: path.reverse(), problems: [] }
}

function visible(path: readonly IndexedEntry[]): readonly IndexedEntry[] {
  const summaryAt = path.findLastIndex((entry) => entry.kind === 'summary')
  const summary = path[summaryAt]
  if (summary === undefined) return withoutOmitted(path).filter(isMessage)
  const firstKept = path.findIndex((entry) => entry.id === summary.keeps?.firstKeptEntryId)
  const kept = firstKept === -1 || firstKept > summaryAt ? [] : path.slice(firstKept, summaryAt).filter((entry) => !isSystemMessage(entry))
  return [summary, ...withoutOmitted([...kept, ...path.slice(summaryAt + 1)]).filter(isMessage)]
}

/** Of several edits of an entry the last one counts. */
function withoutOmitted(entries: readonly IndexedEntry[]): readonly IndexedEntry[] {
  const omitted = new Set<string>()
  for (const entry of entries) {
    const note = readNote(entry.note)
    if (note.about === 'omission') omitted.add(note.targetId)
    if (note.about === 'replacement') omitted.delete(note.targetId)
  }
  return omitted.size === 0 ? entries : entries.filter((entry) => !omitted.has(entry.id))
}

function isMessage(entry: IndexedEntry): boolean {
  return entry.kind === 'message'
}

function isKept(entry: IndexedEntry): boolean {
  return isMessage(entry) && !isSystemMessage(entry)
}

function isSystemMessage(entry: IndexedEntry): boolean {
  return readNote(entry.note).about === 'system-message'
}

function parentPosition(index: EntryIndex, entry: IndexedEntry): number | undefined {
  return entry.parentId === undefined ? undefined : positionOf(index, entry.parentId)
}

/** A header is no entry of the tree, whatever refers to it. */
function positionOf(index: EntryIndex, id: string): number | undefined {
  const position = index.byId.get(id)
  return position === undefined || index.entries[position]?.kind === 'header' ? undefined : position
}

function danglingMessage(entry: IndexedEntry): string {
  return `The parent ${entry.parentId} of the entry ${entry.id} is not in the transcript; what came before it is cut off.`
}

function cycleMessage(entry: IndexedEntry): string {
  return `The entry ${entry.id} is its own ancestor, through its parent ${entry.parentId}.`
}

function problem(message: string, line: number | undefined): Problem {
  return { code: 'TRANSCRIPT_MALFORMED', message, ...(line === undefined ? {} : { line }) }
}
