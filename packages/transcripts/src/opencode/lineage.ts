import type { AbortOptions, Transcript } from '@palimpsest/core'
import { asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { jsonOf, sessionValue } from './entries.ts'
import { parseRow } from './row.ts'

/** The key in a session's `metadata`, which OpenCode keeps and copies, under which a branch says where it comes from. */
const metadataKey = 'palimpsest'

/** Where a session was branched from. */
export interface Lineage {
  readonly sessionId: string
  /** The ids that the prompts of its earlier compactions had there, by those they have here: ids are unique in the whole database. */
  readonly boundaries: ReadonlyMap<string, string>
}

/** A session's `metadata` with its lineage in it. */
export function withLineage(metadata: JsonRecord | undefined, { sessionId, boundaries }: Lineage): JsonRecord {
  return { ...metadata, [metadataKey]: { sessionID: sessionId, boundaries: Object.fromEntries(boundaries) } }
}

/** What the session's own row says of its lineage, or the first line of a document that was not imported yet. */
export async function lineageIn(transcript: Transcript, options: AbortOptions): Promise<Lineage | undefined> {
  const session = (await sessionValue(transcript, options)) ?? (await documentInfo(transcript, options))
  const stored = session?.['metadata']
  const metadata = asRecord(typeof stored === 'string' ? jsonOf(stored) : stored)
  const own = asRecord(metadata?.[metadataKey])
  const sessionId = asName(own?.['sessionID'])
  if (sessionId === undefined) return undefined
  const boundaries = Object.entries(asRecord(own?.['boundaries']) ?? {}).flatMap(([id, oldId]) => {
    const name = asName(oldId)
    return name === undefined ? [] : [[id, name] as const]
  })
  return { sessionId, boundaries: new Map(boundaries) }
}

async function documentInfo(transcript: Transcript, options: AbortOptions): Promise<JsonRecord | undefined> {
  const source = await sourceOf(transcript, 'main')
  if (source === undefined) return undefined
  for await (const { bytes } of readLines(source, { part: 'main', signal: options.signal })) {
    const parsed = parseRow(bytes)
    return 'problem' in parsed || parsed.row?.type !== 'session' ? undefined : parsed.value
  }
  return undefined
}
