import { type AbortOptions, StorageError } from '@palimpsest/core'
import { toStorageError } from './fs-errors.ts'

/** Runs an operation: checks signal and state first, rethrows the signal's reason untouched, and makes a `StorageError` of all else. */
export type Operate = <Result>(options: AbortOptions | undefined, run: () => Promise<Result>) => Promise<Result>

/** The operations of one instance: none begins after the end, and the end waits for those that run. */
export class Operations {
  readonly #root: string
  readonly #running = new Set<Promise<unknown>>()
  #ended = false

  constructor(root: string) {
    this.#root = root
  }

  /** See `Operate`. `run` is called at once, before this returns. */
  async run<Result>(options: AbortOptions | undefined, run: () => Promise<Result>): Promise<Result> {
    const signal = options?.signal
    signal?.throwIfAborted()
    if (this.#ended) throw new StorageError('closed', `The storage of ${this.#root} was closed; create another instance.`)
    const result = run()
    this.#running.add(result)
    try {
      return await result
    } catch (error) {
      if (signal?.aborted === true && error === signal.reason) throw error
      throw toStorageError(error, this.#root)
    } finally {
      this.#running.delete(result)
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.allSettled(this.#running)
  }
}
