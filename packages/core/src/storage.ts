/** A name in storage that `parseKey` has accepted. */
declare const keyBrand: unique symbol
/** The version of a ref as its adapter names it. */
declare const refVersionBrand: unique symbol

/**
 * `/`-joined segments of `[a-z0-9._-]`, none of them `.`, `..`, ending in a dot, or a reserved device name; at most 200 bytes.
 * Made by `parseKey` alone, so that no user text ever reaches a backend.
 */
export type Key = string & { readonly [keyBrand]: 'Key' }

/** Opaque and never reused for a ref, not even for equal bytes. */
export type RefVersion = string & { readonly [refVersionBrand]: 'RefVersion' }

/** Every operation of the port takes a signal, whose reason is rethrown untouched. */
export interface AbortOptions {
  readonly signal?: AbortSignal | undefined
}

/** Half-open: `start` is the first byte, `end` the one after the last. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A page of a listing: what comes after `after` (exclusive; need not exist), at most `limit` (1 to 1000, by default 1000). */
export interface ListOptions extends AbortOptions {
  readonly after?: Key | undefined
  readonly limit?: number | undefined
}

/** What a store is able to do. Conformance cases are chosen by it, never by an adapter's name. */
export interface StorageTraits {
  /** What was acknowledged survives a crash of the process and of the machine. */
  readonly durable: boolean
  /** How far exclusion reaches: between the instances of one process, of one machine, or of a network. */
  readonly sharedBy: 'process' | 'machine' | 'network'
  readonly maxObjectBytes: number
  /** Whether `refs.changes` is there. */
  readonly tellsChanges?: boolean | undefined
}

/** Immutable values, each created once. */
export interface ObjectStore {
  /** Create-only, atomic and durable: of many racing writers exactly one gets `created: true`, and readers see nothing or all of it. */
  put(key: Key, bytes: Uint8Array, options?: AbortOptions): Promise<{ created: boolean }>
  /** The whole object or a range of it; `undefined` when absent. A range beyond the end is a `range` error, not a truncation. */
  get(key: Key, options?: AbortOptions & { readonly range?: ByteRange | undefined }): Promise<Uint8Array | undefined>
  /** Resolves for absent keys too. */
  delete(keys: readonly Key[], options?: AbortOptions): Promise<void>
  /** Byte order, each key once, everything written before the call; `next` is the cursor of the following page. */
  list(
    prefix: string,
    options?: ListOptions,
  ): Promise<{ readonly items: readonly { readonly key: Key; readonly sizeBytes: number }[]; readonly next?: Key }>
}

/** Small values that change by compare-and-swap alone and are never deleted. */
export interface RefStore {
  /** `undefined` when absent. A reader never goes back in time. */
  read(name: Key, options?: AbortOptions): Promise<{ readonly value: Uint8Array; readonly version: RefVersion } | undefined>
  /**
   * Swaps in `value` (at most 1 MiB) if the ref still has the version `expected` (`undefined`: if it does not exist yet).
   * Gives the new version, or `undefined` when another writer was first. When it throws, the outcome is unknown.
   */
  compareAndSwap(name: Key, value: Uint8Array, expected: RefVersion | undefined, options?: AbortOptions): Promise<RefVersion | undefined>
  /** Byte order, each name once; `next` is the cursor of the following page. */
  list(prefix: string, options?: ListOptions): Promise<{ readonly items: readonly { readonly name: Key }[]; readonly next?: Key }>
  /**
   * Which refs have changed; for adapters that can tell it at a cost that does not grow with the number of refs, others leave it out. Calls in a row,
   * each given the token of the one before, name every swap: when its value can be read already, and at the latest in the first call that begins
   * after it was acknowledged. They may name more. A token holds for every instance on the store. `names` is `undefined` where any ref may have
   * changed: without a token, and with one that is none of this store, or that is not understood any more. Without `token` there is nothing yet to
   * go on from.
   */
  changes?(since: string | undefined, options?: AbortOptions): Promise<RefChanges>
}

/** Which refs have changed since a moment, and a token for this one. */
export interface RefChanges {
  readonly names: readonly Key[] | undefined
  readonly token: string | undefined
}

/**
 * Where bytes live: create-only objects and compare-and-swap refs, whose names never meet. Bytes are the caller's: copied in, copied out.
 * Absent is `undefined`; unreadable is a `StorageError`, never `undefined`. No promise depends on a clock or a lock file.
 */
export interface Storage {
  readonly traits: StorageTraits
  readonly objects: ObjectStore
  readonly refs: RefStore
  /** Idempotent. Writes nothing to an existing store, so that a read-only one can be read. */
  open(options?: AbortOptions): Promise<void>
  /** Idempotent. Afterwards every operation throws a `closed` error. */
  close(): Promise<void>
}

/**
 * refused: permission, quota, disk full, read-only · unavailable: the backend failed, try again · key: not a legal key · range: a range or
 * limit outside its bounds · too-large: a value over the limit · closed: after `close` · unsupported: the backend can't keep a promise ·
 * newer: the store was laid out by a newer version.
 */
export type StorageErrorKind = 'refused' | 'unavailable' | 'key' | 'range' | 'too-large' | 'closed' | 'unsupported' | 'newer'

/** The one error of the port; the driver's own error is its `cause`. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly kind: StorageErrorKind

  constructor(kind: StorageErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** The largest value of a ref, in bytes. */
export const maxRefBytes: number = 1024 * 1024

/** The `limit` of a listing, or 1000. Throws a `range` error unless it is a whole number from 1 to 1000. */
export function pageLimit(options: ListOptions | undefined): number {
  const limit = options?.limit ?? 1000
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new StorageError('range', `A listing's limit is a whole number from 1 to 1000, not ${String(limit)}.`)
  }
  return limit
}

/** Throws a `range` error unless `range` lies within a value of `sizeBytes`. */
export function assertRange(range: ByteRange, sizeBytes: number): void {
  const whole = Number.isInteger(range.start) && Number.isInteger(range.end)
  if (!whole || range.start < 0 || range.end < range.start || range.end > sizeBytes) {
    throw new StorageError('range', `Bytes ${range.start} to ${range.end} lie outside a value of ${sizeBytes} bytes.`)
  }
}
