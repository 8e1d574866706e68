import type { AbortOptions } from '@palimpsest/core'

const pieceBytes = 256 << 10

/** Small runs of bytes put together to pieces of 256 KiB and more, large ones as they come. Nothing for nothing. */
export async function* inPieces(runs: AsyncIterable<Uint8Array>, { signal }: AbortOptions): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  for await (const run of runs) {
    signal?.throwIfAborted()
    waiting.push(run)
    waitingBytes += run.length
    if (waitingBytes < pieceBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    waitingBytes = 0
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting)
}
