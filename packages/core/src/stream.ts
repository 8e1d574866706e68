import { z } from 'zod'
import type { Chunk, Ledger, Stream } from './ledger.ts'
import type { PartName } from './transcript.ts'

/** How many open chunks of a stream move into a segment object together. */
export const segmentChunks = 256

export const segmentSchema: z.ZodType<readonly Chunk[]> = z.array(
  z.tuple([z.string(), z.int().min(0), z.int().min(0), z.int().min(0), z.int().min(0), z.string()]),
)

/** A chunk at its place in a stream. */
export interface LocatedChunk {
  readonly object: string
  readonly offset: number
  readonly storedBytes: number
  readonly digest: string
  /** First byte, and the one after the last. */
  readonly start: number
  readonly end: number
  /** Line feeds before it, and in it. */
  readonly linesBefore: number
  readonly lines: number
}

/** Where a stream ends: bytes and line feeds. */
export interface StreamEnd {
  readonly bytes: number
  readonly lines: number
}

/** Reads the chunks that a segment object holds. */
export type LoadSegment = (object: string) => Promise<readonly Chunk[]>

/** The streams of a part; none when the session has no such part. */
export function streamsOf(ledger: Ledger, part: PartName): readonly Stream[] {
  return Object.hasOwn(ledger.parts, part) ? (ledger.parts[part]?.streams ?? []) : []
}

/** Where a stream ends. */
export function streamEnd(stream: Stream): StreamEnd {
  let bytes = stream.base?.bytes ?? 0
  let lines = stream.base?.lines ?? 0
  for (const segment of stream.segments) {
    bytes += segment.rawBytes
    lines += segment.lines
  }
  for (const [, , , rawBytes, lineFeeds] of stream.open) {
    bytes += rawBytes
    lines += lineFeeds
  }
  return { bytes, lines }
}

/** Every chunk of a stream from its first byte on, those of the streams that it begins with included. */
export async function chunksOf(ledger: Ledger, part: PartName, index: number, loadSegment: LoadSegment): Promise<readonly LocatedChunk[]> {
  const located: LocatedChunk[] = []
  for (const { stream, endBytes } of chainOf(ledger, part, index)) {
    const own: Chunk[] = []
    for (const segment of stream.segments) own.push(...(await loadSegment(segment.object)))
    own.push(...stream.open)
    let start = stream.base?.bytes ?? 0
    let linesBefore = stream.base?.lines ?? 0
    for (const [object, offset, storedBytes, rawBytes, lines, digest] of own) {
      if (start >= endBytes) break
      located.push({ object, offset, storedBytes, digest, start, end: start + rawBytes, linesBefore, lines })
      start += rawBytes
      linesBefore += lines
    }
  }
  return located
}

/** Whether the position `bytes` of stream `inner` lies on stream `outer` too: on itself, or in the part that `outer` begins with. */
export function isOnStream(
  ledger: Ledger,
  part: PartName,
  position: { readonly stream: number; readonly bytes: number },
  outer: number,
): boolean {
  // A position may lie in what its own stream begins with: the oldest stream that reaches it has it.
  const home = chainOf(ledger, part, position.stream).find((link) => position.bytes <= link.endBytes)
  return chainOf(ledger, part, outer).some((link) => link.index === home?.index && position.bytes <= link.endBytes)
}

/** A ledger whose part has this stream at `index`. */
export function withStream(ledger: Ledger, part: PartName, index: number, stream: Stream): Ledger {
  const streams = [...streamsOf(ledger, part)]
  streams[index] = stream
  return { ...ledger, parts: { ...ledger.parts, [part]: { streams } } }
}

/** The streams whose bytes make up stream `index`, oldest first, with the byte at which each gives way to the next. */
export function chainOf(ledger: Ledger, part: PartName, index: number): { index: number; stream: Stream; endBytes: number }[] {
  const streams = streamsOf(ledger, part)
  const chain: { index: number; stream: Stream; endBytes: number }[] = []
  let endBytes = Number.POSITIVE_INFINITY
  let at: number | undefined = index
  // A stream begins on an older one, so that the walk ends even in a ledger that says otherwise.
  for (let left = streams.length; at !== undefined && left > 0; left -= 1) {
    const stream: Stream | undefined = streams[at]
    if (stream === undefined) break
    if (stream.base === undefined || endBytes > stream.base.bytes) chain.unshift({ index: at, stream, endBytes })
    endBytes = Math.min(endBytes, stream.base?.bytes ?? 0)
    at = stream.base !== undefined && stream.base.stream < at ? stream.base.stream : undefined
  }
  return chain
}
