import type { AbortOptions } from './storage.ts'

/** Narrows what an id means: `latest` and short ids are looked up in this session alone. */
export interface WithinSession extends AbortOptions {
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
}
