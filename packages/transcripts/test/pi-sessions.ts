import type { BadLine, Entry, OpenTranscript, RewriteOptions, TranscriptReader } from '@palimpsest/core'
import { bytesTranscript, piReader } from '../src/index.ts'
import { contextIn, type ListedIndex, listedIndex } from './contexts.ts'

// Sessions made by hand. Each is a list of lines: an object stands for its JSON, a string or bytes for themselves.
export type Line = object | string | Uint8Array

const time = (line: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, line)).toISOString()

export const header = (fields: object = {}) => ({
  type: 'session',
  version: 3,
  id: 's1',
  timestamp: time(0),
  cwd: '/home/dev/app',
  ...fields,
})

export const user = (id: string, parentId: string | null, text = `ask ${id}`) => ({
  type: 'message',
  id,
  parentId,
  timestamp: time(1),
  message: { role: 'user', content: text },
})

export const assistant = (id: string, parentId: string | null, text = `answer ${id}`) => ({
  type: 'message',
  id,
  parentId,
  timestamp: time(2),
  message: { role: 'assistant', content: [{ type: 'text', text }] },
})

export const compaction = (id: string, parentId: string | null, firstKeptEntryId?: string) => ({
  type: 'compaction',
  id,
  parentId,
  timestamp: time(3),
  summary: `summary ${id}`,
  firstKeptEntryId,
  tokensBefore: 1000,
})

export const row = (type: string, id: string, parentId: string | null, fields: object = {}) => ({
  type,
  id,
  parentId,
  timestamp: time(4),
  ...fields,
})

/** Two turns, a compaction that keeps the second, one turn, a compaction that keeps nothing, one turn. */
export const twoCompactions = (): Line[] => [
  header(),
  user('u1', null),
  assistant('a1', 'u1'),
  user('u2', 'a1'),
  assistant('a2', 'u2'),
  compaction('c1', 'a2', 'u2'),
  user('u3', 'c1'),
  assistant('a3', 'u3'),
  compaction('c2', 'a3', 'c2'),
  user('u4', 'c2'),
  assistant('a4', 'u4'),
]

/** Version 1: no ids, and what is kept is named by its place. */
export const versionOne = (): Line[] => [
  { type: 'session', id: 's0', timestamp: time(0), cwd: '/home/dev/app', provider: 'p', modelId: 'm', thinkingLevel: 'off' },
  { type: 'message', timestamp: time(1), message: { role: 'user', content: 'first' } },
  '{"type":"message", "timestamp":"2026-01-02T03:04:02.000Z", "message":{"role":"assistant","content":[],"big":12345678901234567890}}',
  { type: 'message', timestamp: time(3), message: { role: 'hookMessage', content: 'from a hook' } },
  { type: 'message', timestamp: time(4), message: { role: 'assistant', content: [{ type: 'text', text: 'second' }] } },
  { type: 'compaction', timestamp: time(5), summary: 'what was', firstKeptEntryIndex: 3, tokensBefore: 10 },
  { type: 'message', timestamp: time(6), message: { role: 'user', content: 'third' } },
  { type: 'message', timestamp: time(7), message: { role: 'assistant', content: [{ type: 'text', text: 'fourth' }] } },
]

export function bytesOf(lines: readonly Line[], end = '\n'): Uint8Array {
  const pieces = lines.map((line) =>
    line instanceof Uint8Array ? line : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)),
  )
  return Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.from(end)]))
}

export async function opened(
  content: readonly Line[] | Uint8Array,
  options: Parameters<typeof bytesTranscript>[1] = {},
): Promise<OpenTranscript> {
  return await bytesTranscript({ main: content instanceof Uint8Array ? content : bytesOf(content) }, options).open()
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

export interface ReadSession {
  readonly entries: readonly Entry[]
  readonly bad: readonly BadLine[]
  readonly index: ListedIndex<Entry>
}

export async function readSession(content: readonly Line[] | Uint8Array, reader: TranscriptReader = piReader()): Promise<ReadSession> {
  const lines = await all(reader.entries(await opened(content)))
  const entries = lines.flatMap((line) => (line.kind === 'bad' ? [] : [line]))
  const bad = lines.flatMap((line) => (line.kind === 'bad' ? [line] : []))
  return { entries, bad, index: listedIndex(entries) }
}

/** The ids of a context, of which nothing is wrong. */
export async function contextIds(
  content: readonly Line[] | Uint8Array,
  leafId: string,
  view: 'context' | 'all' = 'context',
): Promise<readonly string[]> {
  const { entryIds, problems } = contextIn(piReader(), (await readSession(content)).index, leafId, view)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return entryIds
}

export const rewriteOptions = (leafId: string, fields: Partial<RewriteOptions> = {}): RewriteOptions => ({
  sessionId: 'new-session',
  leafId,
  createdAt: Date.UTC(2026, 5, 6),
  ...fields,
})

export async function rewritten(
  content: readonly Line[] | Uint8Array,
  leafId: string,
  fields: Partial<RewriteOptions> = {},
): Promise<Uint8Array> {
  const pieces = await all(piReader().rewrite(await opened(content), rewriteOptions(leafId, fields)))
  return Buffer.concat(pieces.map((piece) => piece.bytes))
}

export const textLines = (bytes: Uint8Array): string[] => new TextDecoder().decode(bytes).split('\n')
