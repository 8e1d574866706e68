import { z } from 'zod'
import { CheckpointError } from './errors.ts'
import { jsonOf } from './json-bytes.ts'
import { parseKey } from './keys.ts'
import type { AbortOptions, Storage } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'

/** The version of everything that this program writes. */
export const formatVersion = 1

const formatRef = parseKey('format')
const formatSchema = z.object({ format: z.int().min(1) })

/** Throws `FORMAT_UNSUPPORTED` for a store written by a newer version. Says whether the store has a format yet. */
export async function checkFormat(storage: Storage, options: AbortOptions): Promise<boolean> {
  const found = await mapStorageErrors('read the format', () => storage.refs.read(formatRef, options), options.signal)
  if (found === undefined) return false
  const format = formatSchema.safeParse(jsonOf(found.value))
  if (!format.success) {
    throw new CheckpointError('CHECKPOINT_CORRUPT', 'The ref "format" of this store cannot be read. Is it a palimpsest store?', {
      key: formatRef,
      problem: 'unreadable',
    })
  }
  if (format.data.format > formatVersion) {
    throw new CheckpointError(
      'FORMAT_UNSUPPORTED',
      `This store has format ${format.data.format}; this version reads up to ${formatVersion}. Upgrade palimpsest; nothing was changed.`,
      { found: format.data.format, supported: formatVersion },
    )
  }
  return true
}

/** Checks the format, and writes it down in a store that has none. Of several writers one is first; all agree. */
export async function ensureFormat(storage: Storage, options: AbortOptions): Promise<void> {
  if (await checkFormat(storage, options)) return
  const swap = (): Promise<unknown> => storage.refs.compareAndSwap(formatRef, formatValue(), undefined, options)
  const failure = await mapStorageErrors('write the format', swap, options.signal).then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  options.signal?.throwIfAborted()
  // A swap that throws may have been made all the same.
  if (!(await checkFormat(storage, options)) && failure !== undefined) throw failure.error
}

/** Writes the format of this version in place of a ref that can't be read. Never replaces one that can. */
export async function replaceFormat(storage: Storage, options: AbortOptions): Promise<void> {
  const found = await mapStorageErrors('read the format', () => storage.refs.read(formatRef, options), options.signal)
  if (found === undefined || formatSchema.safeParse(jsonOf(found.value)).success) return
  await mapStorageErrors(
    'write the format',
    () => storage.refs.compareAndSwap(formatRef, formatValue(), found.version, options),
    options.signal,
  )
}

function formatValue(): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ format: formatVersion })}\n`)
}
