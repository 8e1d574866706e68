import type { PlacedChunk } from './findings.ts'
import type { Stream } from './ledger.ts'
import type { StoredSession } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import { readPlacedChunk } from './verify-object.ts'

/** Whether the bytes of two chunks that begin at the same byte are the same as far as both go, up to a byte of the part. */
export type Agree = (one: PlacedChunk, other: PlacedChunk, end: number) => Promise<boolean>

/** Compares what is stored. */
export function agreeing(session: StoredSession, options: AbortOptions): Agree {
  return async (one, other, end) => {
    const [left, right] = await Promise.all([one, other].map((placed) => readPlacedChunk(session, placed, options).catch(() => undefined)))
    if (left === undefined || right === undefined) return false
    const length = Math.min(left.byteLength, right.byteLength, end - one.firstByte)
    return Buffer.compare(left.subarray(0, length), right.subarray(0, length)) === 0
  }
}

/** The chunks of one stream from its first byte on, and how far they go. */
export interface Chain {
  readonly chunks: readonly PlacedChunk[]
  readonly endBytes: number
}

/**
 * Puts the chunks of a part together to a stream of at least `needed` bytes. At each byte the chunk is taken whose writer believed it to be on
 * this stream, else one of the streams before, from which its bytes may have come, and only such a one as leads to the end. Where two that are
 * equally likely disagree, the chain ends: nothing is guessed.
 */
export async function chainTo(chunks: readonly PlacedChunk[], stream: number, needed: number, agree: Agree): Promise<Chain> {
  const byFirstByte = Map.groupBy(chunks, ({ firstByte }) => firstByte)
  const goal = furthest(byFirstByte, needed)
  const leads = reachable(byFirstByte, goal)
  const chain: PlacedChunk[] = []
  let at = 0
  while (at < goal) {
    const likely = (byFirstByte.get(at) ?? [])
      .filter((candidate) => leads.has(endOf(candidate)) || endOf(candidate) >= goal)
      .sort((one, other) => unlikeliness(one, stream) - unlikeliness(other, stream) || endOf(other) - endOf(one))
    const [best] = likely
    if (best === undefined) break
    const rivals = likely.filter((other) => unlikeliness(other, stream) === unlikeliness(best, stream) && other.chunk[5] !== best.chunk[5])
    let isSure = true
    for (const rival of rivals) isSure &&= await agree(best, rival, needed)
    if (!isSure) break
    chain.push(best)
    at = endOf(best)
  }
  return { chunks: chain, endBytes: at }
}

/** Whether a position can lie on a chain: it reaches that far, and has as many lines before it. */
export function holds({ chunks, endBytes }: Chain, position: { readonly bytes: number; readonly lines: number }): boolean {
  if (position.bytes > endBytes) return false
  let linesBefore = 0
  for (const {
    firstByte,
    chunk: [, , , rawBytes, lines],
  } of chunks) {
    const isLast = firstByte + rawBytes >= position.bytes
    if (isLast) return position.lines >= linesBefore && position.lines <= linesBefore + lines
    linesBefore += lines
  }
  return position.bytes === 0
}

/** Streams at their places, each beginning with as much of an earlier one as they share. Places without a chain have nothing. */
export function streamsFrom(chains: ReadonlyMap<number, Chain>): Stream[] {
  const streams: Stream[] = []
  const last = Math.max(-1, ...chains.keys())
  for (let index = 0; index <= last; index += 1) {
    const chain = chains.get(index)?.chunks ?? []
    let base: Stream['base']
    let shared = 0
    for (let earlier = 0; earlier < index; earlier += 1) {
      const length = sharedLength(chain, chains.get(earlier)?.chunks ?? [])
      if (length <= shared) continue
      shared = length
      const head = chain.slice(0, length)
      base = { stream: earlier, bytes: rawBytesOf(head), lines: head.reduce((sum, { chunk: [, , , , lines] }) => sum + lines, 0) }
    }
    streams.push({ ...(base === undefined ? {} : { base }), segments: [], open: chain.slice(shared).map(({ chunk }) => chunk) })
  }
  return streams
}

function endOf({ firstByte, chunk: [, , , rawBytes] }: PlacedChunk): number {
  return firstByte + rawBytes
}

function rawBytesOf(chunks: readonly PlacedChunk[]): number {
  return chunks.reduce((sum, { chunk: [, , , rawBytes] }) => sum + rawBytes, 0)
}

function unlikeliness(candidate: PlacedChunk, stream: number): number {
  if (candidate.stream <= stream) return stream - candidate.stream
  return 1_000_000 + candidate.stream
}

/** How far any chain goes, up to what is needed. */
function furthest(byFirstByte: ReadonlyMap<number, readonly PlacedChunk[]>, needed: number): number {
  const seen = new Set<number>([0])
  const todo = [0]
  let most = 0
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    most = Math.max(most, at)
    if (at >= needed) continue
    for (const candidate of byFirstByte.get(at) ?? []) {
      const end = endOf(candidate)
      if (end > at && !seen.has(end)) {
        seen.add(end)
        todo.push(end)
      }
    }
  }
  return Math.min(most, needed)
}

/** The bytes from which a chain leads to `goal`. */
function reachable(byFirstByte: ReadonlyMap<number, readonly PlacedChunk[]>, goal: number): ReadonlySet<number> {
  const leads = new Set<number>()
  for (const at of [...byFirstByte.keys()].sort((one, other) => other - one)) {
    const ends = (byFirstByte.get(at) ?? []).map(endOf)
    if (ends.some((end) => end >= goal || (end > at && leads.has(end)))) leads.add(at)
  }
  return leads
}

function sharedLength(one: readonly PlacedChunk[], other: readonly PlacedChunk[]): number {
  let length = 0
  while (length < one.length && length < other.length && one[length] === other[length]) length += 1
  return length
}
