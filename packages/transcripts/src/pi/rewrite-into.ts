import type { ByteRange, RewriteOptions, RewriteSink, Transcript } from '@palimpsest/core'
import { lineEnd } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type IndexWatch, readIndexInto } from './entries.ts'
import type { PiHeader } from './format.ts'
import { unrecognised } from './identify.ts'
import type { Segment } from './pieces.ts'
import { headerLine, planOf, type RewritePlan } from './rewrite.ts'
import { straightWay } from './straight-way.ts'

const pieceBytes = 1 << 20
const lineFeed = Uint8Array.of(0x0a)

/**
 * What `rewritePi` gives, into a sink. Mostly each line hangs off the one before it, up to the leaf: so long as it does, lines are copied while they
 * are read. Only when all are known it is sure what the new session consists of: what it doesn't begin with is taken back, and what it has beyond
 * that is read again.
 */
export async function rewritePiInto(
  transcript: Transcript,
  options: RewriteOptions,
  sink: RewriteSink,
): Promise<{ readonly isWhole: boolean }> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) throw unrecognised(transcript.path)
  const { watch, copied, isWhole } = earlyCopy(sink, options, (header) => headerLine(header, transcript.path, options))
  const index = await readIndexInto(source, sink, { signal: options.signal, wellFormed: options.wellFormed, watch })
  if (index.header === undefined) throw unrecognised(transcript.path)
  const isWanted = options.dropUnanswered !== true && (options.name ?? '').trim() === ''
  if (isWanted && isWhole(source.sizeBytes)) {
    const last = await source.read(source.sizeBytes - 1, source.sizeBytes, options)
    if (last[0] !== lineFeed[0]) await sink.write(lineFeed, [])
    return { isWhole: true }
  }
  await writeMissing(sink, await planOf(index, transcript.path, options), copied(), options)
  return { isWhole: false }
}

/** Copies what is read as long as it is on the straight way from the header to the leaf. */
function earlyCopy(sink: RewriteSink, { leafId }: RewriteOptions, headerOf: (header: PiHeader) => Uint8Array) {
  const way = straightWay(leafId)
  let range: { readonly start: number; end: number } | undefined
  const write = async (bytes: Uint8Array, header: Uint8Array | undefined): Promise<void> => {
    if (header !== undefined) await sink.write(header, whole(header))
    await sink.write(bytes, [])
  }
  const watch: IndexWatch = {
    line: way.line,
    message: way.message,
    block(block) {
      const header = way.header()
      // Of a line that is too long to be held only the beginning is there.
      if (!way.goesOn() || header === undefined || block.bytes.length !== block.end - block.start) {
        way.end()
        return undefined
      }
      if (range !== undefined) {
        range.end = block.end
        return sink.write(block.bytes, [])
      }
      const headerEnd = lineEnd(block, 0)
      range = { start: block.start + headerEnd, end: block.end }
      return write(block.bytes.subarray(headerEnd), headerOf(header))
    },
  }
  return {
    watch,
    /** Which bytes of the source were copied, behind a header; nothing was written where there are none. */
    copied: (): ByteRange | undefined => range,
    /** Whether all were, and the last line is the leaf. */
    isWhole: (sizeBytes: number): boolean => range?.end === sizeBytes && way.isAtLeaf(),
  }
}

async function writeMissing(
  sink: RewriteSink,
  { header, segments, window, isUnended }: RewritePlan,
  copied: ByteRange | undefined,
  { signal }: RewriteOptions,
): Promise<void> {
  const left = segments[Symbol.iterator]()
  let segment = nextOf(left)
  if (copied === undefined) await sink.write(header, whole(header))
  else if (isRangeFrom(segment, copied.start)) {
    const kept = Math.min(segment.end, copied.end)
    await sink.cut(header.length + kept - copied.start)
    segment = { start: kept, end: segment.end }
  } else await sink.cut(header.length)
  const piece = new Uint8Array(pieceBytes)
  for (; segment !== undefined; segment = nextOf(left)) {
    signal?.throwIfAborted()
    if ('line' in segment) {
      const line = await segment.line
      await sink.write(line, whole(line))
      continue
    }
    for (let at = segment.start; at < segment.end; ) {
      const bytes = piece.subarray(0, Math.min(segment.end - at, pieceBytes))
      await window.fill(bytes, at)
      await sink.write(bytes, [])
      at += bytes.length
    }
  }
  if (isUnended) await sink.write(lineFeed, [])
}

function nextOf(segments: Iterator<Segment>): Segment | undefined {
  const next = segments.next()
  return next.done === true ? undefined : next.value
}

function isRangeFrom(segment: Segment | undefined, start: number): segment is ByteRange {
  return segment !== undefined && 'start' in segment && segment.start === start
}

function whole(bytes: Uint8Array): readonly ByteRange[] {
  return [{ start: 0, end: bytes.length }]
}
