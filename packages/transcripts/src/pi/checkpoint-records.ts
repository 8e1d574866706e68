import type { Compaction, CompactionReason, Transcript } from '@palimpsest/core'
import { asCount, asList, asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'

/**
 * Compactions with what OpenClaw 2026.4 to 2026.9 noted of them in `sessions.json`, which its transcript doesn't say: why they ran, and the tokens
 * after them. A record (`compactionCheckpoints`) is of the compaction whose leaf, entry or summary it names. Records that are no objects, or of
 * compactions that the transcript doesn't have, are passed over.
 */
export async function* withCheckpointRecords(
  transcript: Transcript,
  compactions: AsyncIterable<Compaction>,
): AsyncGenerator<Compaction, void, undefined> {
  let records: readonly JsonRecord[] | undefined
  for await (const compaction of compactions) {
    records ??= await checkpointRecords(transcript)
    const record = records.find((candidate) => isOf(candidate, compaction))
    const reason = reasonOf(record?.['reason'])
    const tokensAfter = asCount(record?.['tokensAfter'])
    yield { ...compaction, ...(reason === undefined ? {} : { reason }), ...(tokensAfter === undefined ? {} : { tokensAfter }) }
  }
}

/** The records in `sessions.json`, of whatever session they are. */
export async function checkpointRecords(transcript: Transcript): Promise<readonly JsonRecord[]> {
  const registry = await transcript.companion?.('sessions.json')
  if (registry === undefined) return []
  const rows = Object.values(parseLine(registry).value ?? {})
  return rows
    .flatMap((row) => asList(asRecord(row)?.['compactionCheckpoints']))
    .map(asRecord)
    .filter((record) => record !== undefined)
}

/** Ids of entries have eight hex digits and may be those of another session, so that the summary must agree where both have one. */
function isOf(record: JsonRecord, { boundary, leafId, summary }: Compaction): boolean {
  const said = asName(record['summary'])
  if (said !== undefined && summary !== undefined) return said === summary
  if (asName(asRecord(record['preCompaction'])?.['leafId']) === leafId) return true
  return boundary.entryId !== undefined && asName(asRecord(record['postCompaction'])?.['entryId']) === boundary.entryId
}

/** The reason that a record names, in our words, which are OpenClaw's. */
export function reasonOf(reason: unknown): CompactionReason | undefined {
  switch (reason) {
    case 'manual':
    case 'auto-threshold':
    case 'overflow-retry':
    case 'timeout-retry':
      return reason
    default:
      return undefined
  }
}
