import { type AbortOptions, CheckpointError, type SessionIdentity, type Transcript } from '@palimpsest/core'
import { asName, asRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { readHeader } from './entries.ts'
import { baseName, checkpointCopy, type PiHeader, sessionIdOfPath } from './format.ts'

/** The session by its header; the key is the header's id. Throws `TRANSCRIPT_UNRECOGNISED` when no header is the first line that parses. */
export async function identifyPi(transcript: Transcript, options?: AbortOptions): Promise<SessionIdentity> {
  const header = await requireHeader(transcript, options)
  return identityOf(header, header.sessionId)
}

/** The same, with the key under which OpenClaw's `sessions.json` names the session, where it does; of a copy the session that was copied. */
export async function identifyOpenClaw(transcript: Transcript, options?: AbortOptions): Promise<SessionIdentity> {
  const header = await requireHeader(transcript, options)
  const registry = await transcript.companion?.('sessions.json')
  const key = registry === undefined ? undefined : registeredKey(registry, header.sessionId, transcript.path)
  return identityOf(header, key ?? header.sessionId)
}

/** What is thrown where a transcript has no header. */
export function unrecognised(path: string | undefined): CheckpointError {
  const name = path === undefined ? 'The transcript' : path
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${name} is no session of pi's format: its first line that parses is not {"type":"session","id":…}. Name a session file.`,
    path === undefined ? {} : { path },
  )
}

async function requireHeader(transcript: Transcript, options?: AbortOptions): Promise<PiHeader> {
  const source = await sourceOf(transcript, 'main')
  const header = source === undefined ? undefined : await readHeader(source, options)
  if (header === undefined) throw unrecognised(transcript.path)
  return header
}

function identityOf(header: PiHeader, sessionKey: string): SessionIdentity {
  const parentId = header.parentPath === undefined ? undefined : sessionIdOfPath(header.parentPath)
  return {
    sessionKey,
    sessionId: header.sessionId,
    ...(header.cwd === undefined ? {} : { cwd: header.cwd }),
    ...(parentId === undefined || parentId === header.sessionId ? {} : { parent: { sessionId: parentId } }),
  }
}

/** `sessions.json` is `{ [key]: { sessionId, sessionFile?, … } }`. The name of the session's own file decides where several keys name one session. */
function registeredKey(registry: Uint8Array, sessionId: string, path: string | undefined): string | undefined {
  const rows = Object.entries(parseLine(registry).value ?? {})
  const name = path === undefined ? undefined : baseName(path)
  const copied = name === undefined ? undefined : checkpointCopy(name)
  const fileName = copied === undefined ? name : `${copied.sessionName}.jsonl`
  const byFile = rows.find(([, row]) => fileName !== undefined && baseName(asName(asRecord(row)?.['sessionFile']) ?? '') === fileName)
  return (byFile ?? rows.find(([, row]) => asRecord(row)?.['sessionId'] === sessionId))?.[0]
}
