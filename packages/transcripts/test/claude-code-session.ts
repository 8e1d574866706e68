import type { BadLine, Compaction, Entry, Transcript, TranscriptReader } from '@palimpsest/core'
import { bytesTranscript, claudeCodeReader } from '@palimpsest/transcripts'
import { contextIn, type ListedIndex, listedIndex } from './contexts.ts'

export const reader: TranscriptReader = claudeCodeReader({ configFolder: '/home/dev/.claude' })
export const sessionId = '11111111-2222-4333-8444-555555555555'
export const otherId = '99999999-2222-4333-8444-555555555555'

export type Fields = Record<string, unknown>

/** A uuid that ends in a number. */
export function uuid(number: number): string {
  return `abcdef00-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** A line of the chain; `parent` is its number there, or null. */
export function chained(number: number, parent: number | string | null, fields: Fields): Fields {
  return {
    parentUuid: typeof parent === 'number' ? uuid(parent) : parent,
    isSidechain: false,
    ...fields,
    uuid: uuid(number),
    timestamp: new Date(1_700_000_000_000 + number * 1000).toISOString(),
    cwd: '/home/dev/project',
    sessionId,
    version: '2.1.330',
  }
}

export function prompt(number: number, parent: number | string | null, text: string, fields: Fields = {}): Fields {
  return chained(number, parent, { type: 'user', message: { role: 'user', content: text }, ...fields })
}

/** One block of a message, as Claude Code writes it: a line for each. */
export function block(number: number, parent: number | null, messageId: string, content: Fields): Fields {
  return chained(number, parent, { type: 'assistant', message: { id: messageId, role: 'assistant', content: [content] } })
}

export function says(number: number, parent: number | null, text: string): Fields {
  return block(number, parent, `msg_${number}`, { type: 'text', text })
}

export function calls(number: number, parent: number | null, callId: string, messageId = `msg_${number}`): Fields {
  return block(number, parent, messageId, { type: 'tool_use', id: callId, name: 'Bash', input: { command: `run ${callId}` } })
}

export function result(number: number, parent: number | null, callId: string, text = `result of ${callId}`): Fields {
  return chained(number, parent, {
    type: 'user',
    message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: callId, content: text }] },
  })
}

export function attachment(number: number, parent: number | null, text?: string): Fields {
  const rendered = text === undefined ? {} : { rendered: [{ content: text }], renderedRole: 'system' }
  return chained(number, parent, { type: 'attachment', attachment: { type: text === undefined ? 'prompt_snapshot' : 'date' }, ...rendered })
}

export function system(number: number, parent: number | null, subtype = 'turn_duration'): Fields {
  return chained(number, parent, { type: 'system', subtype })
}

/** A boundary; as in the real files its parent is null, and `logicalParentUuid` can't be relied on. */
export function boundary(number: number, metadata: Fields = { trigger: 'manual', preTokens: 1000 }): Fields {
  const fields = { type: 'system', subtype: 'compact_boundary', content: 'Conversation compacted', logicalParentUuid: uuid(999_999) }
  return chained(number, null, { ...fields, compactMetadata: metadata })
}

export function summary(number: number, parent: number, text: string, fields: Fields = {}): Fields {
  return prompt(number, parent, text, { isCompactSummary: true, isVisibleInTranscriptOnly: true, ...fields })
}

/** What a compaction keeps, as 2.1.330 writes it. */
export function preserving(anchor: number, kept: readonly number[], more: readonly string[] = []): Fields {
  const uuids = kept.map(uuid)
  return {
    trigger: 'manual',
    preTokens: 2000,
    postTokens: 300,
    preservedSegment: { headUuid: uuids[0], anchorUuid: uuid(anchor), tailUuid: uuids.at(-1) },
    preservedMessages: { anchorUuid: uuid(anchor), uuids, allUuids: [...uuids, ...more] },
  }
}

export function state(type: string, fields: Fields = {}): Fields {
  return { type, ...fields, sessionId }
}

/** The lines as a file. Strings and bytes are taken as they are. */
export function jsonl(lines: readonly (Fields | string)[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export async function transcriptOf(
  main: Uint8Array | readonly (Fields | string)[],
  options: { sidecars?: Record<string, Uint8Array>; path?: string } = {},
): Promise<Transcript> {
  const bytes = main instanceof Uint8Array ? main : jsonl(main)
  const path = options.path ?? `/home/dev/.claude/projects/-home-dev-project/${sessionId}.jsonl`
  return bytesTranscript({ main: bytes, ...options.sidecars }, { path }).open()
}

export async function linesOf(transcript: Transcript): Promise<(Entry | BadLine)[]> {
  return all(reader.entries(transcript))
}

export async function entriesOf(transcript: Transcript): Promise<Entry[]> {
  return (await linesOf(transcript)).filter((line): line is Entry => line.kind !== 'bad')
}

export async function compactionsOf(transcript: Transcript, from?: { line: number; start: number }): Promise<Compaction[]> {
  return all(reader.compactions(transcript, from === undefined ? {} : { from }))
}

export async function indexOf(transcript: Transcript): Promise<ListedIndex<Entry>> {
  const entries = await entriesOf(transcript)
  return listedIndex(entries)
}

/** The numbers of the entries at a leaf. */
export async function numbersAt(lines: readonly (Fields | string)[], leaf: number, view: 'context' | 'all'): Promise<number[]> {
  const { entryIds } = contextIn(reader, await indexOf(await transcriptOf(lines)), uuid(leaf), view)
  return entryIds.map((id) => Number(id.slice(-12)))
}

export async function rewritten(
  transcript: Transcript,
  options: Partial<Parameters<TranscriptReader['rewrite']>[1]> & { leafId: string },
): Promise<Record<string, Uint8Array>> {
  const parts: Record<string, Uint8Array> = {}
  for await (const { part, bytes } of reader.rewrite(transcript, { sessionId: otherId, createdAt: 0, ...options })) {
    parts[part] = Buffer.concat([parts[part] ?? new Uint8Array(0), bytes])
  }
  return parts
}

/** The lines of a part, parsed. */
export function parsed(bytes: Uint8Array | undefined): Fields[] {
  return text(bytes ?? new Uint8Array(0))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** Everything that an iterable gives. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}
