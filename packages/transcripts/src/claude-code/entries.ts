import type { AbortOptions, BadLine, Entry, IndexedEntry, LineStart, PartName, Transcript, TranscriptSource } from '@palimpsest/core'
import type { LinesWanted } from '../entry-batches.ts'
import { idSet } from '../id-set.ts'
import { asName, asTime, type JsonRecord } from '../json-fields.ts'
import { parseLine, readLineBatches, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { readNote } from './note.ts'
import { structureOf } from './structure.ts'
import { blocksOf, textOfLine } from './text.ts'

const rememberedCalls = 1024

/**
 * The entries of a part in file order. In a `.jsonl` part each line is one; a part of any other kind, such as a saved tool result, gives a line
 * of text as an entry. A part that the transcript doesn't have gives nothing. With `from`, ids and tool names before it are not known: a repeated
 * id is then found only where both lines lie behind it.
 */
export async function* readEntries(transcript: Transcript, options: LinesWanted = {}): AsyncGenerator<Entry | BadLine, void, undefined> {
  for await (const line of linesOf(transcript, options)) yield 'indexed' in line ? withText(line.indexed, line.value) : line
}

/** The same without what the lines say, many at a time. */
export async function* readIndexed(
  transcript: Transcript,
  options: LinesWanted = {},
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  if (part === 'main' || part.endsWith('.jsonl')) {
    for await (const batch of structuredBatches(source, { ...options, part })) {
      yield batch.map((line) => ('indexed' in line ? line.indexed : line))
    }
  } else for await (const line of readText(source, { ...options, part })) yield [line]
}

async function* linesOf(transcript: Transcript, options: LinesWanted): AsyncGenerator<StructuredLine | Entry | BadLine, void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  if (part === 'main' || part.endsWith('.jsonl')) yield* readStructure(source, { ...options, part })
  else yield* readText(source, { ...options, part })
}

/** What one line says, for its place in an index. A line that doesn't parse has no text. */
export function entryOfLine(bytes: Uint8Array, indexed: IndexedEntry): Entry {
  const { value } = parseLine(bytes)
  if (indexed.part !== 'main' && !indexed.part.endsWith('.jsonl')) return { ...indexed, text: plainText(bytes) ?? '' }
  return withText(indexed, value ?? {})
}

/** A line with its place in the session's structure. */
export interface StructuredLine {
  readonly indexed: IndexedEntry
  readonly value: JsonRecord
}

/** The lines of a `.jsonl` part with their structure, and those that are no entries. */
export async function* readStructure(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<StructuredLine | BadLine, void, undefined> {
  for await (const batch of structuredBatches(source, options)) yield* batch
}

async function* structuredBatches(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<readonly (StructuredLine | BadLine)[], void, undefined> {
  const seen = idSet()
  const calls = new Map<string, string>()
  const known = { isRepeated: (id: string) => seen.has(id), toolOf: (callId: string) => calls.get(callId) }
  const part = { isMain: options.part === 'main' }
  for await (const lines of readLineBatches(source, options)) {
    yield lines.map(({ place, bytes }) => {
      const { value, problem } = parseLine(bytes)
      if (problem !== undefined) return { ...place, kind: 'bad', message: problem }
      const indexed = structureOf(value, place, known, part)
      const uuid = asName(value['uuid'])
      if (uuid !== undefined) seen.add(uuid)
      if (indexed.role === 'assistant') rememberCalls(calls, value)
      return { indexed, value }
    })
  }
}

async function* readText(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<Entry | BadLine, void, undefined> {
  for await (const { place, bytes } of readLines(source, options)) {
    const text = plainText(bytes)
    if (text === undefined) yield { ...place, kind: 'bad', message: 'The line is not valid UTF-8.' }
    else yield { ...place, kind: 'unknown', id: `L${place.line}`, text }
  }
}

function plainText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    return undefined
  }
}

function withText(indexed: IndexedEntry, value: JsonRecord): Entry {
  const tool = toolOf(indexed, value)
  const createdAt = asTime(value['timestamp'])
  return {
    ...indexed,
    text: textOfLine(value),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}

function toolOf(indexed: IndexedEntry, value: JsonRecord): string | undefined {
  const note = readNote(indexed.note)
  if (note?.is === 'result') return note.tool
  if (indexed.role !== 'assistant') return undefined
  return blocksOf(value)
    .filter(isCall)
    .map((block) => asName(block['name']))
    .find((name) => name !== undefined)
}

/** Keeps the names of the last calls, for their results. */
function rememberCalls(calls: Map<string, string>, value: JsonRecord): void {
  for (const block of blocksOf(value).filter(isCall)) {
    const id = asName(block['id'])
    const name = asName(block['name'])
    if (id !== undefined && name !== undefined) calls.set(id, name)
  }
  for (const id of calls.keys()) {
    if (calls.size <= rememberedCalls) return
    calls.delete(id)
  }
}

function isCall(block: JsonRecord): boolean {
  return asName(block['type'])?.endsWith('tool_use') === true
}
