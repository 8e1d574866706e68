import { boundedMap } from './bounded-map.ts'
import { type CheckpointRow, recordSchema } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { sessionName } from './keys.ts'
import type { Ledger } from './ledger.ts'
import { epochOf, type SizedObjects } from './named-objects.ts'
import { readHeader } from './object-header.ts'
import type { RowFacts } from './row.ts'
import type { AbortOptions, Key } from './storage.ts'
import { pagesOf } from './trash.ts'
import { checkDocument } from './verify-object.ts'

const recordsAtOnce = 8

/** A record that lies under a session's name, whether a ledger names it or not, without its texts. */
export interface StoredRecord {
  readonly object: string
  readonly facts: RowFacts
}

/** Every whole record under a session's name: of each checkpoint the newest, the oldest checkpoint first. */
export async function storedRecords(
  environment: Environment,
  name: Key,
  objects: SizedObjects,
  options: AbortOptions,
): Promise<readonly StoredRecord[]> {
  const byId = new Map<string, StoredRecord>()
  await boundedMap([...objects], recordsAtOnce, async ([object, sizeBytes]) => {
    if (epochOf(object) === undefined) return
    if ((await readHeader(environment, name, object, sizeBytes, options))?.header.kind !== 'record') return
    const { value } = await checkDocument(environment, name, object, 'record', recordSchema, options)
    if (value === undefined || sessionName(value.agent, value.sessionKey) !== name) return
    const { summary: _summary, keptEntryIds: _kept, boundaryLine: _line, ...facts } = value
    const known = byId.get(facts.id)
    const stored = { object, facts }
    if (known === undefined || isNewer(stored, known)) byId.set(facts.id, stored)
  })
  return [...byId.values()].sort((one, other) => one.facts.createdAt - other.facts.createdAt || (one.facts.id < other.facts.id ? -1 : 1))
}

/** The records that a page, which can't be read, may have had: of its time, and known from nowhere else. */
export function recordsOfPage(
  records: readonly StoredRecord[],
  ledger: Ledger,
  page: string,
  rows: readonly CheckpointRow[],
): readonly StoredRecord[] {
  const span = pagesOf(ledger).find((candidate) => candidate.object === page)
  if (span === undefined) return []
  const known = new Set(rows.map((row) => row.id))
  const removed = new Set(ledger.removed)
  return records.filter(({ facts: { id, createdAt, boundary } }) => {
    const isOfSpan = createdAt >= span.oldestAt && createdAt <= span.newestAt
    return isOfSpan && !known.has(id) && (boundary === undefined || !removed.has(boundary.id))
  })
}

/** Of two records of one checkpoint the one that was completed, else the one that says more, else the one of the later epoch. */
function isNewer(one: StoredRecord, other: StoredRecord): boolean {
  const rank = ({ object, facts }: StoredRecord): readonly number[] => [
    facts.status === 'complete' ? 1 : 0,
    facts.boundary === undefined ? 0 : 1,
    facts.tokensAfter === undefined ? 0 : 1,
    epochOf(object) ?? 0,
  ]
  const [left, right] = [rank(one), rank(other)]
  const at = left.findIndex((value, index) => value !== right[index])
  return at >= 0 ? (left[at] ?? 0) > (right[at] ?? 0) : one.object > other.object
}
