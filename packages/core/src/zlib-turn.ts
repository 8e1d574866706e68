import type { ZstdCompress, ZstdDecompress } from 'node:zlib'

/**
 * One turn of a zlib stream that is used over and over: `begin` gives it something to do and calls `done` behind it, or `failed`. Resolves when
 * all that the stream made of it was handed over; rejects when the stream fails or is closed.
 */
export function zlibTurn(
  context: ZstdCompress | ZstdDecompress,
  begin: (done: () => void, failed: (error?: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error?: Error | null): void => reject(error ?? new Error('The stream was closed.'))
    if (context.destroyed) return void failed()
    context.once('error', failed)
    context.once('close', failed)
    const done = (): void => {
      if (context.destroyed) return void failed()
      // What was made is handed over as it comes; should some of it still wait, it is the turn of others first.
      if (context.readableLength > 0) return void setImmediate(done)
      context.off('error', failed)
      context.off('close', failed)
      resolve()
    }
    begin(done, failed)
  })
}
