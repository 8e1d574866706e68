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
  return { sizeBytes: Math.min(endBytes, source.sizeBytes), read: (start, end, options) => source.read(start, end, options) }
}

/** Digests of ranges of a source, each read and computed once. */
export function rangeDigests(source: TranscriptSource): (start: number, end: number, options: AbortOptions) => Promise<string> {
  const known = new Map<string, string>()
  return async (start, end, options) => {
    const range = `${start}-${end}`
    const found = known.get(range)
    if (found !== undefined) return found
    const digest = sha256(await source.read(start, end, options))
    known.set(range, digest)
    return digest
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

function isObject(line: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
