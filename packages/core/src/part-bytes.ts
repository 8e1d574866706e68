import { createHash } from 'node:crypto'
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
 * Digests of ranges of a source, each computed once. Ranges are asked for one after the other and mostly in order, so the source is read a MiB at a
 * time, however short they are, and the next MiB while one is hashed.
 */
export function rangeDigests(source: TranscriptSource): (start: number, end: number, options: AbortOptions) => Promise<string> {
  const known = new Map<string, string>()
  const pieceAt = readAhead(source)
  return async (start, end, options) => {
    const range = `${start}-${end}`
    const found = known.get(range)
    if (found !== undefined) return found
    const hash = createHash('sha256')
    for (let at = start; at < end; ) {
      const piece = await pieceAt(at, end, options)
      hash.update(piece)
      at += piece.byteLength
    }
    const digest = hash.digest('base64url')
    known.set(range, digest)
    return digest
  }
}

interface Window {
  readonly start: number
  readonly bytes: Uint8Array
  readonly filled: Promise<void>
}

/** Gives the bytes from a place on, some of those before `end` and at least one of them, good until it is asked again. */
function readAhead(source: TranscriptSource): (at: number, end: number, options: AbortOptions) => Promise<Uint8Array> {
  const { readInto } = source
  if (readInto === undefined) return (at, end, options) => source.read(at, Math.min(end, at + sliceBytes), options)
  const spare: Uint8Array[] = []
  let current: Window | undefined
  let ahead: Window | undefined
  const begin = (start: number, options: AbortOptions): Window => {
    const bytes = (spare.pop() ?? new Uint8Array(sliceBytes)).subarray(0, Math.max(0, Math.min(sliceBytes, source.sizeBytes - start)))
    const filled = readInto.call(source, bytes, start, options)
    // A failure is met where the bytes are asked for; until then it must not count as unhandled.
    filled.catch(() => undefined)
    return { start, bytes, filled }
  }
  const giveBack = (window: Window | undefined): void => {
    if (window !== undefined) spare.push(new Uint8Array(window.bytes.buffer))
  }
  return async (at, end, options) => {
    if (current === undefined || !holds(current, at)) {
      giveBack(current)
      current = undefined
      const reading = ahead
      ahead = undefined
      const fits = reading !== undefined && holds(reading, at)
      const window = fits ? reading : begin(at, options)
      if (window.bytes.byteLength === 0) return source.read(at, end, options)
      await window.filled
      if (!fits && reading !== undefined) void reading.filled.then(() => giveBack(reading)).catch(() => undefined)
      current = window
      const next = window.start + window.bytes.byteLength
      if (next < source.sizeBytes) ahead = begin(next, options)
    }
    return current.bytes.subarray(at - current.start, end - current.start)
  }
}

function holds({ start, bytes }: Window, at: number): boolean {
  return at >= start && at < start + bytes.byteLength
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
