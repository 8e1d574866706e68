import type { CheckpointRecord, CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { objectKey, readRecord } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'

/** How many characters of JSON are remembered; a record has some thousand. */
const mostCharacters = 2_000_000

/**
 * The records that a service has read, as JSON, so that nobody can change what others get. A record never changes and no name is given twice: what
 * was read under a name is right for as long as a ledger names it. Those that were not used for longest are forgotten.
 */
export interface KnownRecords {
  get(key: Key): string | undefined
  set(key: Key, json: string): void
}

/** None yet. */
export function createKnownRecords(): KnownRecords {
  const records = new Map<Key, string>()
  let characters = 0
  const forget = (key: Key): void => {
    characters -= records.get(key)?.length ?? 0
    records.delete(key)
  }
  return {
    get(key) {
      const json = records.get(key)
      if (json === undefined) return undefined
      records.delete(key)
      records.set(key, json)
      return json
    },
    set(key, json) {
      if (json.length > mostCharacters) return
      forget(key)
      records.set(key, json)
      characters += json.length
      for (const oldest of records.keys()) {
        if (characters <= mostCharacters) break
        forget(oldest)
      }
    },
  }
}

/**
 * The record of a row that a ledger has now, from memory where it was read before. Throws `CHECKPOINT_CORRUPT` when it has to be read and is missing
 * or damaged; who checks what is stored uses `readRecord`.
 */
export async function knownRecord(
  environment: Environment,
  name: Key,
  row: CheckpointRow,
  options: AbortOptions,
): Promise<CheckpointRecord> {
  const key = objectKey(name, row.record)
  const known = environment.knownRecords.get(key)
  // It was a record when it was written there.
  if (known !== undefined) return JSON.parse(known)
  const record = await readRecord(environment, name, row, options)
  environment.knownRecords.set(key, JSON.stringify(record))
  return record
}
