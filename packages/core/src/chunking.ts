/** The most raw bytes of a chunk. */
export const maxChunkBytes: number = 1024 * 1024

const lineFeed = 10

/**
 * How many of the first bytes of `window` make the next chunk: all of them where they are the last of the part, else up to the last line
 * end in the second half of a full window, else the whole window. Depends on nothing but these bytes, so that appending never changes
 * chunks that were full.
 */
export function cutChunk(window: Uint8Array, isLast: boolean): number {
  if (isLast && window.byteLength <= maxChunkBytes) return window.byteLength
  const full = window.subarray(0, maxChunkBytes)
  const lineEnd = full.lastIndexOf(lineFeed) + 1
  return lineEnd >= maxChunkBytes / 2 ? lineEnd : full.byteLength
}

/** How many line feeds are in `bytes`. */
export function countLineFeeds(bytes: Uint8Array): number {
  // A buffer looks for a byte ten times as fast as any other array.
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = buffer.indexOf(lineFeed); at >= 0; at = buffer.indexOf(lineFeed, at + 1)) count += 1
  return count
}
