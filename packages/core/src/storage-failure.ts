import { CheckpointError } from './errors.ts'
import { StorageError } from './storage.ts'

/** Runs an operation of the port and gives its errors the codes of the service. A signal's reason passes untouched. */
export async function mapStorageErrors<Value>(operation: string, run: () => Promise<Value>, signal?: AbortSignal): Promise<Value> {
  try {
    return await run()
  } catch (error) {
    if (signal?.aborted === true && error === signal.reason) throw error
    throw storageFailure(operation, error)
  }
}

/** `STORAGE_REFUSED`, `STORAGE_UNAVAILABLE`, `FORMAT_UNSUPPORTED` or `KEY_INVALID` for what a storage adapter threw. */
export function storageFailure(operation: string, error: unknown): unknown {
  if (error instanceof CheckpointError || isAbort(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  const options = { cause: error }
  if (!(error instanceof StorageError)) return unavailable(operation, message, options)
  switch (error.kind) {
    case 'refused':
    case 'too-large':
      return new CheckpointError(
        'STORAGE_REFUSED',
        `The store refused to ${operation}: ${message} Check its permissions and free space; what was stored before is untouched.`,
        { operation },
        options,
      )
    case 'newer':
      return new CheckpointError(
        'FORMAT_UNSUPPORTED',
        `${message} Upgrade palimpsest; nothing was changed.`,
        { found: 2, supported: 1 },
        options,
      )
    case 'key':
      return new CheckpointError('KEY_INVALID', message, { key: operation }, options)
    case 'unsupported':
      return new CheckpointError('STORAGE_REFUSED', `The store can't be used: ${message}`, { operation }, options)
    case 'unavailable':
    case 'range':
    case 'closed':
      return unavailable(operation, message, options)
    default:
      return error.kind satisfies never
  }
}

function unavailable(operation: string, message: string, options: ErrorOptions): CheckpointError {
  return new CheckpointError('STORAGE_UNAVAILABLE', `The store could not ${operation}: ${message} Try again.`, { operation }, options)
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
