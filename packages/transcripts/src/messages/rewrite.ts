import { CheckpointError, type RewriteOptions, type RewrittenPiece, type Transcript, type TranscriptSource } from '@palimpsest/core'
import { parseLine, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { inPieces } from '../pieces.ts'
import { canonicalJson } from './canonical-json.ts'
import { messageIds } from './message-id.ts'
import { headerType } from './origin.ts'
import { roleOfMessage } from './text.ts'

const pieceBytes = 1 << 20

/**
 * The messages up to a leaf under a new session id, each byte for byte; what is no message is left out. Throws `TRANSCRIPT_MALFORMED` where no
 * message has the leaf's id.
 */
export async function* rewriteMessages(transcript: Transcript, options: RewriteOptions): AsyncGenerator<RewrittenPiece, void, undefined> {
  const { sessionId, leafId, signal } = options
  const source = await sourceOf(transcript, 'main')
  const ids = messageIds()
  const kept: { readonly start: number; readonly end: number; readonly isPrompt: boolean }[] = []
  let cwd: unknown
  let found = false
  for await (const { place, bytes } of source === undefined ? [] : readLines(source, { part: 'main', signal })) {
    const { value } = parseLine(bytes)
    if (value?.['type'] === headerType) cwd = value['cwd']
    if (value === undefined || !('message' in value)) continue
    kept.push({ start: place.start, end: place.end, isPrompt: roleOfMessage(value['message']) === 'user' })
    found = ids.next(value['message'], place.line) === leafId
    if (found) break
  }
  if (source === undefined || !found) {
    throw new CheckpointError(
      'TRANSCRIPT_MALFORMED',
      `No message has the id ${leafId}, so that no history can end there. Choose the id of one.`,
      {},
    )
  }
  if (options.dropUnanswered === true) while (kept.at(-1)?.isPrompt === true) kept.pop()
  const header = canonicalJson({ type: headerType, format: 1, sessionId, cwd, from: options.parent?.sessionId }, 'options')
  for await (const bytes of inPieces(copied(source, header, kept, options), options)) yield { part: 'main', bytes }
}

/** The header and the messages, every line ended. Messages that lie behind one another are read together. */
async function* copied(
  source: TranscriptSource,
  header: string,
  kept: readonly { readonly start: number; readonly end: number }[],
  { signal }: RewriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(`${header}\n`)
  let last: number | undefined = 0x0a
  for (let from = 0, to = 1; from < kept.length; from = to++) {
    while (to < kept.length && kept[to]?.start === kept[to - 1]?.end) to++
    const end = kept[to - 1]?.end ?? 0
    for (let at = kept[from]?.start ?? end; at < end; at += pieceBytes) {
      const bytes = await source.read(at, Math.min(at + pieceBytes, end), { signal })
      last = bytes.at(-1)
      yield bytes
    }
  }
  if (last !== 0x0a) yield Buffer.from('\n')
}
