import type { BadLine, Compaction, Entry, OpenTranscript, RewriteOptions, TranscriptReader } from '@palimpsest/core'
import { bytesTranscript } from '../src/index.ts'
import { contextIn, type ListedIndex, listedIndex } from './contexts.ts'

/** What one reader makes of sessions that are lists of lines: an object stands for its JSON, a string for itself. */
export type Lines = readonly (object | string)[]

/** Everything of a session that tests look at. */
export interface Session {
  readonly entries: readonly Entry[]
  readonly bad: readonly BadLine[]
  readonly index: ListedIndex<Entry>
  readonly compactions: readonly Compaction[]
}

export function bytesOf(lines: Lines): Uint8Array {
  return Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
}

export async function opened(content: Lines | Uint8Array, sidecars: Readonly<Record<string, Uint8Array>> = {}): Promise<OpenTranscript> {
  return await bytesTranscript({ main: content instanceof Uint8Array ? content : bytesOf(content), ...sidecars }).open()
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

export async function readSession(reader: TranscriptReader, content: Lines | Uint8Array): Promise<Session> {
  const transcript = await opened(content)
  const lines = await all(reader.entries(transcript))
  const entries = lines.flatMap((line) => (line.kind === 'bad' ? [] : [line]))
  const bad = lines.flatMap((line) => (line.kind === 'bad' ? [line] : []))
  return { entries, bad, index: listedIndex(entries), compactions: await all(reader.compactions(transcript)) }
}

/** The ids of a context, by default at the last leaf, of which nothing is wrong. */
export async function contextIds(
  reader: TranscriptReader,
  content: Lines | Uint8Array,
  view: 'context' | 'all' = 'context',
  leafId?: string,
): Promise<readonly string[]> {
  const { entries, index } = await readSession(reader, content)
  const leaf = leafId ?? entries.findLast((entry) => entry.leafId !== undefined)?.leafId ?? ''
  const { entryIds, problems } = contextIn(reader, index, leaf, view)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return entryIds
}

/** The parts of a new session, as texts. */
export async function rewritten(
  reader: TranscriptReader,
  transcript: OpenTranscript,
  options: Partial<RewriteOptions> & { readonly leafId: string },
): Promise<Readonly<Record<string, string>>> {
  const parts: Record<string, string> = {}
  for await (const { part, bytes } of reader.rewrite(transcript, { sessionId: newId, createdAt: Date.UTC(2026, 5, 6), ...options })) {
    parts[part] = (parts[part] ?? '') + new TextDecoder().decode(bytes)
  }
  return parts
}

export const newId = '9b8a7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d'
