import { randomBytes } from 'node:crypto'
import { type Key, parseKey, type Storage, type StorageTraits } from '@palimpsest/core'

/**
 * Makes a new instance of the adapter, not yet opened. All instances that one such function makes work on one and the same store, which may
 * hold anything: every case keeps to a random prefix of its own and deletes nothing outside it.
 */
export type OpenStorage = () => Storage | Promise<Storage>

export type StorageCaseGroup = 'objects' | 'lists' | 'keys' | 'refs' | 'changes' | 'concurrency' | 'abort' | 'lifecycle'

/** What a store's traits must say for a case to make sense. Where they don't, the case is skipped in sight, with the trait that caused it. */
export interface StorageNeeds {
  readonly durable?: true
  readonly tellsChanges?: true
  /** The store takes objects of this size. */
  readonly minObjectBytes?: number
  /** The store's limit is low enough to go over it in a test. */
  readonly maxObjectBytes?: number
}

/** One clause of the contract. Plain data: whoever has a test runner, or none, can run it. */
export interface StorageCase {
  /** `<group>/<few-words>`; stays the same for ever, so that reports can be compared. */
  readonly id: string
  readonly group: StorageCaseGroup
  /** The promise as a sentence. */
  readonly name: string
  readonly needs: StorageNeeds
  /** Rejects when the promise is broken, most often with an `AssertionError`. */
  run(context: StorageCaseContext): Promise<void>
}

/** What a case works with. */
export interface StorageCaseContext {
  /** An open instance. */
  readonly storage: Storage
  /** This case's own part of the key space, for objects and refs: ends in `/`. */
  readonly prefix: string
  /** A key in it. */
  key(rest: string): Key
  /** One more instance on the same store, open. It is closed when the case has ended. */
  another(): Promise<Storage>
  /** One more instance on the same store, as the adapter makes it: not opened. It is closed when the case has ended. */
  unopened(): Promise<Storage>
}

/** The needs of a case that `traits` don't meet, in words; none when it can run. */
export function unmetNeeds(needs: StorageNeeds, traits: StorageTraits): readonly string[] {
  const { durable, tellsChanges, minObjectBytes, maxObjectBytes } = needs
  const unmet: string[] = []
  if (durable === true && !traits.durable) unmet.push('durable is false')
  if (tellsChanges === true && traits.tellsChanges !== true) unmet.push('tellsChanges is not true')
  if (minObjectBytes !== undefined && traits.maxObjectBytes < minObjectBytes)
    unmet.push(`maxObjectBytes is ${traits.maxObjectBytes}, the case needs at least ${minObjectBytes}`)
  if (maxObjectBytes !== undefined && traits.maxObjectBytes > maxObjectBytes)
    unmet.push(`maxObjectBytes is ${traits.maxObjectBytes}, the case needs at most ${maxObjectBytes}`)
  return unmet
}

/** Runs `use` on an open instance under a fresh prefix, and closes every instance that it made, whatever happens. */
export async function withStorageContext<Result>(
  open: OpenStorage,
  use: (context: StorageCaseContext) => Promise<Result>,
): Promise<Result> {
  const instances: Storage[] = []
  const prefix = `case-${randomBytes(8).toString('hex')}/`
  const unopened = async () => {
    const instance = await open()
    instances.push(instance)
    return instance
  }
  const another = async () => {
    const instance = await unopened()
    await instance.open()
    return instance
  }
  try {
    return await use({ storage: await another(), prefix, key: (rest) => parseKey(prefix + rest), another, unopened })
  } finally {
    await Promise.all(instances.map((instance) => instance.close()))
  }
}
