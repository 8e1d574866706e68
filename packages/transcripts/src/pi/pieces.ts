import type { AbortOptions, ByteRange, RewrittenPiece } from '@palimpsest/core'
import type { SourceWindow } from './window.ts'

const pieceBytes = 1 << 20

/** What a new file is put together of: a range of the old one, or a whole line that is new. */
export type Segment = { readonly start: number; readonly end: number } | { readonly line: Uint8Array | Promise<Uint8Array> }

/** Segments as pieces of 1 MiB, longer only where one new line is. */
export async function* inPieces(
  segments: Iterable<Segment> | AsyncIterable<Segment>,
  window: SourceWindow,
  { signal }: AbortOptions,
): AsyncGenerator<RewrittenPiece, void, undefined> {
  let piece = emptyPiece()
  let size = 0
  let changed: ByteRange[] = []
  const flushed = (): RewrittenPiece => {
    // A small last piece doesn't hold on to a whole MiB.
    const bytes = size === piece.length ? piece : piece.slice(0, size)
    const flush: RewrittenPiece = { part: 'main', bytes, changed }
    piece = size === piece.length ? emptyPiece() : piece
    size = 0
    changed = []
    return flush
  }
  for await (const segment of segments) {
    signal?.throwIfAborted()
    if ('line' in segment) {
      const line = await segment.line
      if (size > 0 && size + line.length > pieceBytes) yield flushed()
      if (line.length > pieceBytes) {
        yield { part: 'main', bytes: line.slice(), changed: [{ start: 0, end: line.length }] }
        continue
      }
      piece.set(line, size)
      changed.push({ start: size, end: size + line.length })
      size += line.length
      continue
    }
    for (let at = segment.start; at < segment.end; ) {
      const length = Math.min(segment.end - at, pieceBytes - size)
      await window.fill(piece.subarray(size, size + length), at)
      size += length
      at += length
      if (size === pieceBytes) yield flushed()
    }
  }
  if (size > 0) yield flushed()
}

/** Not zeroed: no byte of it is given that was not set. A view on it, since cutting a buffer does not copy. */
function emptyPiece(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(pieceBytes).buffer)
}
