import { type AbortOptions, CheckpointError, type SessionIdentity, type Transcript, type TranscriptSource } from '@palimpsest/core'
import { asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { parseLine, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { isClaudeCodeLine } from './line-shape.ts'

const endBytes = 256 << 10
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * The session: key and id are the file's name where that is a UUID, else the last `sessionId` in the lines. `cwd` is that of the last line that is
 * not a sub-agent's: a session may move. The parent is the session that `forkedFrom` names. Of a large file the first and last 256 KiB are
 * read, and all of it only where those don't say enough. Throws `TRANSCRIPT_UNRECOGNISED` when no line is one that Claude Code writes.
 */
export async function identifySession(transcript: Transcript, options: AbortOptions = {}): Promise<SessionIdentity> {
  const source = await sourceOf(transcript, 'main')
  const named = sessionIdInPath(transcript.path)
  const found = source === undefined ? nothingFound() : await readEnds(source, options)
  if (source !== undefined && !isEnough(found, named))
    for await (const { bytes } of readLines(source, { part: 'main', signal: options.signal })) note(found, bytes)
  const sessionId = named ?? found.sessionId
  if (!found.isRecognised || sessionId === undefined) throw unrecognised(transcript.path)
  return {
    sessionKey: sessionId,
    sessionId,
    ...(found.cwd === undefined ? {} : { cwd: found.cwd }),
    ...(found.parentId === undefined || found.parentId === sessionId ? {} : { parent: { sessionId: found.parentId } }),
  }
}

/** What is thrown where no line is one of Claude Code's. */
export function unrecognised(path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${path ?? 'The transcript'} is no session of Claude Code: none of its lines is one that it writes. Name a file <session>.jsonl below its projects folder.`,
    path === undefined ? {} : { path },
  )
}

interface Found {
  isRecognised: boolean
  sessionId: string | undefined
  cwd: string | undefined
  parentId: string | undefined
}

function nothingFound(): Found {
  return { isRecognised: false, sessionId: undefined, cwd: undefined, parentId: undefined }
}

function isEnough(found: Found, named: string | undefined): boolean {
  return found.isRecognised && found.cwd !== undefined && (named ?? found.sessionId) !== undefined
}

/** What the whole lines in the first and the last bytes say; what comes later counts, but for the parent, which the first lines name. */
async function readEnds(source: TranscriptSource, options: AbortOptions): Promise<Found> {
  const found = nothingFound()
  const size = source.sizeBytes
  const head = await source.read(0, Math.min(endBytes, size), { signal: options.signal })
  for (const line of linesIn(head, size <= endBytes)) note(found, line)
  if (size <= endBytes) return found
  const { parentId } = found
  const atEnd = { ...nothingFound(), isRecognised: found.isRecognised, parentId }
  const tail = await source.read(Math.max(endBytes, size - endBytes), size, { signal: options.signal })
  const firstFeed = tail.indexOf(0x0a)
  if (firstFeed !== -1) for (const line of linesIn(tail.subarray(firstFeed + 1), true)) note(atEnd, line)
  return atEnd
}

function linesIn(bytes: Uint8Array, withLast: boolean): Uint8Array[] {
  const lines: Uint8Array[] = []
  let start = 0
  for (let feed = bytes.indexOf(0x0a); feed !== -1; feed = bytes.indexOf(0x0a, start)) {
    lines.push(bytes.subarray(start, feed))
    start = feed + 1
  }
  if (withLast && start < bytes.length) lines.push(bytes.subarray(start))
  return lines
}

function note(found: Found, bytes: Uint8Array): void {
  const { value } = parseLine(bytes)
  if (value === undefined) return
  found.isRecognised ||= isClaudeCodeLine(value)
  if (!isClaudeCodeLine(value)) return
  found.sessionId = asName(value['sessionId']) ?? found.sessionId
  found.parentId ??= parentOf(value)
  if (value['isSidechain'] !== true) found.cwd = asName(value['cwd']) ?? found.cwd
}

function parentOf(value: JsonRecord): string | undefined {
  return asName(asRecord(value['forkedFrom'])?.['sessionId'])
}

function sessionIdInPath(path: string | undefined): string | undefined {
  const name = path
    ?.split(/[\\/]/)
    .pop()
    ?.replace(/\.jsonl$/, '')
  return name !== undefined && uuidPattern.test(name) ? name : undefined
}
