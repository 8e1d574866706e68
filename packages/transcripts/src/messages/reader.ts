import { join, resolve } from 'node:path'
import {
  type AbortOptions,
  type BadLine,
  CheckpointError,
  type Context,
  type Entry,
  type EntryIndex,
  type IndexedEntry,
  type LinePlace,
  type LineStart,
  type PartName,
  type Placement,
  type PlaceOptions,
  positionsWhere,
  type SessionIdentity,
  type Transcript,
  type TranscriptReader,
} from '@palimpsest/core'
import { asName, type JsonRecord } from '../json-fields.ts'
import { keptOf } from '../kept-by-name.ts'
import { parseLine, readLineBatches, readLines } from '../lines.ts'
import { pathTo } from '../parent-path.ts'
import { sourceOf } from '../part-source.ts'
import { type MessageIds, messageIds } from './message-id.ts'
import { headerType } from './origin.ts'
import { rewriteMessages } from './rewrite.ts'
import { stepsOfMessage } from './steps.ts'
import { roleOfMessage, textOfMessage, toolOfMessage } from './text.ts'

/**
 * The reader of histories that programs hold as arrays of messages (`messagesTranscript`). Every message is in the context, in its order. It
 * finds no compactions: where a history shrinks, its program has compacted it, and has captured before. A branch is a file that `messagesIn`
 * reads, in `folder` where no other is named.
 */
export function messagesReader(options: { readonly folder?: string | undefined } = {}): TranscriptReader {
  return {
    agent: 'messages',
    sidecars: () => [],
    detect: (head) => headerIn(head.subarray(0, endOfLine(head))) !== undefined,
    identify,
    entries: (transcript, wanted) => readEntries(transcript, wanted ?? {}),
    structure: async function* (transcript, wanted) {
      for await (const batch of batchesOf(transcript, wanted ?? {})) yield batch.map((line) => ('kind' in line ? line : line.indexed))
    },
    entry: (line, indexed) => withText(indexed, parseLine(line).value ?? {}),
    steps: (line, indexed) => (indexed.kind === 'message' ? stepsOfMessage(parseLine(line).value?.['message']) : []),
    async *compactions() {
      // Only the program knows.
    },
    context: contextAt,
    // The program names what it keeps: as a rule the first message of it.
    kept: (index, leafId, keeps) => keptOf(index, contextAt(index, leafId).positions, keeps),
    rewrite: rewriteMessages,
    place: (wanted) => place(wanted, options.folder),
    inPlace: async () => ({
      mode: 'refused',
      message: 'The history is in the memory of its program, which can be given the messages of a branch.',
    }),
  }
}

type LinesWanted = AbortOptions & { readonly part?: PartName | undefined; readonly from?: LineStart | undefined }

/** A line that parses, with its place in the history. */
interface MessageLine {
  readonly indexed: IndexedEntry
  readonly value: JsonRecord
}

async function* readEntries(transcript: Transcript, options: LinesWanted): AsyncGenerator<Entry | BadLine, void, undefined> {
  for await (const batch of batchesOf(transcript, options)) {
    for (const line of batch) yield 'kind' in line ? line : withText(line.indexed, line.value)
  }
}

/** Lines from `from` on, many at a time. What an id is called depends on all messages before it, so that it is read from the start all the same. */
async function* batchesOf(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (MessageLine | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source === undefined) return
  const from = options.from?.start ?? 0
  const ids = messageIds()
  let previousId: string | undefined
  for await (const lines of readLineBatches(source, { part, signal: options.signal })) {
    const batch: (MessageLine | BadLine)[] = []
    for (const { place: at, bytes } of lines) {
      const { value, problem } = parseLine(bytes)
      const indexed = value === undefined ? undefined : indexedAt(at, value, previousId, ids)
      previousId = indexed?.leafId ?? previousId
      if (at.start < from) continue
      if (value === undefined || indexed === undefined) batch.push({ ...at, kind: 'bad', message: problem ?? '' })
      else batch.push({ indexed, value })
    }
    if (batch.length > 0) yield batch
  }
}

function indexedAt(at: LinePlace, value: JsonRecord, previousId: string | undefined, ids: MessageIds): IndexedEntry {
  if (value['type'] === headerType) return { ...at, kind: 'header', id: `L${at.line}` }
  const isMessage = 'message' in value
  const id = isMessage ? ids.next(value['message'], at.line) : `L${at.line}`
  const role = isMessage ? roleOfMessage(value['message']) : undefined
  return {
    ...at,
    kind: isMessage ? 'message' : 'unknown',
    id,
    ...(previousId === undefined ? {} : { parentId: previousId }),
    ...(role === undefined ? {} : { role }),
    leafId: id,
  }
}

function withText(indexed: IndexedEntry, value: JsonRecord): Entry {
  const tool = indexed.kind === 'header' ? undefined : toolOfMessage(value['message'])
  const text = indexed.kind !== 'header' && 'message' in value ? textOfMessage(value['message']) : ''
  return { ...indexed, text, ...(tool === undefined ? {} : { tool }) }
}

/** Every message up to the leaf, in either view: the history has no summaries that would be known as such. */
function contextAt(index: EntryIndex, leafId: string): Context {
  const { path, problems } = pathTo(index, leafId)
  return { positions: positionsWhere(path, (position) => index.kindOf(position) === 'message'), problems }
}

async function identify(transcript: Transcript, options: AbortOptions = {}): Promise<SessionIdentity> {
  const source = await sourceOf(transcript, 'main')
  for await (const { bytes } of source === undefined ? [] : readLines(source, { part: 'main', signal: options.signal })) {
    const header = headerIn(bytes)
    if (header === undefined) break
    const { sessionId, cwd } = header
    return { sessionKey: sessionId, sessionId, ...(cwd === undefined ? {} : { cwd }) }
  }
  throw new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${transcript.path ?? 'The transcript'} is no history of messages: make one with messagesTranscript.`,
    transcript.path === undefined ? {} : { path: transcript.path },
  )
}

function headerIn(line: Uint8Array): { readonly sessionId: string; readonly cwd: string | undefined } | undefined {
  const { value } = parseLine(line)
  const sessionId = value?.['type'] === headerType ? asName(value['sessionId']) : undefined
  return sessionId === undefined ? undefined : { sessionId, cwd: asName(value?.['cwd']) }
}

function endOfLine(head: Uint8Array): number {
  const feed = head.indexOf(0x0a)
  return feed === -1 ? head.length : feed
}

function place({ sessionId, to }: PlaceOptions, ownFolder: string | undefined): Placement {
  const chosen = to ?? ownFolder
  if (chosen === undefined) {
    throw new CheckpointError('ARGUMENT_INVALID', 'A history of messages has no place of its own: name a folder for the branch.', {
      argument: 'to',
    })
  }
  const folder = resolve(chosen)
  const fileName = `${sessionId}.messages.jsonl`
  const path = join(folder, fileName)
  return {
    folder,
    fileName,
    resumeArgv: ['cat', path],
    warnings: [`No program opens this file by itself: give the messages that messagesIn reads from ${path} to your SDK.`],
  }
}
