import { isUtf8 } from 'node:buffer'
import type { AbortOptions, LinePlace, LineStart, PartName, TranscriptSource } from '@palimpsest/core'
import { breathing } from './breathing.ts'
import { asRecord, type JsonRecord } from './json-fields.ts'

const sliceBytes = 1 << 20
const batchBytes = 128 << 10
const firstSliceBytes = 64 << 10
const mostSpare = 2
const maxLineBytes = 256 << 20
const cutLineBytes = 64 << 10
const lineFeed = 0x0a

/** A line as it lies in the file: its bytes are those from `place.start` to `place.end`, with its line feed. */
export interface RawLine {
  readonly place: LinePlace
  /**
   * A view that is good until the next line, or the next batch of them, is asked for; copy what you keep. Of a line over 256 MiB only the first 64 KiB, which no longer
   * parse, so that memory stays bounded; `place` is right even then.
   */
  readonly bytes: Uint8Array
}

/**
 * The lines of a part in order, from `from` on (by default the first), in bounded memory and in time linear in their length. A last line
 * without line feed is a line, and ends at the size; an empty file has none. The event loop is let run every few milliseconds, the time that
 * the consumer takes for each line included. The signal's reason is rethrown untouched, as is what `source.read` throws.
 */
export async function* readLines(source: TranscriptSource, options: LinesWanted): AsyncGenerator<RawLine, void, undefined> {
  const pause = breathing()
  for await (const batch of readLineBatches(source, options)) {
    for (const line of batch) {
      yield line
      const paused = pause()
      if (paused !== undefined) {
        await paused
        options.signal?.throwIfAborted()
      }
    }
  }
}

/**
 * The same, many lines at a time, since handing each over by itself costs as much as looking at it: the lines of about 128 KiB, all good
 * until the next batch is asked for. None is empty.
 */
export async function* readLineBatches(
  source: TranscriptSource,
  options: LinesWanted,
): AsyncGenerator<readonly RawLine[], void, undefined> {
  const { part } = options
  let line = options.from?.line ?? 0
  for await (const block of readLineBlocks(source, options)) {
    const batch: RawLine[] = []
    for (let from = 0; from < block.bytes.length; line++) {
      const to = lineEnd(block, from)
      batch.push({ place: { part, line, start: block.start + from, end: fileEnd(block, to) }, bytes: block.bytes.subarray(from, to) })
      from = to
    }
    yield batch
  }
}

/** Whole lines that lie behind one another: the bytes from `start` to `end`, or the beginning of a single line that is too long to be held. */
export interface LineBlock {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** The end of the line of a block that begins at `from`, its line feed counted. */
export function lineEnd({ bytes }: LineBlock, from: number): number {
  const feed = bytes.indexOf(lineFeed, from)
  return feed === -1 ? bytes.length : feed + 1
}

/** Where a line of a block ends in the file. */
export function fileEnd({ bytes, start, end }: LineBlock, to: number): number {
  return to === bytes.length ? end : start + to
}

/** The same as blocks of about 128 KiB, in which nothing is made for a line. A block is good until the next one is asked for. */
export async function* readLineBlocks(
  source: TranscriptSource,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): AsyncGenerator<LineBlock, void, undefined> {
  const { signal } = options
  const pause = breathing()
  const pieces = linePieces()
  let start = options.from?.start ?? 0
  const slices = sliceReader(source, start, { signal })
  try {
    for (let position = start; ; ) {
      signal?.throwIfAborted()
      const bytes = await slices.next()
      if (bytes === undefined) break
      // A buffer looks for a byte ten times as fast as any other array.
      const slice = asBuffer(bytes)
      const last = slice.lastIndexOf(lineFeed)
      let from = 0
      while (from <= last) {
        // A line that began in an earlier slice is a block by itself.
        const feed = slice.indexOf(lineFeed, start < position ? from : from + batchBytes - 1)
        const to = (feed === -1 ? last : feed) + 1
        yield { bytes: asBuffer(pieces.join(slice.subarray(from, to))), start, end: position + to }
        start = position + to
        from = to
        await pause()
        signal?.throwIfAborted()
      }
      if (from < slice.length) pieces.add(new Uint8Array(slice.subarray(from)))
      position += slice.length
      await pause()
    }
    if (start < source.sizeBytes) yield { bytes: asBuffer(pieces.join(new Uint8Array(0))), start, end: source.sizeBytes }
  } finally {
    slices.release()
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

type LinesWanted = AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined }

/** What a line holds: a JSON object, or why it holds none. */
export type ParsedLine =
  | { readonly value: JsonRecord; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string }

/** Parses a line, with or without its line end, behind a byte order mark or not. Never throws; the problem is a sentence for people. */
export function parseLine(bytes: Uint8Array): ParsedLine {
  if (!isUtf8(bytes)) return { problem: 'The line is not valid UTF-8.' }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim()
  // What can't be an object is not given to the parser: its exceptions take a hundred times as long as a look.
  if (text === '') return { problem: 'The line is empty.' }
  if (!text.startsWith('{')) return { problem: 'The line is not a JSON object.' }
  if (!text.endsWith('}')) return { problem: 'The line is cut off: it is not valid JSON.' }
  try {
    return { value: asRecord(JSON.parse(text)) ?? {} }
  } catch {
    return { problem: 'The line is not valid JSON.' }
  }
}

/** Buffers of a whole slice that nobody reads into, for the next pass over a source: making them anew for each costs collections of garbage. */
const spare: Uint8Array[] = []

/**
 * The slices of a source one behind the other, from a byte on; none at its end. The first is small, for who wants the first line alone; from
 * the second on the next is read while one is looked at. Where the source fills buffers that are given to it, there are two of them, and a
 * slice is good until the next one is asked for, or until all are released.
 */
function sliceReader(
  source: TranscriptSource,
  from: number,
  options: AbortOptions,
): { next(): Promise<Uint8Array | undefined>; release(): void } {
  let position = from
  let given: Uint8Array | undefined
  const fill = async (buffer: Uint8Array, start: number): Promise<Uint8Array> => {
    await source.readInto?.(buffer, start, options)
    return buffer
  }
  const read = (start: number, end: number): Promise<Uint8Array> => {
    if (source.readInto === undefined) return source.read(start, end, options)
    const buffer = spare.pop() ?? new Uint8Array(sliceBytes)
    return fill(buffer.subarray(0, end - start), start)
  }
  const giveBack = (slice: Uint8Array): void => {
    if (source.readInto !== undefined && spare.length < mostSpare) spare.push(new Uint8Array(slice.buffer))
  }
  const begin = (): Promise<Uint8Array> | undefined => {
    if (position >= source.sizeBytes) return undefined
    const start = position
    position = Math.min(start + (start === from ? firstSliceBytes : sliceBytes), source.sizeBytes)
    const reading = read(start, position)
    // A failure is met where the slice is asked for; until then it must not count as unhandled.
    reading.catch(() => undefined)
    return reading
  }
  let ahead: Promise<Uint8Array> | undefined
  return {
    async next() {
      const isFirst = position === from
      const reading = ahead ?? begin()
      ahead = undefined
      const slice = await reading
      if (given !== undefined) giveBack(given)
      given = slice
      ahead = isFirst ? undefined : begin()
      return slice
    },
    release() {
      if (given !== undefined) giveBack(given)
      given = undefined
      // One that is still being read is nobody's before that has ended.
      ahead?.then(giveBack, () => undefined)
      ahead = undefined
    },
  }
}

/** The beginning of a line that goes over several slices: put together once, when its end is found. */
function linePieces(): { add(piece: Uint8Array): void; join(last: Uint8Array): Uint8Array } {
  let pieces: Uint8Array[] = []
  let sizeBytes = 0
  const add = (piece: Uint8Array) => {
    sizeBytes += piece.length
    if (sizeBytes <= maxLineBytes) pieces.push(piece)
    else pieces = pieces.slice(0, 1).map((first) => new Uint8Array(first.subarray(0, cutLineBytes)))
  }
  return {
    add,
    join(last) {
      if (sizeBytes === 0) return last
      add(last)
      const bytes = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : concatenated(pieces)
      pieces = []
      sizeBytes = 0
      return bytes
    },
  }
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
