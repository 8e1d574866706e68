import { isUtf8 } from 'node:buffer'
import {
  type AbortOptions,
  type BadLine,
  type Entry,
  type EntryIndex,
  type GrowingIndex,
  growingIndex,
  type IndexedEntry,
  type LinePlace,
  type LineStart,
  type PartName,
  type PlainMessage,
  type StructureSink,
  type Transcript,
  type TranscriptSource,
} from '@palimpsest/core'
import { asTime, type JsonRecord } from '../json-fields.ts'
import { fileEnd, type LineBlock, lineEnd, parseLine, readLineBatches, readLineBlocks, readLines } from '../lines.ts'
import { scanning } from '../object-scan.ts'
import { sourceOf } from '../part-source.ts'
import { type DecodedEntry, type EntryDecoder, entryDecoder } from './entry-decoder.ts'
import { entryText, entryTool } from './entry-text.ts'
import { type PiHeader, piHeader } from './format.ts'
import { headOf, readLineHead, scanLineHead, scannedHead } from './line-head.ts'

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
  },
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  for await (const batch of decodedBatches(source, { ...options, part, text: false })) {
    yield batch.map((line) => ('kind' in line ? line : line.indexed))
  }
}

/** The same lines again, of which plain messages take no object each. */
export async function piStructureInto(
  transcript: Transcript,
  sink: StructureSink,
  options: AbortOptions & {
    readonly part?: PartName | undefined
    readonly from?: LineStart | undefined
    readonly wellFormed?: boolean | undefined
  },
): Promise<void> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  await walkLines(
    source,
    {
      line: (line) => sink.line('kind' in line ? line : line.indexed),
      message: (message) => sink.message(message),
      has: (id) => sink.has(id),
    },
    { ...options, part },
  )
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

/** The same, many at a time. Without `text` the value of a plain message is not read. */
export async function* decodedBatches(
  source: TranscriptSource,
  options: AbortOptions & {
    readonly part: PartName
    readonly from?: LineStart | undefined
    readonly text: boolean
  },
): AsyncGenerator<readonly (DecodedEntry | BadLine)[], void, undefined> {
  const { part, signal, text } = options
  const { wanted, from, header } = await beginningOf(source, options)
  const decoder = entryDecoder(header)
  const headOf = text ? () => undefined : scannedHead
  try {
    for await (const lines of readLineBatches(source, { part, signal, from })) {
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

/**
 * Where reading begins for who wants the lines from `from` on, and the header that stands before, if it does. Of version 1, which has no
 * ids, everything is read.
 */
async function beginningOf(source: TranscriptSource, options: AbortOptions & { readonly from?: LineStart | undefined }) {
  const wanted = options.from !== undefined && options.from.start > 0 ? options.from : undefined
  const header = wanted === undefined ? undefined : await readHeader(source, options)
  const linear = header !== undefined && header.version < 2
  return { wanted, from: linear ? undefined : wanted, header: linear ? undefined : header }
}

/** Takes the lines of a part, in file order. What it says of ids is asked for behind each line that was taken. */
interface LineSink extends Pick<StructureSink, 'message' | 'has'> {
  line(line: DecodedEntry | BadLine): void
}

/**
 * Hands over the lines of a part. `wellFormed` says that every line is known to parse. `behind` is given each block whose lines were handed over,
 * which is good until it resolves.
 */
async function walkLines(
  source: TranscriptSource,
  sink: LineSink,
  options: AbortOptions & {
    readonly part: PartName
    readonly from?: LineStart | undefined
    readonly wellFormed?: boolean | undefined
    readonly behind?: ((block: LineBlock) => Promise<void> | undefined) | undefined
  },
): Promise<void> {
  const { part, signal } = options
  const { wanted, from: first, header } = await beginningOf(source, options)
  const firstLine = wanted?.line ?? 0
  // Ids that are taken are those of the entries that the sink has. Those before the first that it wants it never gets.
  const isShared = first === wanted
  const decoder = isShared ? entryDecoder(header, { add: (id) => !sink.has(id), free: () => undefined }) : entryDecoder(header)
  const message: Writable<PlainMessage> = { part, line: 0, start: 0, end: 0, id: 0, hasParent: false, parent: 0, role: 'user' }
  let line = first?.line ?? 0
  const take = (block: LineBlock): void => {
    const { bytes, start } = block
    const scan = options.wellFormed !== true && isUtf8(bytes) ? scanning(bytes) : undefined
    const readHead = (from: number, to: number): boolean => {
      if (options.wellFormed === true) return readLineHead(bytes, from, to, message)
      return scan !== undefined && scanLineHead(scan, scan.start + from, scan.start + to, message)
    }
    for (let from = 0; from < bytes.length; line += 1) {
      const to = lineEnd(block, from)
      const isMessage = readHead(from, to)
      message.line = line
      message.start = start + from
      message.end = fileEnd(block, to)
      if (isMessage && isShared && decoder.takesPlain() && sink.message(message)) decoder.passed(message.id)
      else {
        const place = { part, line, start: message.start, end: message.end }
        const lineBytes = bytes.subarray(from, to)
        const head = isMessage ? headOf(message) : options.wellFormed === true ? undefined : scannedHead(lineBytes)
        const decoded = (head === undefined ? undefined : decoder.message(place, head)) ?? decodedLine(decoder, place, lineBytes)
        if (line >= firstLine) sink.line(decoded)
      }
      from = to
    }
  }
  try {
    for await (const block of readLineBlocks(source, { signal, from: first })) {
      take(block)
      await options.behind?.(block)
    }
  } finally {
    decoder.free()
  }
}

type Writable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

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
export interface PiIndex extends EntryIndex {
  readonly source: TranscriptSource
  readonly header: PiHeader | undefined
  readonly alteredPositions: ReadonlySet<number>
}

/** Reads the structure of the main part; `undefined` without one. */
export async function readIndex(
  transcript: Transcript,
  options?: AbortOptions & { readonly wellFormed?: boolean | undefined },
): Promise<(PiIndex & Pick<GrowingIndex, 'free'>) | undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return undefined
  const index = growingIndex()
  const lines: StructureSink = {
    line(line) {
      if (line.kind !== 'bad') index.add(line)
    },
    message: index.addMessage,
    has: (id) => index.positionOf(id) !== undefined,
  }
  return { ...(await readIndexInto(source, { lines, index }, options ?? {})), free: index.free }
}

/** Is told what was taken into an index. */
export interface IndexWatch {
  line(line: DecodedEntry | BadLine): void
  message(message: PlainMessage): void
  /** All lines of a block were taken. It is good until this resolves, or at once where it gives nothing. */
  block(block: LineBlock): Promise<void> | undefined
}

/** The same from a source into an index that is filled by its own sink. */
export async function readIndexInto(
  source: TranscriptSource,
  { lines, index }: { readonly lines: StructureSink; readonly index: EntryIndex },
  options: AbortOptions & { readonly wellFormed?: boolean | undefined; readonly watch?: IndexWatch | undefined },
): Promise<PiIndex> {
  const { signal, wellFormed, watch } = options
  const alteredPositions = new Set<number>()
  let header: PiHeader | undefined
  const sink: LineSink = {
    line(line) {
      if ('kind' in line) lines.line(line)
      else {
        if (index.size === 0) header = piHeader(line.value)
        if (!line.verbatim) alteredPositions.add(index.size)
        lines.line(line.indexed)
      }
      watch?.line(line)
    },
    message(message) {
      if (!lines.message(message)) return false
      watch?.message(message)
      return true
    },
    has: lines.has,
  }
  await walkLines(source, sink, { part: 'main', signal, wellFormed, behind: watch?.block })
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
