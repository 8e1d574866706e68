import type { AbortOptions, Compaction, CompactionReason, IndexedEntry, KeptEntries, LineStart, Transcript } from '@palimpsest/core'
import { type IdSet, idSet } from '../id-set.ts'
import { asCount, asRecord, asTime, type JsonRecord } from '../json-fields.ts'
import { mentions } from '../mentions.ts'
import { sourceOf } from '../part-source.ts'
import { readStructure } from './entries.ts'
import { messageText } from './text.ts'
import { isPrompt, keptTail } from './turns.ts'

/**
 * The compactions of the main part. `leafId` is the last line with a uuid before the boundary that is not a sub-agent's; or, where the user had
 * gone back (/rewind) and compacted at once, the last line that the compaction kept, since a rewind by itself leaves no line. It is never what the
 * boundary gives as its logical parent: that dangles where /compact ran in a process of its own. The summary is the next line marked as one before
 * the next boundary; a boundary at which the file ends has none yet. A boundary with nothing before it, as in a session forked from what was left
 * after a compaction, marks none of this session.
 */
export async function* readCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined } = {},
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined || !(await mentions(source, 'compact_boundary', options))) return
  const from = options.from?.start ?? 0
  const seen = idSet()
  let turn: { lastId: string | undefined; readonly ids: Set<string> } = { lastId: undefined, ids: new Set() }
  let keptBefore: ReadonlySet<string> = new Set()
  let open: Compaction | undefined
  for await (const line of readStructure(source, { part: 'main', signal: options.signal })) {
    if ('kind' in line) continue
    const { indexed, value } = line
    if (indexed.kind === 'boundary') {
      if (open !== undefined) yield open
      const tail = keptTail(indexed)
      const isRewound = tail !== undefined && !turn.ids.has(tail) && !keptBefore.has(tail) && seen.has(tail)
      const leafId = isRewound ? tail : turn.lastId
      open = leafId === undefined || indexed.start < from ? undefined : compactionOf(value, indexed, { leafId, seen })
      keptBefore = new Set(indexed.keeps?.keptEntryIds)
    } else if (open !== undefined && indexed.kind === 'summary') {
      yield { ...open, summary: messageText(value) }
      open = undefined
    }
    if (indexed.leafId === undefined) continue
    if (isPrompt(indexed)) turn = { lastId: indexed.id, ids: new Set() }
    turn.lastId = indexed.id
    turn.ids.add(indexed.id)
    seen.add(indexed.id)
  }
  if (open !== undefined) yield open
}

function compactionOf(value: JsonRecord, indexed: IndexedEntry, before: { readonly leafId: string; readonly seen: IdSet }): Compaction {
  const { part, line, start, end } = indexed
  const metadata = asRecord(value['compactMetadata'])
  const createdAt = asTime(value['timestamp'])
  const tokensBefore = asCount(metadata?.['preTokens'])
  const tokensAfter = asCount(metadata?.['postTokens'])
  return {
    boundary: { part, line, start, end, ...(indexed.leafId === undefined ? {} : { entryId: indexed.id }) },
    leafId: before.leafId,
    reason: reasonOf(metadata?.['trigger']),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...keptIn(indexed.keeps ?? {}, before.seen),
  }
}

/** Only what was written to the file: the client also names messages that were never more than in memory. */
function keptIn(kept: KeptEntries, seen: IdSet): KeptEntries {
  const ids = kept.keptEntryIds?.filter((id) => seen.has(id)) ?? []
  const { keptEntryIds: _named, ...rest } = kept
  return { ...rest, ...(ids.length === 0 ? {} : { keptEntryIds: ids }) }
}

function reasonOf(trigger: unknown): CompactionReason {
  if (trigger === 'manual') return 'manual'
  return trigger === 'auto' ? 'auto-threshold' : 'unknown'
}
