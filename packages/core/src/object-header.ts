import type { Environment } from './environment.ts'
import { formatVersion } from './format.ts'
import { agentOf } from './keys.ts'
import { objectKey } from './session-objects.ts'
import { type AbortOptions, type Key, StorageError } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import { type ObjectHeader, parseHeader } from './stored-object.ts'

const firstBytes = 4096
const mostBytes = 32 * 1024 * 1024

/** A header, and where what it describes begins. */
export interface FoundHeader {
  readonly header: ObjectHeader
  readonly sizeBytes: number
}

/**
 * The header of an object of a session, read from its beginning alone; `undefined` when the object is gone, has none that can be read, or one
 * that is not of this session.
 */
export async function readHeader(
  environment: Environment,
  name: Key,
  object: string,
  sizeBytes: number,
  options: AbortOptions,
): Promise<FoundHeader | undefined> {
  for (let end = firstBytes; ; end *= 4) {
    const head = await readBeginning(environment, name, object, Math.min(end, sizeBytes), options)
    const found = head === undefined ? undefined : parseHeader(head)
    if (found !== undefined) return isOf(name, found.header) ? found : undefined
    // A header whose line is not over yet.
    if (head === undefined || head.includes(10) || end >= Math.min(sizeBytes, mostBytes)) return undefined
  }
}

/** Whether a header is of this session and of this format. */
export function isOf(name: Key, header: ObjectHeader): boolean {
  if (header.palimpsest !== formatVersion || header.session !== name) return false
  return header.kind === 'chunks' ? header.chunks !== undefined : header.agent === agentOf(name)
}

async function readBeginning(
  environment: Environment,
  name: Key,
  object: string,
  end: number,
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await environment.storage.objects.get(objectKey(name, object), { ...options, range: { start: 0, end } })
  } catch (error) {
    // It became shorter than its listing said: damage, not a failure of the backend.
    if (error instanceof StorageError && error.kind === 'range') return undefined
    return mapStorageErrors('read', () => Promise.reject(error), options.signal)
  }
}
