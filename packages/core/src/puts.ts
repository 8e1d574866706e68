import type { AbortOptions } from './storage.ts'

/** Options under which objects are put beside each other. */
export interface PutOptions extends AbortOptions {
  /** Takes a put that has begun; without it each is waited for. */
  readonly puts?: Puts | undefined
}

/** Puts that have begun. */
interface Puts {
  add(put: Promise<unknown>): void
}

/**
 * Runs `use`, which names objects while they are still on their way, and waits for all of them: when this resolves every one is durable, so
 * that a ledger may name them; when it rejects none is under way any more. Objects are put beside each other, since most of the time that one
 * takes is waiting for the disk.
 */
export async function puttingTogether<Result>(options: AbortOptions, use: (options: PutOptions) => Promise<Result>): Promise<Result> {
  const begun: Promise<unknown>[] = []
  const add = (put: Promise<unknown>): void => {
    // Met below; until then a failure must not count as unhandled.
    put.catch(() => undefined)
    begun.push(put)
  }
  try {
    const result = await use({ ...options, puts: { add } })
    await Promise.all(begun)
    return result
  } finally {
    await Promise.allSettled(begun)
  }
}
