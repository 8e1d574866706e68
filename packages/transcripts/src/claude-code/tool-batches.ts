import type { EntryIndex } from '@palimpsest/core'
import { type Note, readNote } from './note.ts'

/**
 * Adds what parallel tool calls left off a trunk. The blocks of one message lie in lines of their own, and the first result hangs off the first
 * call: no way from the leaf up leads over all of them. So for each message on the trunk its other blocks are added, and, where it calls tools,
 * what hangs off any of its blocks without beginning a turn: results, attachments, what the client said in between. They come in file order among the trunk's own
 * entries of that message. Only what `isIncluded` says; linear in the index.
 */
export function withToolBatches(index: EntryIndex, trunk: readonly number[], isIncluded: (position: number) => boolean): readonly number[] {
  const messages = messagesIn(index)
  const taken = new Set(trunk)
  const done = new Set<string>()
  const result: number[] = []
  for (let at = 0; at < trunk.length; ) {
    const messageId = messageOf(index, trunk[at])
    const isNew = messageId !== undefined && !done.has(messageId)
    if (!isNew) {
      const position = trunk[at++]
      if (position !== undefined) result.push(position)
      continue
    }
    done.add(messageId)
    const end = batchEnd(index, trunk, at, messageId)
    const added = offTrunk(index, messages, { messageId, taken, isIncluded })
    for (const position of merged(trunk.slice(at, end), added)) result.push(position)
    at = end
  }
  return result
}

interface Messages {
  readonly blocks: ReadonlyMap<string, readonly number[]>
  readonly children: ReadonlyMap<number, readonly number[]>
}

/** The blocks of every message, and what hangs off a block or its results without beginning a turn. */
function messagesIn(index: EntryIndex): Messages {
  const blocks = new Map<string, number[]>()
  const children = new Map<number, number[]>()
  for (let position = 0; position < index.size; position++) {
    const note = readNote(index.noteOf(position))
    if (note?.is === 'reply' && note.messageId !== undefined) add(blocks, note.messageId, position)
    const parent = hangsOn(note) ? index.parentOf(position) : undefined
    if (parent !== undefined) add(children, parent, position)
  }
  return { blocks, children }
}

function offTrunk(
  index: EntryIndex,
  messages: Messages,
  batch: { readonly messageId: string; readonly taken: Set<number>; readonly isIncluded: (position: number) => boolean },
): readonly number[] {
  const { messageId, taken, isIncluded } = batch
  const added: number[] = []
  const walked = new Set<number>()
  const blocks = messages.blocks.get(messageId) ?? []
  const calls = blocks.some((position) => callsTools(readNote(index.noteOf(position))))
  const open = blocks.filter(isIncluded)
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (walked.has(position)) continue
    walked.add(position)
    const isOnTrunk = taken.has(position)
    if (!isOnTrunk) {
      taken.add(position)
      added.push(position)
    }
    const note = readNote(index.noteOf(position))
    if (isOnTrunk && note?.is !== 'reply' && note?.is !== 'result') continue
    if (calls) for (const child of messages.children.get(position) ?? []) if (isIncluded(child)) open.push(child)
  }
  return added.sort((a, b) => a - b)
}

/** The end of the trunk's entries that belong to a message: its blocks, and what hangs off them without beginning a turn. */
function batchEnd(index: EntryIndex, trunk: readonly number[], from: number, messageId: string): number {
  let end = from + 1
  for (; end < trunk.length; end++) {
    const position = trunk[end]
    const belongs =
      messageOf(index, position) === messageId || hangsOn(readNote(position === undefined ? undefined : index.noteOf(position)))
    if (!belongs) break
  }
  return end
}

/** The trunk keeps its order; each addition comes before the first entry of the trunk that lies behind it in the file. */
function merged(trunk: readonly number[], added: readonly number[]): readonly number[] {
  const result: number[] = []
  let next = 0
  for (const position of trunk) {
    for (let addition = added[next]; addition !== undefined && addition < position; addition = added[++next]) result.push(addition)
    result.push(position)
  }
  return [...result, ...added.slice(next)]
}

function messageOf(index: EntryIndex, position: number | undefined): string | undefined {
  const note = readNote(position === undefined ? undefined : index.noteOf(position))
  return note?.is === 'reply' ? note.messageId : undefined
}

function callsTools(note: Note | undefined): boolean {
  return note?.is === 'reply' && note.calls
}

function hangsOn(note: Note | undefined): boolean {
  return note?.is === 'result' || note?.is === 'beside' || note?.is === 'meta'
}

function add<Key>(lists: Map<Key, number[]>, key: Key, position: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [position])
  else list.push(position)
}
