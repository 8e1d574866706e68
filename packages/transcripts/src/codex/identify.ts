import { type AbortOptions, CheckpointError, type SessionIdentity, type Transcript, type TranscriptSource } from '@palimpsest/core'
import { parseLine, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { rolloutLine, type SessionMeta, sessionMeta } from './rollout-line.ts'
import { rolloutName } from './rollout-name.ts'

/**
 * The session by the first `session_meta`, which must be the first line that parses; a later one is that of a session which was copied into this
 * one. Where the file goes on from another rollout (`history_base`), whose bytes then come first, it is the one that the file's name means.
 * Throws `TRANSCRIPT_UNRECOGNISED`.
 */
export async function identifyCodex(transcript: Transcript, options: AbortOptions = {}): Promise<SessionIdentity> {
  const source = await sourceOf(transcript, 'main')
  const first = source === undefined ? undefined : await firstMeta(source, options)
  if (source === undefined || first === undefined) throw unrecognised(transcript.path)
  const named = transcript.path === undefined ? undefined : rolloutName(transcript.path)?.sessionId
  const joined = named === undefined || named === first.sessionId ? undefined : await joinedMeta(source, named, options)
  const { sessionId, cwd, forkedFromId } = joined ?? first
  return {
    sessionKey: sessionId,
    sessionId,
    ...(cwd === undefined ? {} : { cwd }),
    ...(forkedFromId === undefined || forkedFromId === sessionId ? {} : { parent: { sessionId: forkedFromId } }),
  }
}

/** What is thrown where a transcript is no rollout. */
export function unrecognised(path: string | undefined): CheckpointError {
  const name = path ?? 'The transcript'
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${name} is no session of Codex: its first line that parses is no session_meta with an id. Name a rollout-….jsonl below its sessions folder.`,
    path === undefined ? {} : { path },
  )
}

async function firstMeta(source: TranscriptSource, { signal }: AbortOptions): Promise<SessionMeta | undefined> {
  for await (const { bytes } of readLines(source, { part: 'main', signal })) {
    const { value } = parseLine(bytes)
    if (value !== undefined) return sessionMeta(rolloutLine(value))
  }
  return undefined
}

/** The line at which the rollout of a session goes on from what is before it. */
async function joinedMeta(source: TranscriptSource, sessionId: string, { signal }: AbortOptions): Promise<SessionMeta | undefined> {
  for await (const { bytes } of readLines(source, { part: 'main', signal })) {
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (!line.includes('"session_meta"') || !line.includes(sessionId)) continue
    const { value } = parseLine(bytes)
    const meta = value === undefined ? undefined : sessionMeta(rolloutLine(value))
    if (meta?.sessionId === sessionId && meta.base !== undefined) return meta
  }
  return undefined
}
