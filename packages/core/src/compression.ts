import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { decompressLarge } from './decompressor.ts'

const compressAsync = promisify(zstdCompress)
const decompressAsync = promisify(zstdDecompress)
const largeBytes = 1024 * 1024

/** One zstd frame, made in the thread pool. */
export async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  // Told how much there is, zstd makes tables of that size instead of megabytes; a second buffer is only needed by what can't be compressed.
  const chunkSize = Math.min(Math.max(bytes.byteLength, 1024), 256 * 1024)
  return compressAsync(bytes, { chunkSize, pledgedSrcSize: bytes.byteLength, params: { [constants.ZSTD_c_compressionLevel]: 3 } })
}

/** What a frame holds, bounded by `rawBytes`: a frame that would grow beyond it is refused, as is anything that is no frame. */
export async function decompress(frame: Uint8Array, rawBytes: number): Promise<Uint8Array> {
  if (rawBytes > largeBytes / 2 && rawBytes <= largeBytes) return decompressLarge(frame, rawBytes)
  const sizeBytes = Math.max(rawBytes, 1)
  // With room for all of it a frame takes one turn in the thread pool, instead of one for each 16 KiB; with a little more, zlib sees that it
  // is done and makes no second buffer.
  return decompressAsync(frame, { maxOutputLength: sizeBytes, chunkSize: Math.max(Math.min(sizeBytes, 4 * largeBytes) + 64, 1024) })
}
