import { type Context, type ContextView, type EntryIndex, type KeptEntries, type Problem, positionsWhere } from '@palimpsest/core'
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
  return { positions: view === 'all' ? positionsWhere(path, (position) => isMessage(index, position)) : visible(index, path), problems }
}

/**
 * Of the path up to a compaction, whose parent is the leaf, the messages that its context after it has kept. The path is walked from there to
 * the first kept entry only, since a transcript has many compactions and a long past.
 */
export function piKept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  if (keeps.keptEntryIds !== undefined) return keptByName(index, keeps.keptEntryIds, (view) => piContext(index, leafId, view).positions)
  const first = keeps.firstKeptEntryId === undefined ? undefined : index.positionOf(keeps.firstKeptEntryId)
  const leaf = leafPosition(index, leafId)
  const length = first === undefined || leaf === undefined ? undefined : lengthUpTo(index, leaf, first)
  if (length === undefined || leaf === undefined) return new Int32Array(0)
  return positionsWhere(withoutOmitted(index, wayUp(index, leaf, length)), (position) => isKept(index, position))
}

/** The positions of the entries from the root to a leaf, and why the walk ended early, where it did. Each entry stands in it once. */
export function pathTo(index: EntryIndex, leafId: string): { readonly path: Int32Array; readonly problems: readonly Problem[] } {
  const leaf = leafPosition(index, leafId)
  if (leaf === undefined) {
    return { path: new Int32Array(0), problems: [malformed(`The leaf ${leafId} is not in the transcript.`, undefined)] }
  }
  const seen = new Uint8Array(index.size)
  let top = leaf
  let length = 1
  for (seen[leaf] = 1; ; length++) {
    const parent = parentOf(index, top)
    if (parent === undefined) {
      const problems = index.parentIdOf(top) === undefined ? [] : [danglingAt(index, top)]
      return { path: wayUp(index, leaf, length), problems }
    }
    if (seen[parent] === 1) return { path: wayUp(index, leaf, length), problems: [cycleAt(index, top)] }
    seen[parent] = 1
    top = parent
  }
}

/** How many entries lie on the way from a leaf up to another entry, both counted; `undefined` where it is not on the way. */
function lengthUpTo(index: EntryIndex, leaf: number, last: number): number | undefined {
  // After Brent: a cycle is found without a note of what was seen, since a file of many compactions is walked for each of them.
  let marked = leaf
  let steps = 0
  let stepsToMark = 1
  let length = 1
  for (let position = leaf; position !== last; length++) {
    const parent = parentOf(index, position)
    if (parent === undefined || parent === marked) return undefined
    position = parent
    steps++
    if (steps < stepsToMark) continue
    marked = position
    stepsToMark *= 2
    steps = 0
  }
  return length
}

/** The last so many entries of the way to a leaf. It is walked again, instead of kept in a list that grows: it may have a million entries. */
function wayUp(index: EntryIndex, leaf: number, length: number): Int32Array {
  const path = new Int32Array(length)
  for (let at = length - 1, position: number | undefined = leaf; at >= 0 && position !== undefined; at--) {
    path[at] = position
    position = index.parentOf(position)
  }
  return path
}

function leafPosition(index: EntryIndex, leafId: string): number | undefined {
  const leaf = index.positionOf(leafId)
  return leaf === undefined || isHeader(index, leaf) ? undefined : leaf
}

/** A header is no entry of the tree, whatever refers to it. */
function parentOf(index: EntryIndex, position: number): number | undefined {
  const parent = index.parentOf(position)
  return parent === undefined || isHeader(index, parent) ? undefined : parent
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

function isHeader(index: EntryIndex, position: number): boolean {
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
