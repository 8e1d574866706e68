import type { AbortOptions, InPlace, PartName, RewriteOptions, Transcript, TranscriptSource } from '@palimpsest/core'
import { asRecord, type JsonRecord } from '../json-fields.ts'
import { jsonLine } from '../json-line.ts'
import { readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { inPieces } from '../pieces.ts'
import { unrecognised } from './identify.ts'
import { planRewrite, type RewritePlan } from './rewrite-plan.ts'
import { type RolloutLine, tokenCount } from './rollout-line.ts'

const pieceBytes = 1 << 20

/**
 * The rollout as a new session that stands at the leaf: its lines byte for byte but for the session's id, a header that names the session which it
 * was forked from, and at the end what makes Codex go on there: an end for a turn that was cut off, and a count of no tokens, without which Codex
 * compacts before its first answer. A chain of rollouts becomes one. A name can't be given: Codex keeps those elsewhere.
 *
 * Under its own id a rollout that is at rest comes out byte for byte, so that a restore can be undone.
 */
export async function* rewriteCodex(
  transcript: Transcript,
  options: RewriteOptions,
): AsyncGenerator<{ readonly part: PartName; readonly bytes: Uint8Array }, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  const plan = source === undefined ? undefined : await planRewrite(source, { ...options, path: transcript.path })
  if (source === undefined || plan === undefined) throw unrecognised(transcript.path)
  const isSame = plan.sessionIds.size === 1 && plan.sessionIds.has(options.sessionId)
  const isAsItIs = isSame && plan.isAtRest && !plan.isChain && plan.end === source.sizeBytes
  const lines = isAsItIs ? rawBytes(source, 0, plan.end, options) : newLines(source, plan, isSame, options)
  for await (const bytes of inPieces(lines, options)) yield { part: 'main', bytes }
}

/** The file is replaced; one that is compressed is not, since what would be written is the plain lines. */
export async function inPlaceCodex(current: Transcript): Promise<InPlace> {
  if (current.path?.endsWith('.zst') !== true) return { mode: 'replace' }
  return { mode: 'refused', message: `${current.path} is compressed, and is not replaced.` }
}

async function* newLines(
  source: TranscriptSource,
  plan: RewritePlan,
  isSame: boolean,
  options: RewriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const rename = isSame ? undefined : renaming(plan.sessionIds, options.sessionId)
  let isEnded = true
  for await (const { place, bytes } of readLines(source, { part: 'main', signal: options.signal })) {
    if (place.start >= plan.end) break
    if (plan.droppedLines.has(place.line)) continue
    if (place.line === plan.headerLine && (!isSame || plan.isChain)) yield jsonLine(newHeader(plan, options))
    // Of a line over the limit only the beginning is there.
    else if (bytes.length < place.end - place.start) yield* rawBytes(source, place.start, place.end, options)
    else yield rename?.(bytes) ?? bytes
    isEnded = bytes.at(-1) === 0x0a || place.line === plan.headerLine
  }
  if (!isEnded) yield new TextEncoder().encode('\n')
  for (const line of closingLines(plan)) yield jsonLine(line)
}

/** The header of the new session. What says where a rollout goes on from another one is left out, since the lines are all here. */
function newHeader({ header, sessionIds }: RewritePlan, options: RewriteOptions): object {
  const { id, history_base: _base, forked_from_ordinal_exclusive: _from, forked_from_id: oldParent, ...rest } = header.payload
  const parentId = sessionIds.has(options.sessionId) ? oldParent : (options.parent?.sessionId ?? id)
  const payload = {
    ...('session_id' in rest ? { session_id: options.sessionId } : {}),
    id: options.sessionId,
    ...(parentId === undefined ? {} : { forked_from_id: parentId }),
  }
  return lineOf(header, header.timestamp, header.ordinal, { ...payload, ...rest, ...payload })
}

function closingLines({ openTurnId, lastCount, lastTimestamp, lastOrdinal }: RewritePlan): readonly object[] {
  const payloads: JsonRecord[] = []
  if (openTurnId !== undefined) payloads.push({ type: 'task_complete', turn_id: openTurnId, last_agent_message: null })
  if (lastCount !== undefined && tokenCount(lastCount)?.totalTokens !== 0) payloads.push(withoutTokens(lastCount.payload))
  const event = { type: 'event_msg' }
  return payloads.map((payload, at) => lineOf(event, lastTimestamp, lastOrdinal === undefined ? undefined : lastOrdinal + 1 + at, payload))
}

function withoutTokens(payload: JsonRecord): JsonRecord {
  const info = asRecord(payload['info']) ?? {}
  const usage = asRecord(info['last_token_usage']) ?? {}
  const zeroed = Object.fromEntries(Object.entries(usage).map(([name, count]) => [name, typeof count === 'number' ? 0 : count]))
  return { ...payload, info: { ...info, last_token_usage: zeroed } }
}

function lineOf(
  { type }: Pick<RolloutLine, 'type'>,
  timestamp: string | undefined,
  ordinal: number | undefined,
  payload: JsonRecord,
): object {
  return { timestamp, ...(ordinal === undefined ? {} : { ordinal }), type, payload }
}

/** Changes the session's id in lines that name it. Within a text the quotes would be escaped, so that no text can be meant. */
function renaming(oldIds: ReadonlySet<string>, newId: string): (bytes: Uint8Array) => Uint8Array | undefined {
  const changes = [...oldIds].flatMap((oldId) =>
    ['thread_id', 'session_id'].map((field) => ({
      from: `"${field}":${JSON.stringify(oldId)}`,
      to: `"${field}":${JSON.stringify(newId)}`,
    })),
  )
  return (bytes) => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const wanted = changes.filter(({ from }) => buffer.includes(from))
    if (wanted.length === 0) return undefined
    // Latin 1 takes every byte for a character and back again.
    return Buffer.from(
      wanted.reduce((text, { from, to }) => text.replaceAll(from, () => to), buffer.toString('latin1')),
      'latin1',
    )
  }
}

async function* rawBytes(
  source: TranscriptSource,
  start: number,
  end: number,
  { signal }: AbortOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = start; at < end; at += pieceBytes) yield await source.read(at, Math.min(at + pieceBytes, end), { signal })
}
