import type { Chunk, Ledger, Stream } from './ledger.ts'
import { type LoadSegment, streamsOf } from './stream.ts'
import type { PartName } from './transcript.ts'

/** Up to which byte each stream of a part is needed, by the stream's place; a stream that isn't named is not needed. */
export type NeededBytes = ReadonlyMap<number, number>

/** A ledger whose streams end where nothing stands on them any more. */
export interface CutLedger {
  readonly ledger: Ledger
  readonly isCut: boolean
  /** Streams that were cut inside a segment: its remaining chunks stand open and belong into a segment of their own. */
  readonly split: readonly { readonly part: PartName; readonly stream: number }[]
}

/**
 * Takes the whole chunks off the end of every stream behind the last byte that is needed, and streams that nothing needs. What a needed stream
 * begins with is needed too. Places of streams never change; only unneeded ones at the end of a part go altogether. A part of which nothing is
 * known (`undefined`) stays as it is.
 */
export async function cutStreams(
  before: Ledger,
  needed: (part: PartName) => NeededBytes | undefined,
  loadSegment: LoadSegment,
): Promise<CutLedger> {
  const parts: Ledger['parts'] = {}
  const split: { part: PartName; stream: number }[] = []
  let isCut = false
  for (const part of Object.keys(before.parts)) {
    const streams = streamsOf(before, part)
    const wanted = needed(part)
    if (wanted === undefined) {
      parts[part] = { streams: [...streams] }
      continue
    }
    const ends = withBases(streams, wanted)
    const kept: Stream[] = []
    for (const [index, stream] of streams.entries()) {
      const cut = await cutStream(stream, ends.get(index), loadSegment)
      if (cut.isSplit) split.push({ part, stream: index })
      isCut ||= cut.stream !== stream
      kept.push(cut.stream)
    }
    for (let last = kept.length - 1; last >= 0 && !ends.has(last); last -= 1) {
      kept.pop()
      isCut = true
    }
    if (kept.length > 0) parts[part] = { streams: kept }
  }
  return { ledger: isCut ? { ...before, parts } : before, isCut, split }
}

/** What is needed, with what those streams begin with; a base always comes before the streams on it. */
function withBases(streams: readonly Stream[], wanted: NeededBytes): NeededBytes {
  const ends = new Map(wanted)
  for (let index = streams.length - 1; index >= 0; index -= 1) {
    const base = streams[index]?.base
    if (base !== undefined && ends.has(index)) ends.set(base.stream, Math.max(ends.get(base.stream) ?? 0, base.bytes))
  }
  return ends
}

async function cutStream(
  stream: Stream,
  end: number | undefined,
  loadSegment: LoadSegment,
): Promise<{ readonly stream: Stream; readonly isSplit: boolean }> {
  if (end === undefined) {
    const isEmpty = stream.base === undefined && stream.segments.length === 0 && stream.open.length === 0
    return { stream: isEmpty ? stream : { segments: [], open: [] }, isSplit: false }
  }
  let start = stream.base?.bytes ?? 0
  const segments: Stream['segments'] = []
  for (const segment of stream.segments) {
    if (start >= end) return { stream: { ...stream, segments, open: [] }, isSplit: false }
    if (start + segment.rawBytes > end) {
      const all = await loadSegment(segment.object)
      const open = startingBefore(all, start, end)
      if (open.length < all.length) return { stream: { ...stream, segments, open }, isSplit: true }
    }
    segments.push(segment)
    start += segment.rawBytes
  }
  const open = startingBefore(stream.open, start, end)
  return { stream: open.length === stream.open.length ? stream : { ...stream, open }, isSplit: false }
}

function startingBefore(chunks: readonly Chunk[], from: number, end: number): Chunk[] {
  const kept: Chunk[] = []
  let start = from
  for (const chunk of chunks) {
    if (start >= end) break
    kept.push(chunk)
    start += chunk[3]
  }
  return kept
}
