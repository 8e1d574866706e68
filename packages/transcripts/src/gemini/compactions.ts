import type { AbortOptions, Compaction, LineStart, Transcript } from '@palimpsest/core'
import { asCount, asRecord, asTime } from '../json-fields.ts'
import { sourceOf } from '../part-source.ts'
import { type GeminiLine, geminiBatches } from './entries.ts'

/**
 * Every compaction from `from` on: a list that leaves live messages out and brings a summary (`live-messages.ts`). Its id is that of the summary's
 * message. The tokens before are those of the last answer before it, the tokens after those of the next request, where one follows. The client
 * doesn't write why it ran. The whole part is read whatever `from` is.
 */
export async function* geminiCompactions(
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): AsyncGenerator<Compaction, void, undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return
  let leafId: string | undefined
  let waiting: Compaction | undefined
  for await (const batch of geminiBatches(source, { part: 'main', signal: options.signal })) {
    for (const line of batch) {
      if ('kind' in line) continue
      const tokensAfter = waiting === undefined ? undefined : requestTokens(line)
      if (waiting !== undefined && (tokensAfter !== undefined || line.change?.compaction !== undefined)) {
        yield { ...waiting, ...(tokensAfter === undefined ? {} : { tokensAfter }) }
        waiting = undefined
      }
      if (leafId !== undefined && line.indexed.start >= (options.from?.start ?? 0)) waiting = compactionOf(line, leafId) ?? waiting
      leafId = line.indexed.leafId ?? leafId
    }
  }
  if (waiting !== undefined) yield waiting
}

function compactionOf({ indexed, value, own, change }: GeminiLine, leafId: string): Compaction | undefined {
  if (change?.compaction === undefined) return undefined
  const { part, line, start, end } = indexed
  const [summary] = own
  const createdAt = asTime(asRecord(value['$set'])?.['lastUpdated']) ?? asTime(summary?.value['timestamp'])
  return {
    boundary: { part, line, start, end, ...(summary?.id === indexed.id ? { entryId: indexed.id } : {}) },
    leafId,
    reason: 'unknown',
    ...change.compaction,
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}

/** What the request for an answer was counted as. */
function requestTokens({ own }: GeminiLine): number | undefined {
  const [message] = own
  return message?.value['type'] === 'gemini' ? asCount(asRecord(message.value['tokens'])?.['input']) : undefined
}
