import type { AbortOptions, InPlace, PartName, RewriteOptions, RewrittenPiece, Transcript, TranscriptSource } from '@palimpsest/core'
import { asRecord } from '../json-fields.ts'
import { jsonLine } from '../json-line.ts'
import { parseLine } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { inPieces } from '../pieces.ts'
import { changedLines, prefixEnd } from '../prefix-copy.ts'
import { copilotBatches, copilotStructure } from './entries.ts'
import { sessionStart } from './format.ts'
import { identifyCopilot } from './identify.ts'

/** Sidecars are small texts; of a larger one nobody knows what it is, and it is left out. */
const maxSidecarBytes = 16 << 20

/**
 * The events up to the leaf as a new session: the first says the new id and where the session was forked from (a field of ours, which the client
 * passes over), every other line is as it was. Of the sidecars `workspace.yaml` is given the new id and name, and only summaries of compactions
 * that the events have go with it. With `dropUnanswered` the events end before a last prompt that nobody answered. For the session's own id
 * the events are as they were. Throws `TRANSCRIPT_MALFORMED` when no entry has the leaf's id.
 */
export async function* rewriteCopilot(transcript: Transcript, options: RewriteOptions): AsyncGenerator<RewrittenPiece, void, undefined> {
  const { sessionId: oldId } = await identifyCopilot(transcript, options)
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return
  const atLeaf = await prefixEnd(copilotStructure(transcript, options), { ...options, sizeBytes: source.sizeBytes, path: transcript.path })
  const { prompt, compactions } = await eventsBefore(source, atLeaf, options)
  const end = options.dropUnanswered === true ? (prompt ?? atLeaf) : atLeaf
  const parent = options.parent?.sessionId ?? oldId
  const change = (bytes: Uint8Array) => (oldId === options.sessionId ? bytes : (restarted(bytes, options.sessionId, parent) ?? bytes))
  const lines = changedLines(source, { end, change, signal: options.signal })
  for await (const bytes of inPieces(lines, options)) yield { part: 'main', bytes }
  for await (const part of transcript.parts()) {
    if (part.name === 'main' || part.source.sizeBytes > maxSidecarBytes) continue
    const text = new TextDecoder().decode(await part.source.read(0, part.source.sizeBytes, { signal: options.signal }))
    const changed = sidecarText(part.name, text, { ...options, compactions })
    if (changed !== undefined) yield { part: part.name, bytes: new TextEncoder().encode(changed) }
  }
}

/** The events are put back by replacing their file. */
export async function inPlaceCopilot(): Promise<InPlace> {
  return { mode: 'replace' }
}

/** The first event with the new session's id; `undefined` for any other line. */
function restarted(bytes: Uint8Array, sessionId: string, parent: string): Uint8Array | undefined {
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).includes('session.start')) return undefined
  const { value } = parseLine(bytes)
  if (value === undefined || sessionStart(value) === undefined) return undefined
  return jsonLine({ ...value, data: { ...asRecord(value['data']), sessionId, forkedFrom: { sessionId: parent } } })
}

/** Where a last prompt begins to which nobody said anything, and how many compactions were applied. */
async function eventsBefore(
  source: TranscriptSource,
  end: number,
  { signal }: AbortOptions,
): Promise<{ readonly prompt: number | undefined; readonly compactions: number }> {
  let prompt: number | undefined
  let compactions = 0
  for await (const batch of copilotBatches(source, { part: 'main', signal })) {
    for (const line of batch) {
      if ('kind' in line) continue
      const { kind, role, start } = line.indexed
      if (start >= end) return { prompt, compactions }
      if (kind === 'summary') compactions++
      if (kind === 'message') prompt = role === 'user' ? (prompt ?? start) : undefined
    }
  }
  return { prompt, compactions }
}

interface SidecarOptions {
  readonly sessionId: string
  readonly name?: string | undefined
  readonly compactions: number
}

/** A sidecar as the new session has it; `undefined` for the summary of a compaction that it doesn't have. */
function sidecarText(part: PartName, text: string, options: SidecarOptions): string | undefined {
  const lines = text.split('\n')
  if (part === 'workspace.yaml') return lines.map((line) => workspaceLine(line, options)).join('\n')
  if (part === 'checkpoints/index.md') {
    return lines.filter((line) => Number(/^\| *(\d+) *\|/.exec(line)?.[1] ?? 0) <= options.compactions).join('\n')
  }
  const number = /^checkpoints\/(\d+)-/.exec(part)?.[1]
  return number === undefined || Number(number) <= options.compactions ? text : undefined
}

function workspaceLine(line: string, { sessionId, name, compactions }: SidecarOptions): string {
  switch (/^([a-z_]+):/.exec(line)?.[1]) {
    case 'id':
      return `id: ${sessionId}`
    case 'summary_count':
      return `summary_count: ${compactions}`
    case 'name':
      return name === undefined ? line : `name: ${JSON.stringify(name)}`
    default:
      return line
  }
}
