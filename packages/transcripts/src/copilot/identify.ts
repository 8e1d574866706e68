import { type AbortOptions, CheckpointError, type SessionIdentity, type Transcript } from '@palimpsest/core'
import { parseLine, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { sessionStart } from './format.ts'

/** The session by its first event; the key is its id. Throws `TRANSCRIPT_UNRECOGNISED` when the first line that parses is no `session.start`. */
export async function identifyCopilot(transcript: Transcript, options: AbortOptions = {}): Promise<SessionIdentity> {
  const source = await sourceOf(transcript, 'main')
  if (source !== undefined) {
    for await (const { bytes } of readLines(source, { part: 'main', signal: options.signal })) {
      const { value } = parseLine(bytes)
      if (value === undefined) continue
      const start = sessionStart(value)
      if (start === undefined) break
      const { sessionId, cwd, forkedFromId } = start
      return {
        sessionKey: sessionId,
        sessionId,
        ...(cwd === undefined ? {} : { cwd }),
        ...(forkedFromId === undefined || forkedFromId === sessionId ? {} : { parent: { sessionId: forkedFromId } }),
      }
    }
  }
  throw new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${transcript.path ?? 'The transcript'} is no session of Copilot CLI: its first line that parses is not {"type":"session.start",…}. Name a file events.jsonl in its folder session-state.`,
    transcript.path === undefined ? {} : { path: transcript.path },
  )
}
