import type { Environment } from './environment.ts'
import type { Chunk, Ledger, Stream } from './ledger.ts'
import { writeDocument } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { segmentChunks } from './stream.ts'

/** Stores at most 256 chunks as a segment. */
export async function writeSegment(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  chunks: readonly Chunk[],
  options: AbortOptions,
): Promise<Stream['segments'][number]> {
  const object = await writeDocument(environment, ledger, name, 'segment', chunks, options)
  return {
    object,
    chunks: chunks.length,
    rawBytes: chunks.reduce((sum, [, , , rawBytes]) => sum + rawBytes, 0),
    storedBytes: chunks.reduce((sum, [, , storedBytes]) => sum + storedBytes, 0),
    lines: chunks.reduce((sum, [, , , , lineFeeds]) => sum + lineFeeds, 0),
  }
}

/** The stream with its open chunks moved into segments. */
export async function sealedStream(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  stream: Stream,
  options: AbortOptions,
): Promise<Stream> {
  const segments = [...stream.segments]
  for (let at = 0; at < stream.open.length; at += segmentChunks) {
    segments.push(await writeSegment(environment, name, ledger, stream.open.slice(at, at + segmentChunks), options))
  }
  return { ...stream, segments, open: [] }
}
