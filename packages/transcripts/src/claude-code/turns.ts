import type { EntryIndex, IndexedEntry } from '@palimpsest/core'
import { readNote } from './note.ts'

/** Whether an entry is a prompt: what a user wrote, neither results of tools, nor a command of the client's own, nor the client's remarks. */
export function isPrompt(entry: IndexedEntry): boolean {
  return entry.leafId !== undefined && entry.kind === 'message' && entry.role === 'user' && entry.note === undefined
}

/** The same of an entry of an index. */
export function isPromptAt(index: EntryIndex, position: number): boolean {
  return (
    index.roleOf(position) === 'user' &&
    index.kindOf(position) === 'message' &&
    index.movesLeaf(position) &&
    index.noteOf(position) === undefined
  )
}

/**
 * The last entry that a boundary keeps, where that was the tip of the branch: whatever prompt lies behind it in the file had been abandoned by
 * a rewind, unless the compaction before had already kept the same entry. In a partial compaction ("summarize from here"), known by the boundary being its own anchor, what is kept is the beginning.
 */
export function keptTail(boundary: IndexedEntry): string | undefined {
  const note = readNote(boundary.note)
  return note?.is !== 'boundary' || note.anchor === undefined || note.anchor === boundary.id ? undefined : note.tail
}
