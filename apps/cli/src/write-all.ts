import type { Writable } from 'node:stream'

/** Nobody reads standard output any more, as when `head` has seen enough. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
}

/**
 * Writes everything and resolves once the stream has taken it over, so that a caller that waits never has more than one piece in memory.
 * Throws `ReaderGone` when the other end of the pipe is closed, and the stream's error otherwise.
 */
export function writeAll(sink: Writable, data: Uint8Array | string): Promise<void> {
  if (data.length === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => {
      if (error === undefined || error === null) resolve()
      else reject(isReaderGone(error) ? new ReaderGone('standard output was closed', { cause: error }) : error)
    }
    if (typeof data === 'string') sink.write(data, 'utf8', done)
    else sink.write(data, done)
  })
}

function isReaderGone(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
}
