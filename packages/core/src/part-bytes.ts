import { sha256 } from './digest.ts'
import type { AbortOptions } from './storage.ts'
import type { PartName, TranscriptSource } from './transcript.ts'

const lineFeed = 10
const sliceBytes = 1024 * 1024
const maxTailBytes = 256 * 1024 * 1024

/** Whether a part consists of lines; every other part is taken whole. */
export function hasLines(part: PartName): boolean {
  return part === 'main' || part.endsWith('.jsonl')
}

/** Where the last whole line of a part ends. A last line without line feed is whole when it parses as an object. */
export async function wholeLinesEnd(source: TranscriptSource, options: AbortOptions): Promise<number> {
  const lineEnd = await lastLineEnd(source, options)
  if (lineEnd === source.sizeBytes || source.sizeBytes - lineEnd > maxTailBytes) return lineEnd
  return isObject(await source.read(lineEnd, source.sizeBytes, options)) ? source.sizeBytes : lineEnd
}

/** The same bytes, as if the part ended at `endBytes`. */
export function limitedSource(source: TranscriptSource, endBytes: number): TranscriptSource {
  const { readInto } = source
  return {
    sizeBytes: Math.min(endBytes, source.sizeBytes),
    read: (start, end, options) => source.read(start, end, options),
    ...(readInto === undefined ? {} : { readInto: readInto.bind(source) }),
  }
}

/**
 * Digests of ranges of a source, each read and computed once. Ranges are asked for one after the other, so while one is hashed the next
 * MiB is read.
 */
export function rangeDigests(source: TranscriptSource): (start: number, end: number, options: AbortOptions) => Promise<string> {
  const known = new Map<string, string>()
  const window = readAhead(source)
  return async (start, end, options) => {
    const range = `${start}-${end}`
    const found = known.get(range)
    if (found !== undefined) return found
    const digest = sha256(await window(start, end, options))
    known.set(range, digest)
    return digest
  }
}

/** Reads ranges of at most 1 MiB, mostly one behind the other: what it gives is good until it is asked again. */
function readAhead(source: TranscriptSource): (start: number, end: number, options: AbortOptions) => Promise<Uint8Array> {
  const { readInto } = source
  if (readInto === undefined) return (start, end, options) => source.read(start, end, options)
  const spare: Uint8Array[] = []
  let ahead: { readonly start: number; readonly bytes: Uint8Array; readonly filled: Promise<void> } | undefined
  let given: Uint8Array | undefined
  const begin = (start: number, options: AbortOptions): NonNullable<typeof ahead> | undefined => {
    const sizeBytes = Math.min(sliceBytes, source.sizeBytes - start)
    if (sizeBytes <= 0) return undefined
    const bytes = (spare.pop() ?? new Uint8Array(sliceBytes)).subarray(0, sizeBytes)
    const filled = readInto.call(source, bytes, start, options)
    // A failure is met where the range is asked for; until then it must not count as unhandled.
    filled.catch(() => undefined)
    return { start, bytes, filled }
  }
  return async (start, end, options) => {
    if (given !== undefined) spare.push(new Uint8Array(given.buffer))
    given = undefined
    const reading = ahead
    ahead = undefined
    const fits = reading !== undefined && reading.start === start && end - start <= reading.bytes.length
    const current = fits ? reading : begin(start, options)
    if (current === undefined || end - start > current.bytes.length) return source.read(start, end, options)
    await current.filled
    if (reading !== undefined && !fits) {
      await reading.filled.catch(() => undefined)
      spare.push(new Uint8Array(reading.bytes.buffer))
    }
    ahead = begin(end, options)
    given = current.bytes
    return current.bytes.subarray(0, end - start)
  }
}

async function lastLineEnd(source: TranscriptSource, options: AbortOptions): Promise<number> {
  for (let end = source.sizeBytes; end > 0; ) {
    const start = Math.max(0, end - (end === source.sizeBytes ? 64 * 1024 : sliceBytes))
    const at = (await source.read(start, end, options)).lastIndexOf(lineFeed)
    if (at >= 0) return start + at + 1
    end = start
  }
  return 0
}

/** Whether each of these whole lines holds a JSON object. */
export function areObjects(lines: Uint8Array): boolean {
  for (let start = 0; start < lines.length; ) {
    const feed = lines.indexOf(lineFeed, start)
    const end = feed === -1 ? lines.length : feed
    if (!isObject(lines.subarray(start, end))) return false
    start = end + 1
  }
  return true
}

function isObject(line: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
