import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import { knownRecord } from './known-records.ts'
import type { Ledger } from './ledger.ts'
import type { IndexedPlace, IndexHit } from './search-index.ts'
import { fingerprintOf, searchableText } from './search-text.ts'
import { readSession } from './session-index.ts'
import { storedSource } from './snapshot.ts'
import type { AbortOptions, Key } from './storage.ts'
import { isOnStream, streamEnd, streamsOf } from './stream.ts'
import type { TranscriptSource } from './transcript.ts'

/** A hit in a checkpoint that is there now. */
export interface LivingHit {
  readonly hit: IndexHit
  readonly ledger: Ledger
  readonly name: Key
  readonly row: CheckpointRow
  readonly place: IndexedPlace
  /** Whether the checkpoint's own compaction dropped it. */
  readonly dropped: boolean
}

/** What an index found, by what is stored now: each ledger is read once. */
export interface FoundEntries {
  /** The checkpoint that dropped the entry, else the newest that holds it; `undefined` where none does any more. */
  living(hit: IndexHit): Promise<LivingHit | undefined>
  /** The text, read back from its own bytes; `undefined` where these are damaged, or are not what was indexed. */
  text(living: LivingHit): Promise<string | undefined>
}

interface ReadSession {
  readonly name: Key
  readonly ledger: Ledger
  readonly rows: readonly CheckpointRow[]
}

/** For one search. */
export function foundEntries(environment: Environment, options: AbortOptions): FoundEntries {
  const sessions = new Map<Key, Promise<ReadSession | undefined>>()
  const sources = new Map<string, Promise<TranscriptSource>>()
  const sessionOf = (name: Key): Promise<ReadSession | undefined> => {
    const known = sessions.get(name) ?? readable(environment, name, options)
    sessions.set(name, known)
    return known
  }
  return {
    async living(hit) {
      const session = await sessionOf(hit.session)
      if (session === undefined) return undefined
      const droppers = new Set(hit.droppedBy)
      const inOrder = [...session.rows.filter((row) => droppers.has(row.id)), ...session.rows.filter((row) => !droppers.has(row.id))]
      for (const row of inOrder) {
        for (const place of hit.places) {
          if (await holds(environment, session, row, place, options)) {
            return { hit, name: session.name, ledger: session.ledger, row, place, dropped: droppers.has(row.id) }
          }
        }
      }
      return undefined
    },
    async text({ hit, name, ledger, place }) {
      const key = `${name} ${place.part} ${place.stream}`
      const source = sources.get(key) ?? sourceOf(environment, name, ledger, place, options)
      sources.set(key, source)
      try {
        const bytes = await (await source).read(place.start, place.end, options)
        const { part, line, start, end } = place
        const { entryId: id, kind, role, note } = hit
        const shape = { part, line, start, end, kind, id, ...(role === undefined ? {} : { role }), ...(note === undefined ? {} : { note }) }
        const text = searchableText(environment.readerOf(ledger.agent).entry(bytes, shape))
        return fingerprintOf(text) === hit.fingerprint ? text : undefined
      } catch (error) {
        if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return undefined
        throw error
      }
    },
  }
}

/** A session that can't be read now has no hits; the others have. */
async function readable(environment: Environment, name: Key, options: AbortOptions): Promise<ReadSession | undefined> {
  try {
    const session = await readSession(environment, name, options)
    return session === undefined ? undefined : { name, ...session }
  } catch (error) {
    if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return undefined
    throw error
  }
}

async function holds(
  environment: Environment,
  { name, ledger }: ReadSession,
  row: CheckpointRow,
  { part, stream, end }: IndexedPlace,
  options: AbortOptions,
): Promise<boolean> {
  const position = part === 'main' ? row : await sidecarPosition(environment, name, row, part, options)
  return position !== undefined && position.bytes >= end && isOnStream(ledger, part, { stream, bytes: end }, position.stream)
}

async function sidecarPosition(
  environment: Environment,
  name: Key,
  row: CheckpointRow,
  part: string,
  options: AbortOptions,
): Promise<{ readonly stream: number; readonly bytes: number } | undefined> {
  try {
    return (await knownRecord(environment, name, row, options)).parts.find((candidate) => candidate.name === part)
  } catch (error) {
    if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return undefined
    throw error
  }
}

/** The bytes of a stream as far as it goes now. */
function sourceOf(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  { part, stream }: IndexedPlace,
  options: AbortOptions,
): Promise<TranscriptSource> {
  const found = streamsOf(ledger, part)[stream]
  const bytes = found === undefined ? 0 : streamEnd(found).bytes
  return storedSource({ environment, name, ledger }, { name: part, stream, bytes }, options)
}
