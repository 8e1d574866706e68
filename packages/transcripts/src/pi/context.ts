import { type Context, type ContextView, type EntryIndex, type KeptEntries, positionsWhere } from '@palimpsest/core'
import { keptByName } from '../kept-by-name.ts'
import { pathTo, wayTo } from '../parent-path.ts'
import { readNote } from './entry-decoder.ts'

/**
 * The entries of a context as pi's `buildSessionContext` orders them: without a compaction on the path every message from the root to the
 * leaf; with one, the summary of the last, the messages from its first kept entry up to it, and those after it. `all` is every message on the
 * path. An entry that a `context_edit` omits is left out of `context`; one whose content it replaces stays, under its own id and with its own
 * text. System messages of pi 1.x before a compaction are not kept by it.
 */
export function piContext(index: EntryIndex, leafId: string, view: ContextView): Context {
  const { path, problems } = pathTo(index, leafId)
  return { positions: view === 'all' ? positionsWhere(path, (position) => isMessage(index, position)) : visible(index, path), problems }
}

/**
 * Of the path up to a compaction, whose parent is the leaf, the messages that its context after it has kept. The path is walked from there to
 * the first kept entry only, since a transcript has many compactions and a long past.
 */
export function piKept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  if (keeps.keptEntryIds !== undefined) return keptByName(index, keeps.keptEntryIds, (view) => piContext(index, leafId, view).positions)
  const first = keeps.firstKeptEntryId === undefined ? undefined : index.positionOf(keeps.firstKeptEntryId)
  const way = first === undefined ? undefined : wayTo(index, leafId, first)
  if (way === undefined) return new Int32Array(0)
  return positionsWhere(withoutOmitted(index, way), (position) => isKept(index, position))
}

function visible(index: EntryIndex, path: Int32Array): Int32Array {
  const summaryAt = path.findLastIndex((position) => index.kindOf(position) === 'summary')
  const summary = path[summaryAt]
  if (summary === undefined) return positionsWhere(withoutOmitted(index, path), (position) => isMessage(index, position))
  const firstKeptEntryId = index.entry(summary)?.keeps?.firstKeptEntryId
  const first = firstKeptEntryId === undefined ? undefined : index.positionOf(firstKeptEntryId)
  const firstAt = first === undefined ? -1 : path.indexOf(first)
  const from = firstAt === -1 || firstAt > summaryAt ? summaryAt : firstAt
  const shown = path
    .subarray(from)
    .filter((position, at) => at > summaryAt - from || (position !== summary && !isSystemMessage(index, position)))
  const messages = positionsWhere(withoutOmitted(index, shown), (position) => isMessage(index, position))
  const positions = new Int32Array(1 + messages.length)
  positions[0] = summary
  positions.set(messages, 1)
  return positions
}

/** Of several edits of an entry the last one counts. */
function withoutOmitted(index: EntryIndex, positions: Int32Array): Int32Array {
  const omitted = new Set<string>()
  for (const position of positions) {
    const text = index.noteOf(position)
    if (text === undefined) continue
    const note = readNote(text)
    if (note.about === 'omission') omitted.add(note.targetId)
    if (note.about === 'replacement') omitted.delete(note.targetId)
  }
  if (omitted.size === 0) return positions
  const omittedPositions = new Set([...omitted].map((id) => index.positionOf(id)))
  return positionsWhere(positions, (position) => !omittedPositions.has(position))
}

function isMessage(index: EntryIndex, position: number): boolean {
  return index.kindOf(position) === 'message'
}

function isKept(index: EntryIndex, position: number): boolean {
  return isMessage(index, position) && !isSystemMessage(index, position)
}

function isSystemMessage(index: EntryIndex, position: number): boolean {
  return readNote(index.noteOf(position)).about === 'system-message'
}
