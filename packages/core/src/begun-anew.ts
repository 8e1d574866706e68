import { isCheckpointError } from './errors.ts'

/**
 * Runs `work`, which asks a search index several things, once more where the index turned out to be damaged meanwhile and was begun anew: what it said
 * before then no longer holds, and what it says afterwards is not all.
 */
export async function againWhereBegunAnew<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (isBegunAnew(error)) return work()
    throw error
  }
}

/** Whether an index threw because it was damaged and is empty now. */
export function isBegunAnew(error: unknown): boolean {
  return isCheckpointError(error, 'STORAGE_UNAVAILABLE') && error.details.operation === 'begin the search index anew'
}
