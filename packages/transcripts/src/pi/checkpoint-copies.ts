import type { AbortOptions, CopiedCompaction, SessionCopies, SessionReference, Transcript, TranscriptSource } from '@palimpsest/core'
import { asCount, asName, asRecord, asTime, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { checkpointRecords, reasonOf } from './checkpoint-records.ts'
import { baseName, checkpointCopy } from './format.ts'

const firstTailBytes = 64 << 10

/**
 * OpenClaw's copies of whole sessions, and what its `sessions.json` says of the compactions before which they were made. A record
 * (`compactionCheckpoints`) names the file of its copy; without one only the time is known, as that of the copy's last entry which has one.
 */
export const openClawCopies: SessionCopies = {
  mainOf(fileName) {
    const copy = checkpointCopy(fileName)
    return copy === undefined ? undefined : `${copy.sessionName}.jsonl`
  },
  async compaction(transcript, options = {}) {
    const fileName = baseName(transcript.path ?? '')
    const records = await checkpointRecords(transcript)
    const record = records.find(({ preCompaction }) => baseName(asName(asRecord(preCompaction)?.['sessionFile']) ?? '') === fileName)
    const copyId = checkpointCopy(fileName)?.copyId ?? fileName
    return { copyId, ...(await lastTime(transcript, options)), ...(record === undefined ? {} : saidBy(record)) }
  },
}

function saidBy(record: JsonRecord): Omit<CopiedCompaction, 'copyId'> {
  const leafId = asName(asRecord(record['preCompaction'])?.['leafId'])
  const createdAt = asCount(record['createdAt'])
  const reason = reasonOf(record['reason'])
  const tokensBefore = asCount(record['tokensBefore'])
  const tokensAfter = asCount(record['tokensAfter'])
  const summary = asName(record['summary'])
  const firstKeptEntryId = asName(record['firstKeptEntryId'])
  const postCompaction = referenceOf(asRecord(record['postCompaction']))
  return {
    ...(leafId === undefined ? {} : { leafId }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...(summary === undefined ? {} : { summary }),
    ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }),
    ...(postCompaction === undefined ? {} : { postCompaction }),
  }
}

function referenceOf(value: JsonRecord | undefined): SessionReference | undefined {
  const sessionId = asName(value?.['sessionId'])
  if (sessionId === undefined) return undefined
  const sessionFile = asName(value?.['sessionFile'])
  const leafId = asName(value?.['leafId'])
  const entryId = asName(value?.['entryId'])
  return {
    sessionId,
    ...(sessionFile === undefined ? {} : { sessionFile }),
    ...(leafId === undefined ? {} : { leafId }),
    ...(entryId === undefined ? {} : { entryId }),
  }
}

async function lastTime(transcript: Transcript, options: AbortOptions): Promise<{ createdAt?: number }> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return {}
  for (let tailBytes = firstTailBytes; ; tailBytes *= 4) {
    const createdAt = await lastTimeIn(source, Math.max(0, source.sizeBytes - tailBytes), options)
    if (createdAt !== undefined) return { createdAt }
    if (tailBytes >= source.sizeBytes) return {}
  }
}

/** The first of the lines that are looked at may have lost its beginning: then it doesn't parse, and is passed over. */
async function lastTimeIn(source: TranscriptSource, start: number, options: AbortOptions): Promise<number | undefined> {
  const tail = await source.read(start, source.sizeBytes, options)
  for (let end = tail.length; end > 0; ) {
    const feed = tail.lastIndexOf(0x0a, end - 1)
    const time = asTime(parseLine(tail.subarray(feed + 1, end)).value?.['timestamp'])
    if (time !== undefined) return time
    end = feed
  }
  return undefined
}
