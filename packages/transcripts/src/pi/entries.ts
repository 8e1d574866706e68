import {
  type AbortOptions,
  type BadLine,
  type Entry,
  type GrowingIndex,
  growingIndex,
  type IndexedEntry,
  type LinePlace,
  type LineStart,
  type PartName,
  type Transcript,
  type TranscriptSource,
} from '@palimpsest/core'
import { asTime, type JsonRecord } from '../json-fields.ts'
import { parseLine, readLineBatches, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type DecodedEntry, type EntryDecoder, entryDecoder } from './entry-decoder.ts'
import { entryText, entryTool } from './entry-text.ts'
import { type PiHeader, piHeader } from './format.ts'
import { lineHead, scannedHead } from './line-head.ts'

/** The entries and the bad lines of a part, in file order. Nothing for a part that the transcript doesn't have. */
export async function* piEntries(
  transcript: Transcript,
  options: AbortOptions & { readonly part?: PartName | undefined; readonly from?: LineStart | undefined },
): AsyncGenerator<Entry | BadLine, void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  for await (const line of decodedLines(source, { ...options, part })) yield 'kind' in line ? line : withText(line.indexed, line.value)
}

/** The same lines without what they say, many at a time. */
export async function* piStructure(
  transcript: Transcript,
  options: AbortOptions & {
    readonly part?: PartName | undefined
    readonly from?: LineStart | undefined
    readonly wellFormed?: boolean | undefined
  },
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  for await (const batch of decodedBatches(source, { ...options, part, text: false })) {
    yield batch.map((line) => ('kind' in line ? line : line.indexed))
  }
}

/** What one line says. A line that doesn't parse has no text. */
export function piEntry(line: Uint8Array, indexed: IndexedEntry): Entry {
  return withText(indexed, parseLine(line).value ?? {})
}

/** The lines of a part as entries with what they say, from `from` on. A version 1 file is always read from its start, since it has no ids. */
async function* decodedLines(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<DecodedEntry | BadLine, void, undefined> {
  for await (const batch of decodedBatches(source, { ...options, text: true })) yield* batch
}

/**
 * The same, many at a time. Without `text` the value of a plain message is not read; `wellFormed` says besides that
 * every line is known to parse.
 */
export async function* decodedBatches(
  source: TranscriptSource,
  options: AbortOptions & {
    readonly part: PartName
    readonly from?: LineStart | undefined
    readonly wellFormed?: boolean | undefined
    readonly text: boolean
  },
): AsyncGenerator<readonly (DecodedEntry | BadLine)[], void, undefined> {
  const { part, signal, wellFormed, text } = options
  const wanted = options.from !== undefined && options.from.start > 0 ? options.from : undefined
  const header = wanted === undefined ? undefined : await readHeader(source, options)
  const linear = header !== undefined && header.version < 2
  const decoder = entryDecoder(linear ? undefined : header)
  const headOf = text ? () => undefined : wellFormed === true ? lineHead : scannedHead
  try {
    for await (const lines of readLineBatches(source, { part, signal, from: linear ? undefined : wanted })) {
      const batch: (DecodedEntry | BadLine)[] = []
      for (const { place, bytes } of lines) {
        const head = headOf(bytes)
        const line = (head === undefined ? undefined : decoder.message(place, head)) ?? decodedLine(decoder, place, bytes)
        if (wanted === undefined || place.line >= wanted.line) batch.push(line)
      }
      if (batch.length > 0) yield batch
    }
  } finally {
    decoder.free()
  }
}

function decodedLine(decoder: EntryDecoder, place: LinePlace, bytes: Uint8Array): DecodedEntry | BadLine {
  const { value, problem } = parseLine(bytes)
  if (problem !== undefined) return { ...place, kind: 'bad', message: problem }
  const decoded = decoder.decode(place, value)
  return hasByteOrderMark(bytes) && decoded.verbatim ? { ...decoded, verbatim: false } : decoded
}

/** The header, which must be the first line that parses; `undefined` where it isn't. */
export async function readHeader(source: TranscriptSource, options?: AbortOptions): Promise<PiHeader | undefined> {
  for await (const { bytes } of readLines(source, { part: 'main', signal: options?.signal })) {
    const { value } = parseLine(bytes)
    if (value !== undefined) return piHeader(value)
  }
  return undefined
}

/** The main part's structure: its header, its entries, and the positions of those whose lines can't stand in a new file as they are. */
export interface PiIndex extends Omit<GrowingIndex, 'add'> {
  readonly source: TranscriptSource
  readonly header: PiHeader | undefined
  readonly alteredPositions: ReadonlySet<number>
}

/** Reads the structure of the main part; `undefined` without one. */
export async function readIndex(
  transcript: Transcript,
  options?: AbortOptions & { readonly wellFormed?: boolean | undefined },
): Promise<PiIndex | undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return undefined
  const index = growingIndex()
  const alteredPositions = new Set<number>()
  let header: PiHeader | undefined
  for await (const batch of decodedBatches(source, {
    part: 'main',
    signal: options?.signal,
    wellFormed: options?.wellFormed,
    text: false,
  })) {
    for (const line of batch) {
      if ('kind' in line) continue
      if (index.size === 0) header = piHeader(line.value)
      if (!line.verbatim) alteredPositions.add(index.size)
      index.add(line.indexed)
    }
  }
  return { ...index, size: index.size, source, header, alteredPositions }
}

function withText(indexed: IndexedEntry, value: JsonRecord): Entry {
  const tool = entryTool(value)
  const createdAt = asTime(value['timestamp'])
  return {
    ...indexed,
    text: entryText(value),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}

/** pi's own loader doesn't parse a line behind such a mark. */
function hasByteOrderMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef
}
