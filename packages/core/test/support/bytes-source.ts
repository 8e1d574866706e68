import type { TranscriptSource } from '../../src/transcript.ts'

/** Bytes in memory as the source of a part. */
export function bytesSource(bytes: Uint8Array): TranscriptSource {
  return { sizeBytes: bytes.byteLength, read: async (start, end) => bytes.slice(start, end) }
}
