import type { BadLine, Compaction, IndexedEntry, Transcript } from '@palimpsest/core'
import { bytesTranscript, codexReader } from '../src/index.ts'
import { type ListedIndex, listedIndex } from './contexts.ts'

/** Rollouts put together by hand, as Codex writes them. */

export const sessionId = '01a204ee-a000-7c81-a5de-48cb63982025'
export const otherId = '7c0a4a55-2d0e-4b5e-8a57-0d6a9d6f2f10'
export const path = `/home/dev/.codex/sessions/2026/11/22/rollout-2026-11-22T20-24-37-${sessionId}.jsonl`
export const reader = codexReader({ homeFolder: '/home/dev/.codex' })

export type Fields = Readonly<Record<string, unknown>>

const preamble = 'Another language model started to solve this problem and produced a summary of its thinking process. Here is the summary:'

/** A line; its time and its ordinal it gets by its place in the file. */
export function row(type: string, payload: Fields, more: Fields = {}): Fields {
  return { type, payload, ...more }
}

export const meta = (payload: Fields = {}): Fields =>
  row('session_meta', { id: sessionId, cwd: '/work/shop', cli_version: '0.145.0', model_provider: 'mock', ...payload })

export const event = (type: string, payload: Fields = {}): Fields => row('event_msg', { type, ...payload })

export const started = (turnId: string, payload: Fields = {}): Fields => event('task_started', { turn_id: turnId, ...payload })

export const completed = (turnId: string): Fields => event('task_complete', { turn_id: turnId, last_agent_message: null })

export function message(role: string, text: string, id?: string, metadata?: Fields): Fields {
  const type = role === 'assistant' ? 'output_text' : 'input_text'
  const item = { type: 'message', ...(id === undefined ? {} : { id }), role, content: [{ type, text }] }
  return row('response_item', item, metadata === undefined ? {} : { metadata })
}

export const user = (text: string, id?: string): Fields => message('user', text, id)
export const says = (text: string, id?: string): Fields => message('assistant', text, id)
export const environment = (id?: string): Fields => user('<environment_context>\n  <cwd>/work/shop</cwd>\n</environment_context>', id)

export const call = (callId: string, id?: string): Fields =>
  row('response_item', {
    type: 'function_call',
    ...(id === undefined ? {} : { id }),
    name: 'shell',
    arguments: '{"cmd":"ls"}',
    call_id: callId,
  })

export const output = (callId: string, text: string, id?: string): Fields =>
  row('response_item', { type: 'function_call_output', ...(id === undefined ? {} : { id }), call_id: callId, output: text })

/** A count of a real request, or with `inputTokens` 0 an estimate. */
export function count(inputTokens: number, totalTokens = inputTokens + 40): Fields {
  const usage = { input_tokens: inputTokens, output_tokens: 0, total_tokens: totalTokens }
  return event('token_count', { info: { total_token_usage: usage, last_token_usage: usage, model_context_window: 190_000 } })
}

export const compacted = (message_: string, replacement?: readonly Fields[], payload: Fields = {}): Fields =>
  row('compacted', { message: message_, ...(replacement === undefined ? {} : { replacement_history: replacement }), ...payload })

/** The message of a local compaction. */
export const summaryMessage = (summary: string): string => `${preamble}\n${summary}`

/** An item as a compaction repeats it. */
export const item = (line: Fields): Fields => line['payload'] as Fields

export function jsonl(lines: readonly Fields[]): Buffer {
  const time = (at: number) => new Date(Date.UTC(2026, 10, 22, 20, 0, at)).toISOString()
  return Buffer.from(lines.map((line, at) => `${JSON.stringify({ timestamp: time(at), ...line })}\n`).join(''))
}

/** With ordinals, as 0.157 and later write them. */
export function paginated(lines: readonly Fields[], first = 0): readonly Fields[] {
  return lines.map((line, at) => ({ ordinal: first + at, ...line }))
}

export async function transcriptOf(main: Uint8Array, at: string = path): Promise<Transcript> {
  return bytesTranscript({ main }, { path: at }).open()
}

export async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  return await Array.fromAsync(values)
}

export async function compactionsIn(lines: readonly Fields[]): Promise<readonly Compaction[]> {
  return all(reader.compactions(await transcriptOf(jsonl(lines))))
}

export interface Read {
  readonly index: ListedIndex<IndexedEntry>
  readonly bad: readonly BadLine[]
  readonly leafId: string
}

export async function read(transcript: Transcript): Promise<Read> {
  const entries: IndexedEntry[] = []
  const bad: BadLine[] = []
  for (const line of (await all(reader.structure(transcript))).flat()) {
    if (line.kind === 'bad') bad.push(line)
    else entries.push(line)
  }
  return { index: listedIndex(entries), bad, leafId: entries.findLast((entry) => entry.leafId !== undefined)?.leafId ?? '' }
}

export async function readLines(lines: readonly Fields[]): Promise<Read> {
  return read(await transcriptOf(jsonl(lines)))
}

export interface RewriteWanted {
  readonly leafId: string
  readonly sessionId?: string
  readonly dropUnanswered?: boolean
}

export async function rewritten(main: Uint8Array, wanted: RewriteWanted, at: string = path): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  const parent = { sessionId, path: at }
  const options = { sessionId: otherId, createdAt: 1_700_000_000_000, parent, ...wanted }
  for await (const { bytes } of reader.rewrite(await transcriptOf(main, at), options)) pieces.push(bytes)
  return Buffer.concat(pieces)
}

export function parsed(bytes: Uint8Array): Fields[] {
  return Buffer.from(bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Fields => JSON.parse(line))
}
