import type { AbortOptions, Compaction, CompactionReason, LineStart, Transcript } from '@palimpsest/core'
import { asCount, asName, asTime } from '../json-fields.ts'
import { sourceOf } from '../part-source.ts'
import { type CopilotLine, copilotBatches } from './entries.ts'
import { compactionAttempt, dataOf } from './format.ts'

/**
 * Every compaction that was applied from `from` on; one that was cancelled, failed or never ended is none. The boundary is the line that says it was
 * applied: at `preCompact` the line that says it began may be on disk or not. The leaf is the one before it began, in the same attempt: an automatic
 * compaction runs beside the conversation, and what is said meanwhile belongs to the context after it, so that nothing of the context before it
 * stays. The whole part is read whatever `from` is.
 */
export async function* copilotCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return
  let leafId: string | undefined
  let begun: { readonly attempt: string; readonly leafId: string } | undefined
  for await (const batch of copilotBatches(source, { part: 'main', signal: options.signal })) {
    for (const line of batch) {
      if ('kind' in line) continue
      const { indexed, value } = line
      const attempt = compactionAttempt(value)
      if (attempt?.is === 'begun') begun = leafId === undefined ? undefined : { attempt: attempt.id, leafId }
      if (attempt?.is === 'applied' && begun?.attempt === attempt.id) {
        if (indexed.start >= (options.from?.start ?? 0)) yield compactionOf(line, begun.leafId)
        begun = undefined
      }
      leafId = indexed.leafId ?? leafId
    }
  }
}

function compactionOf({ indexed, value }: CopilotLine, leafId: string): Compaction {
  const { part, line, start, end, id } = indexed
  const data = dataOf(value)
  const createdAt = asTime(value['timestamp'])
  const tokensBefore = asCount(data['preCompactionTokens'])
  const tokensAfter = asCount(data['postCompactionTokens'])
  const summary = asName(data['summaryContent'])
  return {
    boundary: { part, line, start, end, ...(value['id'] === id ? { entryId: id } : {}) },
    leafId,
    reason: reasonOf(data['trigger']),
    keptEntryIds: [],
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...(summary === undefined ? {} : { summary }),
  }
}

function reasonOf(trigger: unknown): CompactionReason {
  switch (trigger) {
    case 'manual':
      return 'manual'
    case 'context_limit_retry':
      return 'overflow-retry'
    case 'threshold':
    case 'memory_pressure':
    case 'model_switch':
      return 'auto-threshold'
    default:
      return 'unknown'
  }
}
