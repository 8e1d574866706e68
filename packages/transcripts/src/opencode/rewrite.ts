import {
  type AbortOptions,
  CheckpointError,
  type InPlace,
  type PartName,
  type RewriteOptions,
  type Transcript,
  type TranscriptSource,
} from '@palimpsest/core'
import { asCount, asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { inPieces } from '../pieces.ts'
import { rowLines, sessionValue } from './entries.ts'
import { unrecognised } from './identify.ts'
import { type DocumentRow, documentLines, sessionInfo } from './import-document.ts'
import { lineageIn } from './lineage.ts'
import { type NewIds, newIds } from './new-ids.ts'
import { readNote } from './note.ts'
import { changingPart, parseRow, type Row } from './row.ts'

/**
 * The session up to a leaf as a document for `opencode import`: new ids for it and all its rows, in the old order, and every reference between
 * rows with them. What changes in old rows is put back where it belongs; a tool result that was pruned counts as such only where the model
 * has answered since, so that it is sent what it was sent last. Rows that hold no JSON object can't be imported, and are left out. Throws
 * `TRANSCRIPT_MALFORMED` where no entry has the leaf's id.
 */
export async function* rewriteSession(
  transcript: Transcript,
  options: RewriteOptions,
): AsyncGenerator<{ readonly part: PartName; readonly bytes: Uint8Array }, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) throw unrecognised(transcript.path)
  const plan = await planOf(transcript, source, options)
  const lines = encoded(documentLines(documentRows(transcript, source, plan, options)))
  for await (const bytes of inPieces(lines, options)) yield { part: 'main', bytes }
}

/** A database is never written, and its rows have no file of their own that could be replaced. */
export function refuseInPlace(): InPlace {
  return { mode: 'refused', message: 'OpenCode keeps its sessions in a database, in which nothing is replaced.' }
}

interface Plan {
  readonly header: JsonRecord
  /** The byte behind the last line that is written. */
  readonly end: number
  /** When the last answer was begun. */
  readonly lastAnswerAt: number
  /** The prompts of compactions that lie before the leaf. */
  readonly boundaries: readonly string[]
}

async function planOf(transcript: Transcript, source: TranscriptSource, options: RewriteOptions): Promise<Plan> {
  let header: JsonRecord | undefined
  let end: number | undefined
  let messageId: string | undefined
  /** Where the prompts begin that nothing has answered. */
  let unanswered: number | undefined
  let lastAnswerAt = 0
  const boundaries: string[] = []
  for await (const line of rowLines(source, { signal: options.signal })) {
    if ('kind' in line) continue
    const { indexed, row } = line
    if (row?.type === 'session') header ??= row.columns
    if (row?.type === 'message') {
      messageId = row.id
      unanswered = row.data?.['role'] === 'user' ? (unanswered ?? indexed.start) : undefined
      if (row.data?.['role'] === 'assistant') lastAnswerAt = Math.max(lastAnswerAt, row.createdAt ?? 0)
    }
    if (readNote(indexed.note)?.is === 'request' && messageId !== undefined) boundaries.push(messageId)
    if (indexed.leafId === undefined || indexed.id !== options.leafId) continue
    end = indexed.end
    break
  }
  if (header === undefined) throw unrecognised(transcript.path)
  if (end === undefined) throw withoutLeaf(options.leafId, transcript.path)
  return { header, end: options.dropUnanswered === true ? (unanswered ?? end) : end, lastAnswerAt, boundaries }
}

async function* documentRows(
  transcript: Transcript,
  source: TranscriptSource,
  { header, end, lastAnswerAt, boundaries }: Plan,
  options: RewriteOptions,
): AsyncGenerator<DocumentRow, void, undefined> {
  const { sessionId, createdAt, signal } = options
  const ids = newIds(sessionId)
  const changes = await changesIn(transcript, lastAnswerAt, { signal })
  const older = await lineageIn(transcript, { signal })
  const lineage =
    options.parent === undefined
      ? undefined
      : { sessionId: options.parent.sessionId, boundaries: new Map(boundaries.map((id) => [ids.of(id), older?.boundaries.get(id) ?? id])) }
  const session = await sessionValue(transcript, { signal })
  yield {
    type: 'session',
    info: sessionInfo({ header, session }, { sessionId, createdAt, name: options.name?.trim() || undefined, lineage }),
  }
  let written: string | undefined
  for await (const line of rowLines(source, { signal })) {
    if ('kind' in line) continue
    if (line.indexed.start >= end) return
    const { row } = line
    if (row === undefined || row.type === 'session' || row.data === undefined) continue
    if (row.type === 'message') {
      written = row.id
      yield { type: 'message', info: messageInfo(row, row.data, changes.get(row.id), ids, sessionId) }
    } else if (row.messageId === written) {
      yield { type: 'part', part: partValue(row, row.data, changes.get(row.id), ids, sessionId) }
    }
  }
}

function messageInfo(
  row: Extract<Row, { type: 'message' }>,
  data: JsonRecord,
  change: Change | undefined,
  ids: NewIds,
  sessionId: string,
): JsonRecord {
  const parentId = asName(data['parentID'])
  return {
    ...data,
    ...(parentId === undefined ? {} : { parentID: ids.of(parentId) }),
    ...(change?.summary === undefined ? {} : { summary: change.summary }),
    id: ids.of(row.id),
    sessionID: sessionId,
  }
}

function partValue(
  row: Extract<Row, { type: 'part' }>,
  data: JsonRecord,
  change: Change | undefined,
  ids: NewIds,
  sessionId: string,
): JsonRecord {
  const tailStartId = asName(data['tail_start_id'])
  const state = asRecord(data['state'])
  return {
    ...data,
    ...(tailStartId === undefined ? {} : { tail_start_id: ids.of(tailStartId) }),
    ...(change?.compacted === undefined || state === undefined
      ? {}
      : { state: { ...state, time: { ...asRecord(state['time']), compacted: change.compacted } } }),
    id: ids.of(row.id),
    sessionID: sessionId,
    messageID: ids.of(row.messageId),
  }
}

interface Change {
  readonly summary?: JsonRecord | undefined
  readonly compacted?: number | undefined
}

/** What `changing.jsonl` says of rows, as far as it was so when the model answered last. */
async function changesIn(transcript: Transcript, lastAnswerAt: number, { signal }: AbortOptions): Promise<ReadonlyMap<string, Change>> {
  const changes = new Map<string, Change>()
  const source = await sourceOf(transcript, changingPart)
  if (source === undefined) return changes
  for await (const { bytes } of readLines(source, { part: changingPart, signal })) {
    const parsed = parseRow(bytes)
    const value = 'problem' in parsed ? undefined : parsed.value
    const id = asName(value?.['id'])
    const summary = asRecord(value?.['summary'])
    const prunedAt = asCount(value?.['compacted'])
    const compacted = prunedAt !== undefined && prunedAt <= lastAnswerAt ? prunedAt : undefined
    if (id === undefined || (summary === undefined && compacted === undefined)) continue
    changes.set(id, { ...(summary === undefined ? {} : { summary }), ...(compacted === undefined ? {} : { compacted }) })
  }
  return changes
}

async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const line of lines) yield Buffer.from(line)
}

function withoutLeaf(leafId: string, path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    `No entry of the session has the id ${leafId}, so that no session can stand there. Choose the id of one of its entries.`,
    path === undefined ? {} : { path },
  )
}
