import type { AbortOptions } from '@palimpsest/core'

const pieceBytes = 1 << 20

/**
 * Runs of bytes as pieces of 1 MiB, the last one shorter, each the caller's own. A run may be a view that is good until the next one is asked for.
 * Nothing for nothing.
 */
export async function* inPieces(runs: AsyncIterable<Uint8Array>, { signal }: AbortOptions): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = new Uint8Array(pieceBytes)
  let size = 0
  for await (const run of runs) {
    signal?.throwIfAborted()
    for (let at = 0; at < run.length; ) {
      const length = Math.min(run.length - at, pieceBytes - size)
      piece.set(run.subarray(at, at + length), size)
      size += length
      at += length
      if (size < pieceBytes) continue
      yield piece
      piece = new Uint8Array(pieceBytes)
      size = 0
    }
  }
  if (size > 0) yield piece.slice(0, size)
}
