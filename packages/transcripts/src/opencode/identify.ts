import { type AbortOptions, CheckpointError, type SessionIdentity, type Transcript } from '@palimpsest/core'
import { asName } from '../json-fields.ts'
import { readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { sessionValue } from './entries.ts'
import { lineageIn } from './lineage.ts'
import { parseRow, type Row } from './row.ts'

/** Whether a file begins as a snapshot of an OpenCode session, or as a document that one was branched into. */
export function isOpenCodeSession(head: Uint8Array): boolean {
  for (let start = 0; start < head.length; ) {
    const feed = head.indexOf(0x0a, start)
    const parsed = parseRow(head.subarray(start, feed === -1 ? head.length : feed))
    if (!('problem' in parsed)) return parsed.row !== undefined && isSession(parsed.row)
    if (feed === -1) return false
    start = feed + 1
  }
  return false
}

/**
 * The session by its header, which must be the first line that parses. The key is the session's id. A child session is one of its own; only a
 * branch has a parent. Throws `TRANSCRIPT_UNRECOGNISED`.
 */
export async function identifySession(transcript: Transcript, options: AbortOptions = {}): Promise<SessionIdentity> {
  const header = await headerIn(transcript, options)
  if (header === undefined) throw unrecognised(transcript.path)
  const cwd = asName(header.columns['directory']) ?? asName((await sessionValue(transcript, options))?.['directory'])
  const lineage = await lineageIn(transcript, options)
  return {
    sessionKey: header.id,
    sessionId: header.id,
    ...(cwd === undefined ? {} : { cwd }),
    ...(lineage === undefined || lineage.sessionId === header.id ? {} : { parent: { sessionId: lineage.sessionId } }),
  }
}

/** What is thrown where a transcript has no header. */
export function unrecognised(path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${path ?? 'The transcript'} is no session of OpenCode: it does not begin with one. Name a session as <database>#<session id>.`,
    path === undefined ? {} : { path },
  )
}

async function headerIn(transcript: Transcript, options: AbortOptions): Promise<Extract<Row, { type: 'session' }> | undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return undefined
  for await (const { bytes } of readLines(source, { part: 'main', signal: options.signal })) {
    const parsed = parseRow(bytes)
    if ('problem' in parsed) continue
    return parsed.row !== undefined && isSession(parsed.row) ? parsed.row : undefined
  }
  return undefined
}

function isSession(row: Row): row is Extract<Row, { type: 'session' }> {
  return row.type === 'session' && row.id.startsWith('ses')
}
