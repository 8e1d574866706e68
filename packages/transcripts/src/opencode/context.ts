import { type Context, type ContextView, type EntryIndex, type KeptEntries, positionsWhere } from '@palimpsest/core'
import { keptOf } from '../kept-by-name.ts'
import { pathTo } from '../parent-path.ts'
import { readNote } from './note.ts'

/** A message with its parts, as a path through the session has them, by their positions. */
interface MessageOnPath {
  readonly position: number | undefined
  readonly parts: readonly number[]
}

/**
 * The entries of a context in the order in which OpenCode sends them, as its `filterCompacted` picks messages: back from the leaf to the last
 * compaction that was answered well; its summary, then the tail that it keeps where it keeps one, then what came after it. The constant words
 * that stand for the request are left out, and so are answers that failed. `all` is every message before the leaf.
 */
export function contextAt(index: EntryIndex, leafId: string, view: ContextView): Context {
  const { path, problems } = pathTo(index, leafId)
  if (view === 'all') return { positions: positionsWhere(path, (position) => index.kindOf(position) === 'message'), problems }
  const messages = sent(index, messagesOn(index, path))
  return { positions: Int32Array.from(messages.flatMap((message) => shownParts(index, message))), problems }
}

/** Of the entries in the context at a leaf, those that stay after a compaction that keeps what `keeps` says. */
export function keptAt(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array {
  return keptOf(index, contextAt(index, leafId, 'context').positions, keeps)
}

/** A turn begins with the line of its prompt's message, the parts of which are what a context shows. */
export function turnStartAt(index: EntryIndex, position: number): number | undefined {
  if (index.roleOf(position) !== 'user' || index.kindOf(position) !== 'message') return undefined
  for (let start: number | undefined = position; start !== undefined; start = earlier(index, start)) {
    if (readNote(index.noteOf(start))?.is === 'message') return start
  }
  return undefined
}

function earlier(index: EntryIndex, position: number): number | undefined {
  const parent = index.parentOf(position)
  return parent !== undefined && parent < position ? parent : undefined
}

/** Entries as messages: each line of a message begins one. */
function messagesOn(index: EntryIndex, path: Int32Array): readonly MessageOnPath[] {
  const messages: { position: number | undefined; parts: number[] }[] = []
  for (const position of path) {
    const last = messages.at(-1)
    if (readNote(index.noteOf(position))?.is === 'message') messages.push({ position, parts: [] })
    else if (last === undefined) messages.push({ position: undefined, parts: [position] })
    else last.parts.push(position)
  }
  return messages
}

/** OpenCode's own choice of messages, and its order. */
function sent(index: EntryIndex, messages: readonly MessageOnPath[]): readonly MessageOnPath[] {
  const answered = new Set<string>()
  let tailStartId: string | undefined
  let first = 0
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at]
    const id = index.idOf(message?.position ?? -1)
    first = at
    if (message === undefined || id === undefined) continue
    if (tailStartId !== undefined) {
      if (id === tailStartId) break
      continue
    }
    const request = answered.has(id) ? requestOf(index, message) : undefined
    if (request !== undefined) {
      if (request.tailStartId === undefined || request.tailStartId === id) break
      tailStartId = request.tailStartId
    }
    const summarises = summarisedBy(index, message)
    if (summarises !== undefined) answered.add(summarises)
  }
  return tailBehindSummary(index, messages.slice(first))
}

/** The tail that the last compaction keeps stands before its request in the file, and behind its summary in the context. */
function tailBehindSummary(index: EntryIndex, messages: readonly MessageOnPath[]): readonly MessageOnPath[] {
  const requestAt = messages.findLastIndex((message) => requestOf(index, message)?.tailStartId !== undefined)
  const request = messages[requestAt]
  if (request?.position === undefined) return messages
  const requestId = index.idOf(request.position)
  const tailStartId = requestOf(index, request)?.tailStartId
  const summaryAt = messages.findIndex((message, at) => at > requestAt && summarisedBy(index, message) === requestId)
  const tailAt = messages.findIndex(({ position }) => position !== undefined && index.idOf(position) === tailStartId)
  if (tailAt === -1 || tailAt >= requestAt || summaryAt === -1) return messages
  return [...messages.slice(requestAt, summaryAt + 1), ...messages.slice(tailAt, requestAt), ...messages.slice(summaryAt + 1)]
}

function requestOf(index: EntryIndex, { parts }: MessageOnPath): { readonly tailStartId?: string | undefined } | undefined {
  for (const position of parts) {
    const request = readNote(index.noteOf(position))
    if (request?.is === 'request') return request
  }
  return undefined
}

function summarisedBy(index: EntryIndex, { position }: MessageOnPath): string | undefined {
  const note = readNote(index.noteOf(position ?? -1))
  return note?.is === 'message' ? note.summarises : undefined
}

function shownParts(index: EntryIndex, { position, parts }: MessageOnPath): readonly number[] {
  const note = readNote(index.noteOf(position ?? -1))
  const failed = note?.is === 'message' ? note.failed : undefined
  if (failed === 'always') return []
  if (failed === 'unless-cut-short' && parts.every((part) => readNote(index.noteOf(part))?.is === 'beginning')) return []
  return parts.filter((part) => {
    const kind = index.kindOf(part)
    return kind === 'message' || kind === 'summary'
  })
}
