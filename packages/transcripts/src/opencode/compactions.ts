import type { AbortOptions, Compaction, CompactionReason, IndexedEntry, LineStart, Transcript } from '@palimpsest/core'
import { asCount, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { sourceOf } from '../part-source.ts'
import { type RowLine, rowBatches } from './entries.ts'
import { lineageIn } from './lineage.ts'
import { readNote } from './note.ts'
import type { Row } from './row.ts'

/**
 * The compactions of the main part: a prompt whose part is a `compaction`, answered by a message that is marked as a summary and has ended
 * well. The boundary is the line of the prompt, so that nothing of the compaction lies before it. OpenCode writes no token counts for it: those
 * before are what the last answer used, those after what the next request sent, where there is one yet. A request that failed marks none.
 */
export async function* readCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined } = {},
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return
  const from = options.from?.start ?? 0
  const lineage = await lineageIn(transcript, options)
  const found = finder((messageId) => lineage?.boundaries.get(messageId) ?? messageId)
  for await (const batch of rowBatches(source, { signal: options.signal })) {
    for (const line of batch) {
      if ('kind' in line) continue
      const compaction = found.next(line)
      if (compaction !== undefined && compaction.boundary.start >= from) yield compaction
    }
  }
  const last = found.end()
  if (last !== undefined && last.boundary.start >= from) yield last
}

interface Request {
  readonly prompt: IndexedEntry
  readonly leafId: string
  readonly createdAt: number | undefined
  readonly data: JsonRecord
  readonly tokensBefore: number | undefined
  readonly keptEntryIds: readonly string[] | undefined
}

interface OpenMessage {
  readonly entry: IndexedEntry
  readonly row: Extract<Row, { type: 'message' }>
  readonly leafId: string | undefined
}

/** Finds compactions in lines that are given one after the other. One is given back as soon as all is known of it. */
function finder(boundaryId: (messageId: string) => string): { next(line: RowLine): Compaction | undefined; end(): Compaction | undefined } {
  const shown: { readonly messageId: string; readonly ids: string[] }[] = []
  let message: OpenMessage | undefined
  let leafId: string | undefined
  let tokens: number | undefined
  let request: Request | undefined
  let answered: { readonly request: Request; readonly answerId: string; summary: string[] } | undefined
  const end = (tokensAfter?: number) => {
    const done = answered
    answered = undefined
    return done === undefined ? undefined : compactionOf(done.request, done.summary.join('\n'), boundaryId, tokensAfter)
  }
  const begin = (opened: OpenMessage): Compaction | undefined => {
    message = opened
    shown.push({ messageId: opened.row.id, ids: [] })
    const note = readNote(opened.entry.note)
    if (note?.is === 'message' && note.summarises !== undefined && note.summarises === request?.prompt.id) {
      const done = end()
      answered = { request, answerId: opened.entry.id, summary: [] }
      request = undefined
      tokens = undefined
      return done
    }
    if (opened.row.data?.['role'] !== 'assistant' || opened.row.data['summary'] === true) return undefined
    const used = tokensOf(opened.row.data)
    tokens = used?.total ?? tokens
    return used === undefined ? undefined : end(used.sent)
  }
  return {
    next({ indexed, row }) {
      const before = leafId
      if (row?.type !== 'session') leafId = indexed.id
      if (row?.type === 'message') return begin({ entry: indexed, row, leafId: before })
      if (indexed.kind === 'message' || indexed.kind === 'summary') shown.at(-1)?.ids.push(indexed.id)
      if (row?.type !== 'part' || row.data === undefined || message?.row.id !== row.messageId) return undefined
      if (answered?.answerId === message.entry.id && indexed.kind === 'summary') answered.summary.push(asString(row.data['text']) ?? '')
      if (row.data['type'] !== 'compaction' || message.entry.kind !== 'boundary' || message.leafId === undefined) return undefined
      const done = end()
      const {
        entry: prompt,
        leafId: promptLeafId,
        row: { createdAt },
      } = message
      request = { prompt, leafId: promptLeafId, createdAt, data: row.data, tokensBefore: tokens, keptEntryIds: keptIn(shown, row.data) }
      return done
    },
    end: () => end(),
  }
}

/** What lies from the first message of the tail on, up to the request. */
function keptIn(
  shown: readonly { readonly messageId: string; readonly ids: readonly string[] }[],
  data: JsonRecord,
): readonly string[] | undefined {
  const tailStartId = asName(data['tail_start_id'])
  if (tailStartId === undefined) return undefined
  const first = shown.findLastIndex(({ messageId }) => messageId === tailStartId)
  return first === -1 ? undefined : shown.slice(first).flatMap(({ ids }) => ids)
}

function compactionOf(
  request: Request,
  summary: string,
  boundaryId: (messageId: string) => string,
  tokensAfter: number | undefined,
): Compaction {
  const { prompt, leafId, createdAt, data, tokensBefore, keptEntryIds } = request
  const { part, line, start, end } = prompt
  const [firstKeptEntryId] = keptEntryIds ?? []
  return {
    boundary: { part, line, start, end, entryId: boundaryId(prompt.id) },
    leafId,
    reason: reasonOf(data),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...(summary === '' ? {} : { summary }),
    ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId, keptEntryIds }),
  }
}

function reasonOf(data: JsonRecord): CompactionReason {
  if (data['auto'] === false) return 'manual'
  if (data['auto'] !== true) return 'unknown'
  return data['overflow'] === true ? 'overflow-retry' : 'auto-threshold'
}

/** What an answer used, as the model counted it; `undefined` for one that was not counted. `sent` is what the request alone had. */
function tokensOf(data: JsonRecord): { readonly total: number; readonly sent: number } | undefined {
  const tokens = asRecord(data['tokens'])
  const cache = asRecord(tokens?.['cache'])
  const counts = [tokens?.['input'], cache?.['read'], cache?.['write']].map((value) => asCount(value) ?? 0)
  const sent = counts.reduce((sum, count) => sum + count, 0)
  if (sent === 0) return undefined
  return { sent, total: asCount(tokens?.['total']) ?? sent + (asCount(tokens?.['output']) ?? 0) + (asCount(tokens?.['reasoning']) ?? 0) }
}
