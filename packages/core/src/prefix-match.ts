import { countLineFeeds } from './chunking.ts'
import { isCheckpointError } from './errors.ts'
import type { rangeDigests } from './part-bytes.ts'
import { readSegment } from './session-objects.ts'
import { readStoredChunk, type StoredSession } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import { chunksOf, type LocatedChunk, streamsOf } from './stream.ts'
import type { PartName, TranscriptSource } from './transcript.ts'

/**
 * How much of a part is stored already. `whole`: all of it, up to a position that may lie inside a chunk · `append`: a whole stream, on which
 * the rest goes · `rebase`: the first chunks of a stream, on which a new one begins · `none`: nothing.
 */
export type PrefixMatch =
  | { readonly kind: 'whole' | 'append' | 'rebase'; readonly stream: number; readonly bytes: number; readonly lines: number }
  | { readonly kind: 'none'; readonly bytes: 0; readonly lines: 0 }

/** The stream of a part that shares the longest prefix with the first `endBytes` of `source`, compared digest by digest. */
export async function longestPrefix(
  session: StoredSession,
  part: PartName,
  content: { readonly source: TranscriptSource; readonly digestOf: ReturnType<typeof rangeDigests>; readonly endBytes: number },
  options: AbortOptions,
): Promise<PrefixMatch> {
  let best: PrefixMatch = { kind: 'none', bytes: 0, lines: 0 }
  for (let stream = streamsOf(session.ledger, part).length - 1; stream >= 0; stream -= 1) {
    const match = await matchStream(session, part, stream, content, options)
    if (match.kind === 'whole') return match
    if (match.kind === 'none') continue
    if (match.bytes > best.bytes || (match.bytes === best.bytes && match.kind === 'append')) best = match
    // Nothing can share more than the newest stream that is followed to its end: where it has bytes of its own, it is where the others part.
    const isNewest = stream === streamsOf(session.ledger, part).length - 1
    if (isNewest && match.kind === 'append' && match.bytes > (streamsOf(session.ledger, part)[stream]?.base?.bytes ?? 0)) break
  }
  return best
}

async function matchStream(
  session: StoredSession,
  part: PartName,
  stream: number,
  content: { readonly source: TranscriptSource; readonly digestOf: ReturnType<typeof rangeDigests>; readonly endBytes: number },
  options: AbortOptions,
): Promise<PrefixMatch> {
  const chunks = await chunksOf(session.ledger, part, stream, (object) => readSegment(session.environment, session.name, object, options))
  let bytes = 0
  let lines = 0
  for (const chunk of chunks) {
    if (chunk.start >= content.endBytes) return { kind: 'whole', stream, bytes, lines }
    if (chunk.end > content.endBytes) return (await endsInside(session, stream, chunk, content, options)) ?? rebased(stream, bytes, lines)
    if ((await content.digestOf(chunk.start, chunk.end, options)) !== chunk.digest) return rebased(stream, bytes, lines)
    bytes = chunk.end
    lines += chunk.lines
  }
  return { kind: bytes === content.endBytes && bytes > 0 ? 'whole' : 'append', stream, bytes, lines }
}

/** The part ends inside a stored chunk: that chunk is verified and compared byte by byte. On a damaged one nothing can stand. */
async function endsInside(
  session: StoredSession,
  stream: number,
  chunk: LocatedChunk,
  content: { readonly source: TranscriptSource; readonly endBytes: number },
  options: AbortOptions,
): Promise<PrefixMatch | undefined> {
  const whole = await readStoredChunk(session, chunk, options).catch((error: unknown) => {
    if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
  })
  if (whole === undefined) return undefined
  const stored = whole.subarray(0, content.endBytes - chunk.start)
  const here = await content.source.read(chunk.start, content.endBytes, options)
  if (Buffer.compare(stored, here) !== 0) return undefined
  return { kind: 'whole', stream, bytes: content.endBytes, lines: chunk.linesBefore + countLineFeeds(stored) }
}

function rebased(stream: number, bytes: number, lines: number): PrefixMatch {
  return bytes === 0 ? { kind: 'none', bytes: 0, lines: 0 } : { kind: 'rebase', stream, bytes, lines }
}
