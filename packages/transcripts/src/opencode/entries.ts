import type {
  AbortOptions,
  BadLine,
  Entry,
  EntryKind,
  EntryRole,
  IndexedEntry,
  LinePlace,
  LineStart,
  Transcript,
  TranscriptSource,
} from '@palimpsest/core'
import { entriesIn, type LinesWanted, structureIn } from '../entry-batches.ts'
import { idSet } from '../id-set.ts'
import { asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { readLineBatches } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type Note, writeNote } from './note.ts'
import { boundaryMarker } from './request.ts'
import { type ParsedRow, parseRow, type Row, sessionPart } from './row.ts'
import { textOfRow, textOfUnknown, toolOfRow } from './text.ts'

/** A line with its row, where it has one. */
export interface RowLine {
  readonly indexed: IndexedEntry
  readonly row: Row | undefined
  readonly value: JsonRecord
}

/** The entries and the bad lines of a part, in file order. Nothing for a part that the transcript doesn't have. */
export function readEntries(transcript: Transcript, options: LinesWanted = {}): AsyncGenerator<Entry | BadLine, void, undefined> {
  return entriesIn(batchesOf(transcript, options), withText)
}

/** The same lines without what they say, many at a time. */
export function readStructure(
  transcript: Transcript,
  options: LinesWanted = {},
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  return structureIn(batchesOf(transcript, options))
}

/** What one line says. A line that doesn't parse has no text. */
export function entryOfLine(bytes: Uint8Array, indexed: IndexedEntry): Entry {
  const parsed = parseRow(bytes)
  return 'problem' in parsed ? { ...indexed, text: '' } : withText({ indexed, row: parsed.row, value: parsed.value })
}

/** The lines of the main part with their rows. */
export async function* rowLines(source: TranscriptSource, options: AbortOptions): AsyncGenerator<RowLine | BadLine, void, undefined> {
  for await (const batch of rowBatches(source, options)) yield* batch
}

/**
 * The same, many at a time. A part belongs to the message before it, and each entry follows on the one before: OpenCode's
 * sessions are no trees. So a read from somewhere on begins at the start all the same, and gives what lies behind `from`.
 */
export async function* rowBatches(
  source: TranscriptSource,
  options: AbortOptions & { readonly from?: LineStart | undefined; readonly undone?: Undone | undefined },
): AsyncGenerator<readonly (RowLine | BadLine)[], void, undefined> {
  const from = options.from?.start ?? 0
  const isWanted = (line: RowLine | BadLine) => ('kind' in line ? line : line.indexed).start >= from
  const place = placer(options.undone)
  const marked = boundaryMarker()
  for await (const lines of readLineBatches(source, { part: 'main', signal: options.signal })) {
    const batch: (RowLine | BadLine)[] = []
    for (const line of lines) {
      const parsed = parseRow(line.bytes)
      if ('problem' in parsed) batch.push(...marked.next({ ...line.place, kind: 'bad', message: parsed.problem }))
      else batch.push(...marked.next({ indexed: place(parsed, line.place), row: parsed.row, value: parsed.value }))
    }
    const wanted = batch.filter(isWanted)
    if (wanted.length > 0) yield wanted
  }
  const rest = marked.end().filter(isWanted)
  if (rest.length > 0) yield rest
}

/** What the user has taken back (`/undo`) and OpenCode removes at the next prompt: all from a message on, or from one of its parts. */
export interface Undone {
  readonly messageId: string
  readonly partId?: string | undefined
}

async function* batchesOf(transcript: Transcript, options: LinesWanted): AsyncGenerator<readonly (RowLine | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  if (part === 'main') {
    yield* rowBatches(source, { ...options, undone: await undoneIn(transcript, options) })
    return
  }
  for await (const lines of readLineBatches(source, { part, from: options.from, signal: options.signal })) {
    yield lines.map(({ place, bytes }): RowLine | BadLine => {
      const parsed = parseRow(bytes)
      if ('problem' in parsed) return { ...place, kind: 'bad', message: parsed.problem }
      return { indexed: { ...place, kind: 'state', id: `L${place.line}` }, row: undefined, value: parsed.value }
    })
  }
}

/** What is taken back, as the session's own row says it. */
async function undoneIn(transcript: Transcript, options: AbortOptions): Promise<Undone | undefined> {
  const session = await sessionValue(transcript, options)
  const revert = asRecord(typeof session?.['revert'] === 'string' ? jsonOf(session['revert']) : session?.['revert'])
  const messageId = asName(revert?.['messageID'])
  const partId = asName(revert?.['partID'])
  return messageId === undefined ? undefined : { messageId, ...(partId === undefined ? {} : { partId }) }
}

/** The session's own row, or what its file held; `undefined` without the sidecar. */
export async function sessionValue(transcript: Transcript, options: AbortOptions): Promise<JsonRecord | undefined> {
  const source = await sourceOf(transcript, sessionPart)
  if (source === undefined) return undefined
  const value = asRecord(jsonOf(new TextDecoder().decode(await source.read(0, source.sizeBytes, { signal: options.signal }))))
  return asRecord(value?.['session']) ?? asRecord(value?.['info'])
}

/** The value of JSON text; `undefined` where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface OpenMessage {
  readonly id: string
  readonly role: EntryRole | undefined
  readonly isSummary: boolean
}

/** Gives each parsed line its place in the session's structure. */
function placer(undone: Undone | undefined): (parsed: Exclude<ParsedRow, { problem: string }>, place: LinePlace) => IndexedEntry {
  const seen = idSet()
  let message: OpenMessage | undefined
  let previousId: string | undefined
  let isUndone = false
  return ({ row }, place) => {
    if (row?.type === 'message') message = openMessage(row)
    isUndone ||= undone !== undefined && beginsUndone(row, undone)
    const ownId = row?.id
    const id = ownId === undefined || /^L\d+$|@L\d+$/.test(ownId) ? `L${place.line}` : seen.has(ownId) ? `${ownId}@L${place.line}` : ownId
    const shape =
      row === undefined
        ? { kind: 'unknown' as const }
        : shapeOf(row, row.type === 'part' && row.messageId === message?.id ? message : undefined)
    seen.add(id)
    const isEntry = row?.type !== 'session'
    const indexed: IndexedEntry = {
      ...place,
      kind: shape.kind,
      id,
      ...(previousId === undefined || !isEntry ? {} : { parentId: previousId }),
      ...(shape.role === undefined ? {} : { role: shape.role }),
      ...(isEntry && !isUndone ? { leafId: id } : {}),
      ...(shape.note === undefined ? {} : { note: writeNote(shape.note) }),
    }
    if (isEntry) previousId = id
    return indexed
  }
}

interface Shape {
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly note?: Note | undefined
}

function shapeOf(row: Row, message: OpenMessage | undefined): Shape {
  switch (row.type) {
    case 'session':
      return { kind: 'header' }
    case 'message':
      return { kind: row.data === undefined ? 'unknown' : 'state', role: roleOf(row.data), note: messageNote(row.data) }
    case 'part':
      return partShape(row.data, message)
    default:
      return row satisfies never
  }
}

function partShape(data: JsonRecord | undefined, message: OpenMessage | undefined): Shape {
  const role = message?.role
  switch (data?.['type']) {
    case 'text':
      if (message?.isSummary === true) return { kind: 'summary', role: 'assistant' }
      return { kind: role === 'user' && data['ignored'] === true ? 'state' : 'message', role }
    case 'reasoning':
      return { kind: message?.isSummary === true ? 'state' : 'message', role, note: { is: 'beginning' } }
    case 'tool':
      return { kind: message?.isSummary === true ? 'state' : 'message', role: 'tool' }
    case 'file':
    case 'subtask':
      return { kind: 'message', role }
    case 'compaction': {
      const tailStartId = asName(data['tail_start_id'])
      return { kind: 'boundary', role: 'system', note: { is: 'request', ...(tailStartId === undefined ? {} : { tailStartId }) } }
    }
    case 'step-start':
      return { kind: 'state', role, note: { is: 'beginning' } }
    case 'step-finish':
    case 'snapshot':
    case 'patch':
    case 'agent':
    case 'retry':
      return { kind: 'state', role }
    default:
      return { kind: 'unknown', role }
  }
}

function messageNote(data: JsonRecord | undefined): Note {
  const error = asRecord(data?.['error'])
  const isSummary = data?.['summary'] === true && data['finish'] !== undefined && error === undefined
  const summarises = isSummary ? asName(data['parentID']) : undefined
  const failed = error === undefined ? undefined : error['name'] === 'MessageAbortedError' ? 'unless-cut-short' : 'always'
  return { is: 'message', ...(summarises === undefined ? {} : { summarises }), ...(failed === undefined ? {} : { failed }) }
}

function openMessage(row: Extract<Row, { type: 'message' }>): OpenMessage {
  return { id: row.id, role: roleOf(row.data), isSummary: row.data?.['role'] === 'assistant' && row.data['summary'] === true }
}

function roleOf(data: JsonRecord | undefined): EntryRole | undefined {
  const role = data?.['role']
  return role === 'user' || role === 'assistant' || role === 'system' ? role : undefined
}

function beginsUndone(row: Row | undefined, { messageId, partId }: Undone): boolean {
  if (partId !== undefined) return row?.type === 'part' && row.id === partId
  return row?.type === 'message' && row.id === messageId
}

function withText({ indexed, row, value }: RowLine): Entry {
  const tool = row === undefined ? undefined : toolOfRow(row)
  const createdAt = row === undefined || row.type === 'session' ? undefined : row.createdAt
  return {
    ...indexed,
    text: row === undefined ? textOfUnknown(value) : textOfRow(row),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}
