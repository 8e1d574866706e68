import { type Context, type ContextView, type EntryIndex, type KeptEntries, positionsWhere } from '@palimpsest/core'
import { keptOf } from '../kept-by-name.ts'
import { leafPosition, pathTo, unknownLeaf } from '../parent-path.ts'
import { keptCount, type Run, readNote } from './note.ts'

/**
 * The entries at a leaf. `context` is the list of messages that the client has after the leaf's line, replayed line by line; a compaction's
 * summary, with the client's own answer to it, is one entry. `all` is every message on the branch, those that compactions dropped among them.
 */
export function geminiContext(index: EntryIndex, leafId: string, view: ContextView): Context {
  return view === 'all' ? everything(index, leafId) : liveAt(index, leafId)
}

/** What a compaction names of the list before it. */
export function geminiKept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  return keptOf(index, liveAt(index, leafId).positions, keeps)
}

function liveAt(index: EntryIndex, leafId: string): Context {
  const leaf = leafPosition(index, leafId)
  if (leaf === undefined) return { positions: new Int32Array(0), problems: [unknownLeaf(leafId)] }
  let live: number[] = []
  let aside: readonly number[] = []
  for (let position = 0; position <= leaf; position++) {
    const note = readNote(index.noteOf(position))
    switch (note?.op) {
      case 'add':
        live.push(position)
        break
      case 'put':
        if (note.place < live.length) live[note.place] = position
        break
      case 'cut':
        live.length = Math.min(note.length, live.length)
        break
      case 'list': {
        const before = live
        live = note.runs.flatMap((run) => positionsOf(run, before, aside, position))
        if (index.kindOf(position) === 'summary') aside = []
        else if (keptCount(note.runs) < before.length) aside = before
        break
      }
      default:
    }
  }
  const positions = positionsWhere(Int32Array.from(new Set(live)), (position) => {
    const kind = index.kindOf(position)
    return kind === 'message' || kind === 'summary'
  })
  return { positions, problems: [] }
}

function positionsOf(run: Run, live: readonly number[], aside: readonly number[], own: number): readonly number[] {
  if (run.from === 'own') return [own]
  return (run.from === 'live' ? live : aside).slice(run.first, run.last + 1)
}

/** A message that was written again stands once, where it stood first, as it was written last. */
function everything(index: EntryIndex, leafId: string): Context {
  const { path, problems } = pathTo(index, leafId, { beginsAtHeader: true })
  const onPath = new Uint8Array(index.size)
  for (const position of path) onPath[position] = 1
  const later = new Map<number, number>()
  const shownElsewhere = new Set<number>()
  for (const position of path) {
    const note = readNote(index.noteOf(position))
    const replaced = note?.op === 'put' ? index.positionOf(note.replaced) : undefined
    if (replaced === undefined || onPath[replaced] !== 1) continue
    later.set(replaced, position)
    shownElsewhere.add(position)
  }
  const latest = (position: number): number => {
    let found = position
    for (let next = later.get(found); next !== undefined; next = later.get(found)) found = next
    return found
  }
  const shown = positionsWhere(path, (position) => !shownElsewhere.has(position)).map(latest)
  return { positions: positionsWhere(shown, (position) => index.kindOf(position) === 'message'), problems }
}
