import type { InPlace, RewriteOptions, RewrittenPiece, Transcript, TranscriptSource } from '@palimpsest/core'
import { asRecord } from '../json-fields.ts'
import { jsonLine } from '../json-line.ts'
import { parseLine } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { inPieces } from '../pieces.ts'
import { changedLines, prefixEnd } from '../prefix-copy.ts'
import { geminiBatches, geminiStructure } from './entries.ts'
import { type GeminiMessage, geminiRecord, isForModel, isMetadata, isSessionContext, responsesOf } from './format.ts'
import { identifyGemini } from './identify.ts'

/**
 * The log up to the leaf as a new session: the lines that say the session's id say the new one, the first says where it was forked from (a field
 * of ours, which the client keeps and passes over), every other line is as it was. So the client replays what it would have replayed then. A
 * name is its `summary`. With `dropUnanswered` a line behind them takes a last prompt back. For the session's own id all bytes are as they were.
 * Logs of sub-agents are left out: the client doesn't read them when it resumes. Throws `TRANSCRIPT_MALFORMED` when no entry has the leaf's id.
 */
export async function* rewriteGemini(transcript: Transcript, options: RewriteOptions): AsyncGenerator<RewrittenPiece, void, undefined> {
  const { sessionId: oldId } = await identifyGemini(transcript, options)
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return
  const end = await prefixEnd(geminiStructure(transcript, options), { ...options, sizeBytes: source.sizeBytes, path: transcript.path })
  for await (const bytes of inPieces(copiedLines(source, { ...options, oldId, end }), options)) yield { part: 'main', bytes }
}

/** A log is put back by replacing the file: a list appended to it would look like one more compaction. The document of an older client is not. */
export async function inPlaceGemini({ path }: Transcript): Promise<InPlace> {
  if (path?.endsWith('.json') !== true) return { mode: 'replace' }
  return { mode: 'refused', message: `${path} is the one document of an older Gemini CLI, and what is kept of it is a log.` }
}

type CopyOptions = RewriteOptions & { readonly oldId: string; readonly end: number }

async function* copiedLines(source: TranscriptSource, options: CopyOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { oldId, sessionId, end, signal } = options
  let isFirst = true
  const change = (bytes: Uint8Array): Uint8Array => {
    if (oldId === sessionId) return bytes
    const changed = withSessionId(bytes, options, isFirst)
    if (changed === undefined) return bytes
    isFirst = false
    return changed
  }
  yield* changedLines(source, { end, change, signal })
  const name = options.name?.trim()
  if (name !== undefined && name !== '') yield jsonLine({ $set: { summary: name } })
  const prompt = options.dropUnanswered === true ? await unansweredPrompt(source, options) : undefined
  if (prompt !== undefined) yield jsonLine({ $rewindTo: prompt })
}

/** A line that names the session, with the new id; `undefined` for any other. */
function withSessionId(bytes: Uint8Array, { sessionId, oldId, parent }: CopyOptions, isFirst: boolean): Uint8Array | undefined {
  // A message says no session, and most of a log are messages.
  if (bytes[0] === 0x7b && Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 6)).toString('latin1') === '{"id":') {
    return undefined
  }
  const { value } = parseLine(bytes)
  if (value === undefined) return undefined
  if (isMetadata(value)) {
    const forkedFrom = { sessionId: parent?.sessionId ?? oldId }
    return jsonLine(isFirst ? { ...value, sessionId, forkedFrom } : { ...value, sessionId })
  }
  const update = value['id'] === undefined ? asRecord(value['$set']) : undefined
  return update?.['sessionId'] === undefined ? undefined : jsonLine({ ...value, $set: { ...update, sessionId } })
}

/** The id of the first of the prompts at the end of the list that were not answered. */
async function unansweredPrompt(source: TranscriptSource, { end, signal }: CopyOptions): Promise<string | undefined> {
  let prompt: string | undefined
  for await (const batch of geminiBatches(source, { part: 'main', signal })) {
    for (const line of batch) {
      if ('kind' in line) continue
      if (line.indexed.start >= end) return prompt
      const record = geminiRecord(line.value)
      if (record.is === 'message') prompt = promptAfter(prompt, record.message)
      else if (record.is === 'rewind') prompt = undefined
      else if (record.is === 'messages') prompt = record.messages.reduce(promptAfter, undefined)
    }
  }
  return prompt
}

function promptAfter(prompt: string | undefined, message: GeminiMessage): string | undefined {
  if (!isForModel(message)) return prompt
  if (message.value['type'] !== 'user' || responsesOf(message.value).length > 0) return undefined
  return prompt ?? (isSessionContext(message) ? undefined : message.id)
}
