import { type Context, type ContextView, type EntryIndex, type KeptEntries, positionsWhere } from '@palimpsest/core'
import { keptOf } from '../kept-by-name.ts'
import { pathTo } from '../parent-path.ts'

/**
 * The entries at a leaf: without a compaction on its branch every message; with one, the summary of the last that was applied, then the messages
 * from where it began on, since an automatic one runs beside the conversation and keeps what is said meanwhile. The client's system message,
 * which it sends ahead of them and writes down when it changes, is none. Where the context was cleared it begins anew. `all` is every message on
 * the branch.
 */
export function copilotContext(index: EntryIndex, leafId: string, view: ContextView): Context {
  const { path, problems } = pathTo(index, leafId, { beginsAtHeader: true })
  return { positions: view === 'all' ? messagesOf(index, path) : visible(index, path), problems }
}

/** What a compaction names of the context before it: as a rule nothing. */
export function copilotKept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  return keptOf(index, copilotContext(index, leafId, 'context').positions, keeps)
}

function visible(index: EntryIndex, whole: Int32Array): Int32Array {
  const path = whole.subarray(whole.findLastIndex((position) => index.kindOf(position) === 'boundary') + 1)
  const summaryAt = path.findLastIndex((position) => index.kindOf(position) === 'summary')
  const summary = path[summaryAt]
  if (summary === undefined) return messagesOf(index, path)
  const begun = index.noteOf(summary)?.replace('applied', 'begun')
  const beganAt = begun === undefined ? -1 : path.findLastIndex((position, at) => at < summaryAt && index.noteOf(position) === begun)
  const messages = messagesOf(index, path.subarray(beganAt === -1 ? summaryAt : beganAt))
  const positions = new Int32Array(1 + messages.length)
  positions[0] = summary
  positions.set(messages, 1)
  return positions
}

function messagesOf(index: EntryIndex, positions: Int32Array): Int32Array {
  return positionsWhere(positions, (position) => index.kindOf(position) === 'message')
}
