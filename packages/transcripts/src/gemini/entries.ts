import type {
  AbortOptions,
  BadLine,
  Entry,
  EntryKind,
  EntryStep,
  IndexedEntry,
  LinePlace,
  LineStart,
  PartName,
  Transcript,
  TranscriptSource,
} from '@palimpsest/core'
import { unusedId } from '../entry-id.ts'
import { idSet } from '../id-set.ts'
import { asRecord, asTime, type JsonRecord } from '../json-fields.ts'
import { parseLine, readLineBatches } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type GeminiMessage, type GeminiRecord, geminiRecord, isForModel, isMetadata } from './format.ts'
import { type LiveChange, liveMessages } from './live-messages.ts'
import { readNote, writeNote } from './note.ts'
import { stepsOfMessages } from './steps.ts'
import { messagesText, recordText, roleOf, toolOf } from './text.ts'

type LinesWanted = AbortOptions & { readonly part?: PartName | undefined; readonly from?: LineStart | undefined }

/** The entries and the bad lines of a part, in file order. Nothing for a part that the transcript doesn't have. */
export async function* geminiEntries(transcript: Transcript, options: LinesWanted): AsyncGenerator<Entry | BadLine, void, undefined> {
  for await (const batch of batchesOf(transcript, options)) {
    for (const line of batch) yield 'kind' in line ? line : withText(line.indexed, line.value, line.own)
  }
}

/** The same lines without what they say, many at a time. */
export async function* geminiStructure(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  for await (const batch of batchesOf(transcript, options)) yield batch.map((line) => ('kind' in line ? line : line.indexed))
}

/** What one line says. A line that doesn't parse has no text. */
export function geminiEntry(line: Uint8Array, indexed: IndexedEntry): Entry {
  const value = parseLine(line).value ?? {}
  return withText(indexed, value, ownMessages(geminiRecord(value), indexed))
}

/** What a line says and does. */
export function geminiSteps(line: Uint8Array, indexed: IndexedEntry): readonly EntryStep[] {
  return stepsOfMessages(ownMessages(geminiRecord(parseLine(line).value ?? {}), indexed))
}

/** A line with its place in the session's structure, and what it did. */
export interface GeminiLine {
  readonly indexed: IndexedEntry
  readonly value: JsonRecord
  readonly own: readonly GeminiMessage[]
  readonly change: LiveChange | undefined
}

/**
 * The lines of a part with their structure, many at a time. Whatever `from` is, the part is read from its start, since a line's meaning depends on the messages
 * before it; only lines from there on are given.
 */
export async function* geminiBatches(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<readonly (GeminiLine | BadLine)[], void, undefined> {
  const from = options.from?.start ?? 0
  const live = liveMessages()
  const taken = idSet()
  let hasHeader = false
  const lineOf = (place: LinePlace, value: JsonRecord): GeminiLine => {
    const record = geminiRecord(value)
    let id: string | undefined
    const change = live.apply(record, (own) => {
      id = unusedId(own[0]?.id, place.line, taken)
      return id
    })
    const isHeader: boolean = !hasHeader && isMetadata(value)
    hasHeader ||= isHeader
    const indexed = indexedEntry(place, id ?? unusedId(undefined, place.line, taken), kindOf(record, change, isHeader), change)
    return { indexed, value, own: change?.own ?? [], change }
  }
  for await (const lines of readLineBatches(source, { part: options.part, signal: options.signal })) {
    const batch: (GeminiLine | BadLine)[] = []
    for (const { place, bytes } of lines) {
      const { value, problem } = parseLine(bytes)
      const line: GeminiLine | BadLine = problem === undefined ? lineOf(place, value) : { ...place, kind: 'bad', message: problem }
      if (place.start >= from) batch.push(line)
    }
    if (batch.length > 0) yield batch
  }
}

async function* batchesOf(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (GeminiLine | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source !== undefined) yield* geminiBatches(source, { ...options, part })
}

function indexedEntry(place: LinePlace, id: string, kind: EntryKind, change: LiveChange | undefined): IndexedEntry {
  const role = change === undefined ? undefined : roleOf(change.own)
  const { keptEntryIds, firstKeptEntryId } = change?.compaction ?? {}
  return {
    ...place,
    kind,
    id,
    ...(change?.parentId === undefined ? {} : { parentId: change.parentId }),
    ...(role === undefined ? {} : { role }),
    ...(change === undefined ? {} : { leafId: id, note: writeNote(change.note) }),
    ...(keptEntryIds === undefined ? {} : { keeps: { keptEntryIds, ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }) } }),
  }
}

function kindOf(record: GeminiRecord, change: LiveChange | undefined, isHeader: boolean): EntryKind {
  if (change?.compaction !== undefined) return 'summary'
  if (change?.own.some(isForModel) === true) return 'message'
  if (isHeader) return 'header'
  if (record.is === 'unknown') return 'unknown'
  return change?.own.some(({ value }) => !noticeTypes.has(String(value['type']))) === true ? 'unknown' : 'state'
}

const noticeTypes: ReadonlySet<string> = new Set(['info', 'error', 'warning'])

/** The messages that an entry shows, found again by the runs of its note. */
function ownMessages(record: GeminiRecord, indexed: IndexedEntry): readonly GeminiMessage[] {
  if (record.is === 'message') return [record.message]
  const note = readNote(indexed.note)
  if (record.is !== 'messages' || note?.op !== 'list') return []
  const listed = [...new Map(record.messages.map((message) => [message.id, message])).values()]
  const isOwn = note.runs.flatMap((run) => {
    const count = run.from === 'own' ? run.count : run.last - run.first + 1
    return Array.from({ length: count }, () => run.from === 'own')
  })
  // A header's list comes behind the messages that were there.
  const own = listed.filter((_message, at) => isOwn[at + isOwn.length - listed.length] === true)
  const firstAt = own.findIndex(({ id }) => id === indexed.id || indexed.id === `${id}@L${indexed.line}`)
  return firstAt <= 0 ? own : [...own.slice(firstAt, firstAt + 1), ...own.filter((_message, at) => at !== firstAt)]
}

function withText(indexed: IndexedEntry, value: JsonRecord, own: readonly GeminiMessage[]): Entry {
  const tool = toolOf(own)
  const [first] = own
  const createdAt = asTime(first?.value['timestamp']) ?? asTime(asRecord(value['$set'])?.['lastUpdated']) ?? asTime(value['startTime'])
  return {
    ...indexed,
    text: own.length > 0 ? messagesText(own) : recordText(value),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}
