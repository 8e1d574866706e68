import type {
  AbortOptions,
  BadLine,
  Entry,
  EntryKind,
  EntryRole,
  IndexedEntry,
  LinePlace,
  LineStart,
  PartName,
  Transcript,
  TranscriptSource,
} from '@palimpsest/core'
import { entriesIn, type LinesWanted, structureIn } from '../entry-batches.ts'
import { unusedId } from '../entry-id.ts'
import { type IdSet, idSet } from '../id-set.ts'
import { asName, asTime, type JsonRecord } from '../json-fields.ts'
import { parseLine, readLineBatches } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { compactionAttempt, isBeside, isSubAgent, sessionStart, typeOf } from './format.ts'
import { eventText, eventTool } from './text.ts'

/** The entries and the bad lines of the events, in file order. Nothing for a part that the transcript doesn't have. */
export function copilotEntries(transcript: Transcript, options: LinesWanted): AsyncGenerator<Entry | BadLine, void, undefined> {
  return entriesIn(batchesOf(transcript, options), ({ indexed, value }) => withText(indexed, value))
}

/** The same lines without what they say, many at a time. */
export function copilotStructure(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  return structureIn(batchesOf(transcript, options))
}

/** What one line says. A line that doesn't parse has no text, and one of a part that holds no events is its own. */
export function copilotEntry(line: Uint8Array, indexed: IndexedEntry): Entry {
  if (!hasEvents(indexed.part)) return { ...indexed, text: new TextDecoder().decode(line).replace(/\r?\n$/, '') }
  return withText(indexed, parseLine(line).value ?? {})
}

/** An event with its place in the session's structure. */
export interface CopilotLine {
  readonly indexed: IndexedEntry
  readonly value: JsonRecord
}

/** The lines of the events with their structure, many at a time. With `from`, ids that stand before it are not known to be taken. */
export async function* copilotBatches(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<readonly (CopilotLine | BadLine)[], void, undefined> {
  const taken = idSet()
  for await (const lines of readLineBatches(source, options)) {
    yield lines.map(({ place, bytes }) => {
      const { value, problem } = parseLine(bytes)
      return problem === undefined ? { indexed: structureOf(value, place, taken), value } : { ...place, kind: 'bad', message: problem }
    })
  }
}

async function* batchesOf(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (CopilotLine | Entry | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  if (hasEvents(part)) yield* copilotBatches(source, { ...options, part })
  else yield* textLines(source, { ...options, part })
}

/** `workspace.yaml` and the summaries beside the events are text. */
function hasEvents(part: PartName): boolean {
  return part === 'main' || part.endsWith('.jsonl')
}

async function* textLines(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<readonly Entry[], void, undefined> {
  for await (const lines of readLineBatches(source, options)) {
    yield lines.map(({ place, bytes }) => copilotEntry(bytes, { ...place, kind: 'unknown', id: `L${place.line}` }))
  }
}

/**
 * The place of an event. Any event of the session's own chain moves the leaf to itself, since the next one names it as its parent. A sub-agent's
 * message is no message of the session.
 */
function structureOf(value: JsonRecord, place: LinePlace, taken: IdSet): IndexedEntry {
  const type = typeOf(value)
  const id = unusedId(asName(value['id']), place.line, taken)
  const isHeader = sessionStart(value) !== undefined
  const parentId = isHeader ? undefined : asName(value['parentId'])
  const role = roleOf(type)
  const attempt = compactionAttempt(value)
  return {
    ...place,
    kind: isHeader ? 'header' : kindOf(value, type, attempt?.is),
    id,
    ...(parentId === undefined ? {} : { parentId }),
    ...(role === undefined ? {} : { role }),
    ...(isHeader || isBeside(type) || asName(value['id']) === undefined ? {} : { leafId: id }),
    ...(attempt === undefined ? {} : { note: `${attempt.is} ${attempt.id}` }),
  }
}

function kindOf(value: JsonRecord, type: string | undefined, attempt: 'begun' | 'applied' | undefined): EntryKind {
  if (attempt === 'applied') return 'summary'
  switch (type) {
    case 'user.message':
    case 'assistant.message':
    case 'tool.execution_complete':
    case 'system.notification':
    case 'skill.context_delivered':
      return isSubAgent(value) ? 'state' : 'message'
    case 'session.context_cleared':
      return 'boundary'
    case undefined:
      return 'unknown'
    default:
      return stateTypes.test(type) ? 'state' : 'unknown'
  }
}

/** System messages are among them: the client sends the newest alone, ahead of the context. */
const stateTypes = /^(?:session|system|assistant|tool|hook|model|subagent|skill|permission|abort|user)(?:\.|$)/

function roleOf(type: string | undefined): EntryRole | undefined {
  switch (type) {
    case 'user.message':
      return 'user'
    case 'assistant.message':
      return 'assistant'
    case 'tool.execution_complete':
      return 'tool'
    case 'system.message':
    case 'system.notification':
    case 'skill.context_delivered':
    case 'session.compaction_complete':
    case 'session.context_cleared':
      return 'system'
    default:
      return undefined
  }
}

function withText(indexed: IndexedEntry, value: JsonRecord): Entry {
  const tool = eventTool(value)
  const createdAt = asTime(value['timestamp'])
  return {
    ...indexed,
    text: eventText(value),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}
