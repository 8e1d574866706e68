import type { Context, ContextView, EntryIndex, KeptEntries, Problem } from '@palimpsest/core'
import { keptByName } from '../kept-by-name.ts'
import { readNote } from './entry-decoder.ts'

/**
 * The entries of a context as pi's `buildSessionContext` orders them: without a compaction on the path every message from the root to the
 * leaf; with one, the summary of the last, the messages from its first kept entry up to it, and those after it. `all` is every message on the
 * path. An entry that a `context_edit` omits is left out of `context`; one whose content it replaces stays, under its own id and with its own
 * text. System messages of pi 1.x before a compaction are not kept by it.
 */
export function piContext(index: EntryIndex, leafId: string, view: ContextView): Context {
  const { path, problems } = pathTo(index, leafId)
  return { positions: view === 'all' ? path.filter((position) => isMessage(index, position)) : visible(index, path), problems }
}

/**
 * Of the path up to a compaction, whose parent is the leaf, the messages that its context after it has kept. The path is walked from there to
 * the first kept entry only, since a transcript has many compactions and a long past.
 */
export function piKept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  if (keeps.keptEntryIds !== undefined) return keptByName(index, keeps.keptEntryIds, (view) => piContext(index, leafId, view).positions)
  const first = keeps.firstKeptEntryId === undefined ? undefined : index.positionOf(keeps.firstKeptEntryId)
  if (first === undefined) return new Int32Array(0)
  const { path } = walkUp(index, leafId, first)
  return path[0] === first ? withoutOmitted(index, path).filter((position) => isKept(index, position)) : new Int32Array(0)
}

/** The positions of the entries from the root to a leaf, and why the walk ended early, where it did. Each entry stands in it once. */
export function pathTo(index: EntryIndex, leafId: string): { readonly path: Int32Array; readonly problems: readonly Problem[] } {
  const { path, problem } = walkUp(index, leafId, undefined)
  return { path, problems: problem === undefined ? [] : [problem] }
}

/** From a leaf up to `last`, by default the root, turned round. */
function walkUp(
  index: EntryIndex,
  leafId: string,
  last: number | undefined,
): { readonly path: Int32Array; readonly problem: Problem | undefined } {
  const leaf = index.positionOf(leafId)
  if (leaf === undefined || isHeader(index, leaf)) {
    return { path: new Int32Array(0), problem: malformed(`The leaf ${leafId} is not in the transcript.`, undefined) }
  }
  const seen = new Uint8Array(index.size)
  const path: number[] = []
  let problem: Problem | undefined
  for (let position = leaf; ; ) {
    path.push(position)
    seen[position] = 1
    if (position === last) break
    const parent = index.parentOf(position)
    if (parent === undefined || isHeader(index, parent)) {
      if (index.parentIdOf(position) !== undefined) problem = danglingAt(index, position)
      break
    }
    if (seen[parent] === 1) {
      problem = cycleAt(index, position)
      break
    }
    position = parent
  }
  return { path: Int32Array.from(path).reverse(), problem }
}

function visible(index: EntryIndex, path: Int32Array): Int32Array {
  const summaryAt = path.findLastIndex((position) => index.kindOf(position) === 'summary')
  const summary = path[summaryAt]
  if (summary === undefined) return withoutOmitted(index, path).filter((position) => isMessage(index, position))
  const firstKeptEntryId = index.entry(summary)?.keeps?.firstKeptEntryId
  const first = firstKeptEntryId === undefined ? undefined : index.positionOf(firstKeptEntryId)
  const firstAt = first === undefined ? -1 : path.indexOf(first)
  const from = firstAt === -1 || firstAt > summaryAt ? summaryAt : firstAt
  const shown = path
    .subarray(from)
    .filter((position, at) => at > summaryAt - from || (position !== summary && !isSystemMessage(index, position)))
  const messages = withoutOmitted(index, shown).filter((position) => isMessage(index, position))
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
  return positions.filter((position) => !omittedPositions.has(position))
}

function isHeader(index: EntryIndex, position: number): boolean {
  // A header is no entry of the tree, whatever refers to it.
  return index.kindOf(position) === 'header'
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

function danglingAt(index: EntryIndex, position: number): Problem {
  const entry = index.entry(position)
  const message = `The parent ${entry?.parentId} of the entry ${entry?.id} is not in the transcript; what came before it is cut off.`
  return malformed(message, entry?.line)
}

function cycleAt(index: EntryIndex, position: number): Problem {
  const entry = index.entry(position)
  return malformed(`The entry ${entry?.id} is its own ancestor, through its parent ${entry?.parentId}.`, entry?.line)
}

function malformed(message: string, line: number | undefined): Problem {
  return { code: 'TRANSCRIPT_MALFORMED', message, ...(line === undefined ? {} : { line }) }
}
