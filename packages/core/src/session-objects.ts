import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type CheckpointRecord, type CheckpointRow, recordSchema, rowSchema } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { parseKey } from './keys.ts'
import type { Chunk, Ledger } from './ledger.ts'
import type { PutOptions } from './puts.ts'
import type { AbortOptions, Key } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import { corrupt, type DocumentKind, packDocument, unpackDocument } from './stored-object.ts'
import { segmentSchema } from './stream.ts'

/** Reads a document that the ledger names. Throws `CHECKPOINT_CORRUPT` when it is missing or damaged. */
async function readDocument<Value>(
  environment: Environment,
  name: Key,
  object: string,
  kind: DocumentKind,
  schema: z.ZodType<Value>,
  options: AbortOptions,
): Promise<Value> {
  const key = objectKey(name, object)
  const bytes = await mapStorageErrors('read', () => environment.storage.objects.get(key, options), options.signal)
  if (bytes === undefined) throw corrupt(key, 'missing')
  return unpackDocument(key, kind, bytes, schema)
}

/** The record of a row. */
export async function readRecord(
  environment: Environment,
  name: Key,
  row: CheckpointRow,
  options: AbortOptions,
): Promise<CheckpointRecord> {
  return readDocument(environment, name, row.record, 'record', recordSchema, options)
}

/** The chunks of a segment. */
export async function readSegment(environment: Environment, name: Key, object: string, options: AbortOptions): Promise<readonly Chunk[]> {
  return readDocument(environment, name, object, 'segment', segmentSchema, options)
}

/** The rows of a page. */
export async function readPage(
  environment: Environment,
  name: Key,
  object: string,
  options: AbortOptions,
): Promise<readonly CheckpointRow[]> {
  return readDocument(environment, name, object, 'page', z.array(rowSchema), options)
}

/** Stores rows as a page. */
export async function writePage(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  rows: readonly CheckpointRow[],
  options: PutOptions,
): Promise<Ledger['pages'][number]> {
  const object = await writeDocument(environment, ledger, name, 'page', rows, options)
  const times = rows.map((row) => row.createdAt)
  return { object, checkpoints: rows.length, newestAt: Math.max(...times), oldestAt: Math.min(...times) }
}

/** Stores a document as `writeObject` does. */
export async function writeDocument(
  environment: Environment,
  ledger: Ledger,
  name: Key,
  kind: DocumentKind,
  value: unknown,
  options: PutOptions,
): Promise<string> {
  const bytes = await packDocument(kind, name, ledger.agent, value)
  return writeObject(environment, name, ledger.epoch, bytes, options)
}

/** Stores bytes under a new name of this epoch, and gives that name: at once where others are put beside it (`puttingTogether`). */
export async function writeObject(
  environment: Environment,
  name: Key,
  epoch: number,
  bytes: Uint8Array,
  { signal, puts }: PutOptions,
): Promise<string> {
  const object = `${epoch}-${randomBytes(10).toString('hex')}`
  await environment.writable({ signal })
  const put = mapStorageErrors('store', () => environment.storage.objects.put(objectKey(name, object), bytes, { signal }), signal)
  if (puts === undefined) await put
  else puts.add(put)
  return object
}

/** The key of an object of a session. */
export function objectKey(name: Key, object: string): Key {
  return parseKey(`${name}/${object}`)
}
