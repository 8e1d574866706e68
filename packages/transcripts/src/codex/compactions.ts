import type { AbortOptions, Compaction, CompactionReason, IndexedEntry, LineStart, Transcript } from '@palimpsest/core'
import { asName, asRecord, asTime } from '../json-fields.ts'
import { mentions } from '../mentions.ts'
import { sourceOf } from '../part-source.ts'
import { decodedBatches } from './entries.ts'
import type { DecodedEntry } from './entry-decoder.ts'
import { compactionSummary } from './item-text.ts'
import { readNote } from './note.ts'
import { endsTurn, type RolloutLine, reportsPrompt, startedTurn, type TokenCount, tokenCount, usageOf } from './rollout-line.ts'

/**
 * The compactions of a rollout, each a `compacted` line, by hand, automatic or a mere reset. The leaf is the item before it, or before the summary
 * where the model's own answer was written down as a message. A boundary with nothing before it marks none of this session.
 *
 * Codex writes neither why a compaction ran nor the tokens after it: both are derived. A compaction that has a turn of its own was asked for by hand;
 * one in a turn with a prompt, before or behind it, was not. The tokens after it are those of the next real request; Codex's own estimate, which
 * can be far off, stands in where there is none yet. So a compaction is given when what follows it has been read.
 */
export async function* codexCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined || !(await mentions(source, '"compacted"', options))) return
  const from = options.from?.start ?? 0
  const tokens = tokensBefore()
  const turns = currentTurn()
  let open: OpenCompaction | undefined
  for await (const batch of decodedBatches(source, { part: 'main', signal: options.signal })) {
    for (const decoded of batch) {
      if ('kind' in decoded) continue
      const { indexed, line } = decoded
      if (open !== undefined && (indexed.kind === 'summary' || open.isSettledBy(decoded))) {
        yield open.compaction()
        open = undefined
      }
      if (indexed.kind === 'summary') {
        const leafId = indexed.parentId
        const isOurs = leafId !== undefined && indexed.start >= from
        open = isOurs ? openCompaction({ decoded, leafId, tokens: tokens.at(leafId), turn: turns.now() }) : undefined
      }
      tokens.note(indexed, line)
      turns.note(decoded)
    }
  }
  if (open !== undefined) yield open.compaction()
}

/** A compaction of which what follows it may still say more. */
interface OpenCompaction {
  /** Takes the next line in; whether everything is known now. */
  isSettledBy(decoded: DecodedEntry): boolean
  compaction(): Compaction
}

interface Turn {
  readonly hasPrompt: boolean
  /** Since 0.169 a turn says what began it, but for one that is a compaction. */
  readonly isAttributed: boolean
}

function openCompaction(found: {
  readonly decoded: DecodedEntry
  readonly leafId: string
  readonly tokens: number | undefined
  readonly turn: (Turn & { readonly othersAreAttributed: boolean }) | undefined
}): OpenCompaction {
  const { decoded, leafId, turn } = found
  const { indexed, line } = decoded
  const { part, line: number, start, end } = indexed
  const createdAt = asTime(line.timestamp)
  const summary = compactionSummary(line.payload)
  let reason: CompactionReason | undefined = turn?.hasPrompt === true || turn?.isAttributed === true ? 'auto-threshold' : undefined
  let measured: number | undefined
  let estimated: number | undefined
  // Before clients wrote down when a turn begins, nothing tells the two apart.
  let isTurnOver = turn === undefined
  return {
    isSettledBy(next) {
      if (!isTurnOver && isPromptOf(next)) reason ??= 'auto-threshold'
      if (!isTurnOver && (endsTurn(next.line) || startedTurn(next.line) !== undefined)) {
        isTurnOver = true
        reason ??= 'manual'
      }
      const count = tokenCount(next.line)
      if (count !== undefined && count.inputTokens > 0) measured ??= count.totalTokens
      else if (count !== undefined && count.totalTokens > 0) estimated ??= count.totalTokens
      return measured !== undefined && (reason !== undefined || isTurnOver)
    },
    compaction() {
      const known = reason ?? (turn?.othersAreAttributed === true ? 'manual' : 'unknown')
      const tokensAfter = measured ?? estimated
      return {
        boundary: { part, line: number, start, end, entryId: indexed.id },
        leafId,
        reason: known,
        ...indexed.keeps,
        ...(createdAt === undefined ? {} : { createdAt }),
        ...(found.tokens === undefined ? {} : { tokensBefore: found.tokens }),
        ...(tokensAfter === undefined ? {} : { tokensAfter }),
        ...(summary === undefined ? {} : { summary }),
      }
    },
  }
}

/**
 * The size of the context at an item: the first count behind it, if that is of a real request, else the last real one before. A later count is the
 * request for the summary, which is smaller. Remembered for the last two items, since the last may turn out to be the summary.
 */
function tokensBefore(): { note(indexed: IndexedEntry, line: RolloutLine): void; at(leafId: string): number | undefined } {
  let lastReal: number | undefined
  let lastRecord: number | undefined
  let places: { readonly id: string; readonly before: number | undefined; first: TokenCount | undefined }[] = []
  return {
    note(indexed, line) {
      if (indexed.leafId !== undefined) {
        places = [...places.slice(-1), { id: indexed.leafId, before: lastReal ?? lastRecord, first: undefined }]
        return
      }
      if (line.type === 'token_usage_record') lastRecord = usageOf(line.payload['usage'])?.totalTokens ?? lastRecord
      const count = tokenCount(line)
      const place = places.at(-1)
      if (count === undefined) return
      if (place !== undefined) place.first ??= count
      if (count.inputTokens > 0) lastReal = count.totalTokens
    },
    at(leafId) {
      const place = places.findLast(({ id }) => id === leafId)
      return place?.first !== undefined && place.first.inputTokens > 0 ? place.first.totalTokens : place?.before
    },
  }
}

function currentTurn(): { note(decoded: DecodedEntry): void; now(): (Turn & { readonly othersAreAttributed: boolean }) | undefined } {
  let turn: Turn | undefined
  let othersAreAttributed = false
  return {
    note(decoded) {
      if (startedTurn(decoded.line) !== undefined) {
        const isAttributed = asRecord(decoded.line.payload['turn_attribution']) !== undefined
        othersAreAttributed ||= isAttributed
        turn = { hasPrompt: false, isAttributed }
      } else if (turn !== undefined && isPromptOf(decoded)) turn = { ...turn, hasPrompt: true }
    },
    now: () => (turn === undefined ? undefined : { ...turn, othersAreAttributed }),
  }
}

function isPromptOf({ indexed, line }: DecodedEntry): boolean {
  return reportsPrompt(line) || (readNote(indexed.note)?.is === 'prompt' && asName(line.payload['role']) === 'user')
}
