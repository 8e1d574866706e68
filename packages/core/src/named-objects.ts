import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { parseKey } from './keys.ts'
import type { Ledger } from './ledger.ts'
import { objectKey } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import type { LoadSegment } from './stream.ts'

const objectPattern = /^(\d{1,15})-[0-9a-f]{20}$/
const sessionPattern = /^sessions\/[0-9a-f]{64}-[a-z][a-z0-9-]{0,31}$/
const deletedAtOnce = 1000

/** Objects of a session by name (without the session's), with their sizes. */
export type SizedObjects = ReadonlyMap<string, number>

/** The epoch in the name of an object; `undefined` for a name that is none of ours. */
export function epochOf(object: string): number | undefined {
  const epoch = objectPattern.exec(object)?.[1]
  return epoch === undefined ? undefined : Number(epoch)
}

/** Every object that a ledger with these rows, those of its trash among them, and these pages names: chunks, segments, pages, records. */
export async function namedObjects(
  ledger: Ledger,
  rows: readonly CheckpointRow[],
  pages: readonly string[],
  loadSegment: LoadSegment,
): Promise<Set<string>> {
  const named = new Set<string>(pages)
  for (const row of rows) named.add(row.record)
  for (const { streams } of Object.values(ledger.parts)) {
    for (const stream of streams) {
      for (const [object] of stream.open) named.add(object)
      for (const segment of stream.segments) {
        named.add(segment.object)
        for (const [object] of await loadSegment(segment.object)) named.add(object)
      }
    }
  }
  return named
}

/** The objects of an epoch up to `epoch` that are not among the named ones. */
export function unnamedObjects(objects: SizedObjects, named: ReadonlySet<string>, epoch: number): SizedObjects {
  const unnamed = new Map<string, number>()
  for (const [object, sizeBytes] of objects) {
    // A name that is none of ours has none either.
    if ((epochOf(object) ?? Number.POSITIVE_INFINITY) <= epoch && !named.has(object)) unnamed.set(object, sizeBytes)
  }
  return unnamed
}

/** Everything that lies under a session's name now. */
export async function objectsOf(environment: Environment, name: Key, options: AbortOptions): Promise<SizedObjects> {
  const objects = new Map<string, number>()
  for await (const { key, sizeBytes } of listed(environment, `${name}/`, options)) objects.set(key.slice(name.length + 1), sizeBytes)
  return objects
}

/** The sessions under whose names objects lie, whether they have a ledger or not, and how many bytes those take. */
export async function sessionsWithObjects(environment: Environment, options: AbortOptions): Promise<ReadonlyMap<Key, number>> {
  const sessions = new Map<Key, number>()
  for await (const { key, sizeBytes } of listed(environment, 'sessions/', options)) {
    const name = parseKey(key.slice(0, key.lastIndexOf('/')))
    if (sessionPattern.test(name)) sessions.set(name, (sessions.get(name) ?? 0) + sizeBytes)
  }
  return sessions
}

/** Deletes objects of a session. */
export async function deleteObjects(environment: Environment, name: Key, objects: readonly string[], options: AbortOptions): Promise<void> {
  for (let at = 0; at < objects.length; at += deletedAtOnce) {
    const keys = objects.slice(at, at + deletedAtOnce).map((object) => objectKey(name, object))
    await mapStorageErrors('delete', () => environment.storage.objects.delete(keys, options), options.signal)
  }
}

async function* listed(
  environment: Environment,
  prefix: string,
  options: AbortOptions,
): AsyncGenerator<{ readonly key: Key; readonly sizeBytes: number }> {
  let after: Key | undefined
  do {
    const page = await mapStorageErrors('list', () => environment.storage.objects.list(prefix, { ...options, after }), options.signal)
    yield* page.items
    after = page.next
  } while (after !== undefined)
}
