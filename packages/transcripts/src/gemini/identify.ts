import { createHash } from 'node:crypto'
import { type AbortOptions, CheckpointError, type SessionIdentity, type Transcript } from '@palimpsest/core'
import { asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { parseLine, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type GeminiMessage, geminiRecord, isMetadata, isSessionContext, textOf } from './format.ts'

/** The working directory stands in what the client tells the model first, which is one of the first lines. */
const searchedLines = 16

/**
 * The session by its first line; the key is its id. A file that a resumed session left behind (a stub) has the id of the session that was
 * resumed, and so is that session. The working directory is the one of the first message's workspace directories whose hash is the project's,
 * else the first of them. The document of an
 * older client has all messages whatever was compacted (its compaction changed nothing in it but the results of tools). Throws `TRANSCRIPT_UNRECOGNISED` when the first line that parses says no session and project.
 */
export async function identifyGemini(transcript: Transcript, options: AbortOptions = {}): Promise<SessionIdentity> {
  const source = await sourceOf(transcript, 'main')
  let header: JsonRecord | undefined
  let cwd: string | undefined
  if (source !== undefined) {
    for await (const { place, bytes } of readLines(source, { part: 'main', signal: options.signal })) {
      const { value } = parseLine(bytes)
      if (value !== undefined && header === undefined && !isMetadata(value)) break
      header ??= value
      cwd = value === undefined || header === undefined ? undefined : workspaceIn(value, asString(header['projectHash']))
      if (cwd !== undefined || place.line >= searchedLines) break
    }
  }
  const sessionId = asName(header?.['sessionId'])
  if (sessionId === undefined) throw unrecognised(transcript.path)
  const parentId = asName(asRecord(header?.['forkedFrom'])?.['sessionId'])
  return {
    sessionKey: sessionId,
    sessionId,
    ...(cwd === undefined ? {} : { cwd }),
    ...(transcript.path?.endsWith('.json') === true ? { recordsNoCompactions: true } : {}),
    ...(parentId === undefined || parentId === sessionId ? {} : { parent: { sessionId: parentId } }),
  }
}

function unrecognised(path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${path ?? 'The transcript'} is no session of Gemini CLI: its first line that parses is not {"sessionId":…,"projectHash":…}. Name a file session-….jsonl in a folder chats.`,
    path === undefined ? {} : { path },
  )
}

function workspaceIn(value: JsonRecord, projectHash: string | undefined): string | undefined {
  const record = geminiRecord(value)
  const messages = record.is === 'message' ? [record.message] : record.is === 'messages' ? record.messages : []
  const folders = messages.flatMap(workspacesOf)
  return folders.find((folder) => createHash('sha256').update(folder).digest('hex') === projectHash) ?? folders[0]
}

function workspacesOf(message: GeminiMessage): readonly string[] {
  if (!isSessionContext(message)) return []
  const list = /- \*\*Workspace Directories:\*\*\n((?:[ \t]+- .+\n?)+)/.exec(textOf(message.value))?.[1] ?? ''
  return list.split('\n').flatMap((line) => /^[ \t]+- (\/.*|[A-Za-z]:[\\/].*)$/.exec(line)?.[1]?.trim() ?? [])
}
