import {
  type AbortOptions,
  CheckpointError,
  type InPlace,
  type PartName,
  type RewriteOptions,
  type Transcript,
  type TranscriptSource,
} from '@palimpsest/core'
import { isSidecarName } from '../files/part-name.ts'
import { readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { identifySession, unrecognised } from './identify.ts'
import { planRewrite } from './rewrite-plan.ts'
import { lineForkedFrom, lineOfSession } from './session-line.ts'

const pieceBytes = 1 << 20
const lineFeed = Uint8Array.of(0x0a)

interface Piece {
  readonly part: PartName
  readonly bytes: Uint8Array
}

/**
 * The transcript as a new session: the lines up to the leaf with the session's id replaced, every other byte as it was; this is what the real
 * client was seen to load exactly as it was before the compaction. The first prompt says where the session was forked from, and a name is
 * appended as a `custom-title`, which moves no leaf. Sidecars follow, the id replaced in those that are `.jsonl`. Under its own id the session comes
 * out byte for byte as it is. Throws `TRANSCRIPT_MALFORMED` when no entry has the leaf's id or a sidecar's name is none that can be written.
 */
export async function* rewriteSession(transcript: Transcript, options: RewriteOptions): AsyncGenerator<Piece, void, undefined> {
  const identity = await identifySession(transcript, options)
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) throw unrecognised(transcript.path)
  const plan = await planRewrite(source, { ...options, path: transcript.path })
  const isSame = identity.sessionId === options.sessionId
  const parentId = isSame ? undefined : options.parent?.sessionId
  const change = (bytes: Uint8Array, line: number) => {
    if (isSame) return bytes
    const own = lineOfSession(bytes, { sessionId: options.sessionId, oldSessionId: identity.sessionId })
    return parentId === undefined || line !== plan.firstPromptLine ? own : (lineForkedFrom(own, parentId) ?? own)
  }
  const title = options.name === undefined ? undefined : titleLine(options.name, options.sessionId)
  yield* inPieces(
    'main',
    mainLines(source, { end: plan.end, change, title, endsLine: title !== undefined || !isSame, signal: options.signal }),
  )
  for await (const part of transcript.parts()) {
    if (part.name === 'main') continue
    if (!isSidecarName(part.name)) throw badName(part.name, transcript.path)
    const isLines = part.name.endsWith('.jsonl') && !isSame
    yield* inPieces(
      part.name,
      isLines
        ? changedLines(part.source, { end: part.source.sizeBytes, change, signal: options.signal })
        : rawBytes(part.source, 0, part.source.sizeBytes, options),
    )
  }
}

/** The file is replaced: what was appended behind the leaf has to go, and the client goes on at the last line. */
export function replaceInPlace(): InPlace {
  return { mode: 'replace' }
}

interface LineOptions extends AbortOptions {
  readonly end: number
  readonly change: (bytes: Uint8Array, line: number) => Uint8Array
}

/** The changed lines, the last one ended where another line follows or the client will append one. */
async function* mainLines(
  source: TranscriptSource,
  options: LineOptions & { readonly title: Uint8Array | undefined; readonly endsLine: boolean },
): AsyncGenerator<Uint8Array, void, undefined> {
  let isEnded = true
  for await (const bytes of changedLines(source, options)) {
    isEnded = bytes.at(-1) === lineFeed[0]
    yield bytes
  }
  if (!isEnded && options.endsLine) yield lineFeed
  if (options.title !== undefined) yield options.title
}

async function* changedLines(source: TranscriptSource, { end, change, signal }: LineOptions): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { place, bytes } of readLines(source, { part: 'main', signal })) {
    if (place.start >= end) return
    if (bytes.length === place.end - place.start) yield change(bytes, place.line)
    else yield* rawBytes(source, place.start, place.end, { signal })
  }
}

async function* rawBytes(
  source: TranscriptSource,
  start: number,
  end: number,
  options: AbortOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = start; at < end; at += pieceBytes) yield await source.read(at, Math.min(at + pieceBytes, end), { signal: options.signal })
}

/** Many small lines as pieces near 1 MiB; one empty piece where a part is empty, so that it is written. */
async function* inPieces(part: PartName, lines: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
  let piece = new Uint8Array(pieceBytes)
  let size = 0
  let isEmpty = true
  for await (const bytes of lines) {
    isEmpty = false
    if (size + bytes.length > pieceBytes && size > 0) {
      yield { part, bytes: piece.subarray(0, size) }
      piece = new Uint8Array(pieceBytes)
      size = 0
    }
    if (bytes.length > pieceBytes) {
      yield { part, bytes: bytes.slice() }
      continue
    }
    piece.set(bytes, size)
    size += bytes.length
  }
  if (size > 0 || isEmpty) yield { part, bytes: piece.subarray(0, size) }
}

function titleLine(name: string, sessionId: string): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ type: 'custom-title', customTitle: name, sessionId })}\n`)
}

function badName(part: PartName, path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    `The sidecar ${JSON.stringify(part)} can't be written back: its name must be made of names of A-Z a-z 0-9 . _ - joined by /. Take the snapshot again without it.`,
    path === undefined ? {} : { path },
  )
}
