import { type AbortOptions, CheckpointError, type TranscriptSource } from '@palimpsest/core'
import { asName, asRecord } from '../json-fields.ts'
import { decodedBatches } from './entries.ts'
import type { DecodedEntry } from './entry-decoder.ts'
import { readNote } from './note.ts'
import { endsTurn, eventOf, type RolloutLine, sessionMeta, startedTurn, tokenCount } from './rollout-line.ts'

/** Which lines a copy takes, and what it must know of them. */
export interface RewritePlan {
  /** Where the copy ends: at the start of a line, or the end of the part. */
  readonly end: number
  /** Lines before `end` that are left out: repeated counts, and where one rollout goes on from another. */
  readonly droppedLines: ReadonlySet<number>
  /** The line of the header, and what it says: that of the last rollout of a chain. */
  readonly headerLine: number
  readonly header: RolloutLine
  /** The ids under which the lines name their session. */
  readonly sessionIds: ReadonlySet<string>
  readonly isChain: boolean
  /** The turn that is begun and not ended at the end of the copy, where it has an id. */
  readonly openTurnId: string | undefined
  /** Every turn that was begun is ended. Not known of rollouts that don't write turns down (0.101). */
  readonly isAtRest: boolean
  /** The last count of the copy with numbers. */
  readonly lastCount: RolloutLine | undefined
  readonly lastTimestamp: string | undefined
  /** Of the last line that has one: only paginated rollouts do. */
  readonly lastOrdinal: number | undefined
}

/**
 * Plans a copy that stands at a leaf: every line up to it, and the bookkeeping behind it, which ends at the rows that a compaction wrote or at the
 * turn in which there was nothing else. Of counts behind the leaf only the first is taken; the others are the compaction's. Throws
 * `TRANSCRIPT_MALFORMED` when no entry has the leaf's id, and where the rollout goes on from one that was not found.
 */
export async function planRewrite(
  source: TranscriptSource,
  options: AbortOptions & { readonly leafId: string; readonly dropUnanswered?: boolean | undefined; readonly path?: string | undefined },
): Promise<RewritePlan | undefined> {
  const leafId = options.dropUnanswered === true ? await answeredLeaf(source, options) : options.leafId
  const copy = emptyCopy()
  let behind: 'leaf' | 'count' | undefined
  let end = source.sizeBytes
  let isTornOff = false
  for await (const decoded of entriesOf(source, options)) {
    const { indexed, line } = decoded
    if (behind !== undefined && isCompactions(decoded, behind)) {
      end = indexed.start
      break
    }
    if (copy.header === undefined && sessionMeta(line) === undefined) return undefined
    isTornOff ||= copy.header === undefined && sessionMeta(line)?.base !== undefined
    copy.take(decoded, behind === 'count')
    if (indexed.id === leafId && indexed.leafId === leafId) behind = 'leaf'
    else if (behind === 'leaf' && eventOf(line) === 'token_count') behind = 'count'
  }
  const { header, plan } = copy
  if (header === undefined) return undefined
  if (isTornOff) throw malformed('The rollout goes on from another one that was not found, so that its beginning is missing.', options.path)
  if (behind === undefined) throw malformed(`No entry has the id ${options.leafId}, so that no session can stand there.`, options.path)
  return { ...plan(header), end }
}

/** What is known of the lines that were taken so far. */
function emptyCopy() {
  const droppedLines = new Set<number>()
  const sessionIds = new Set<string>()
  let header: RolloutLine | undefined
  let headerLine = 0
  let openTurnId: string | undefined
  let hasTurns = false
  let lastCount: RolloutLine | undefined
  let lastTimestamp: string | undefined
  let lastOrdinal: number | undefined
  return {
    get header() {
      return header
    },
    take({ indexed, line }: DecodedEntry, isCounted: boolean) {
      const meta = sessionMeta(line)
      if (meta !== undefined && (header === undefined || meta.base !== undefined)) {
        if (header === undefined) headerLine = indexed.line
        else droppedLines.add(indexed.line)
        // The chain's last session is the copy's; its place among the lines stays that of the first.
        header = header === undefined ? line : { ...line, ordinal: header.ordinal }
        sessionIds.add(meta.sessionId)
      }
      const isCount = eventOf(line) === 'token_count'
      if (isCount && isCounted) {
        droppedLines.add(indexed.line)
        return
      }
      if (tokenCount(line) !== undefined) lastCount = line
      hasTurns ||= startedTurn(line) !== undefined
      openTurnId = endsTurn(line) ? undefined : (startedTurn(line) ?? openTurnId)
      lastTimestamp = line.timestamp ?? lastTimestamp
      lastOrdinal = line.ordinal ?? lastOrdinal
    },
    plan: (own: RolloutLine) => ({
      droppedLines,
      headerLine,
      header: own,
      sessionIds,
      isChain: asRecord(own.payload['history_base']) !== undefined,
      openTurnId: openTurnId === '' ? undefined : openTurnId,
      isAtRest: hasTurns && openTurnId === undefined,
      lastCount,
      lastTimestamp,
      lastOrdinal,
    }),
  }
}

/** Whether a line behind the leaf is the compaction's, or begins something else that isn't the leaf's. */
function isCompactions({ indexed, line }: DecodedEntry, behind: 'leaf' | 'count'): boolean {
  if (indexed.leafId !== undefined || readNote(indexed.note)?.is === 'summary-output') return true
  if (line.type === 'session_meta') return true
  if (line.type === 'token_usage_record') return behind === 'count'
  return startedTurn(line) !== undefined || eventOf(line) === 'thread_settings_applied'
}

/** The leaf, or the entry before the last prompt where nothing was said after that. */
async function answeredLeaf(source: TranscriptSource, { leafId, signal }: AbortOptions & { readonly leafId: string }): Promise<string> {
  let unanswered: string | undefined
  for await (const { indexed } of entriesOf(source, { signal })) {
    if (indexed.leafId === undefined) continue
    const { id, kind, role, parentId, note } = indexed
    if (readNote(note)?.is === 'prompt') unanswered ??= asName(parentId)
    else if (kind === 'summary' || role === 'assistant' || role === 'tool') unanswered = undefined
    if (id === leafId) return unanswered ?? leafId
  }
  return leafId
}

async function* entriesOf(source: TranscriptSource, { signal }: AbortOptions): AsyncGenerator<DecodedEntry, void, undefined> {
  for await (const batch of decodedBatches(source, { part: 'main', signal })) {
    for (const decoded of batch) if (!('kind' in decoded)) yield decoded
  }
}

function malformed(message: string, path: string | undefined): CheckpointError {
  return new CheckpointError('TRANSCRIPT_MALFORMED', `${message} Choose another checkpoint, or find the missing file.`, {
    ...(path === undefined ? {} : { path }),
  })
}
