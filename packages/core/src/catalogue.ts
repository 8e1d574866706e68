import type { CheckpointRow } from './checkpoint.ts'
import type { SessionSummary } from './list.ts'
import type { AbortOptions, Key } from './storage.ts'

/** What a catalogue holds of one session: everything that a list over all sessions needs, without its ledger. */
export interface CataloguedSession {
  readonly name: Key
  /** Counts the ledger's commits; a smaller one never replaces a larger one. */
  readonly commitCount: number
  readonly summary: SessionSummary
  /** All of them, newest first. */
  readonly rows: readonly CheckpointRow[]
}

/** How far a catalogue has come in reading what changed. */
export interface CatalogueProgress {
  /** The token of `RefStore.changes` up to which all changes were read; `undefined` before the first, and where that is not known. */
  readonly token: string | undefined
  /** Sessions whose ledgers could not be read then, so that they are tried again: in order of their names. */
  readonly unread: readonly Key[]
}

/**
 * A derived, discardable list over all sessions of a store. It is told of a change before (`changing`) and after (`changed`) its commit, so that
 * a crash between the two leaves the session marked as stale, and a reader first reads the stale ledgers again. What writers did that use another
 * catalogue, or none, it learns from storage: `progress` and `caughtUp` keep how far that was read. Losing it loses nothing.
 */
export interface Catalogue {
  /** The ledger of `name` is about to change. */
  changing(name: Key): Promise<void>
  /** What the ledger says now. Clears the mark of `changing`. */
  changed(session: CataloguedSession): Promise<void>
  /** Sessions marked as changing and not yet settled. */
  stale(options?: AbortOptions): Promise<readonly Key[]>
  /** Who brings the catalogue up to date asks this first. */
  progress(options?: AbortOptions): Promise<CatalogueProgress>
  /**
   * All changes up to `progress.token` have been reported by `changed`, but those of `progress.unread`. Nothing happens when somebody else went on
   * from another token than `from` meanwhile.
   */
  caughtUp(from: string | undefined, progress: CatalogueProgress): Promise<void>
  /** The names it knows, for a comparison with those in storage. */
  names(options?: AbortOptions): Promise<ReadonlySet<string>>
  /** Checkpoints over all sessions, by `createdAt`, then id, newest first; those after `cursor` where one is given. */
  newest(
    query: AbortOptions & {
      readonly limit: number
      readonly agent?: string | undefined
      readonly cwd?: string | undefined
      readonly before?: number | undefined
      readonly after?: number | undefined
      readonly cursor?: { readonly createdAt: number; readonly id: string } | undefined
    },
  ): Promise<readonly { readonly name: Key; readonly row: CheckpointRow }[]>
  /** Checkpoints whose id ends in `suffix`, at most `limit`. */
  endingIn(
    suffix: string,
    options: AbortOptions & { readonly limit: number },
  ): Promise<readonly { readonly name: Key; readonly id: string }[]>
  /** Sessions by their newest checkpoint, newest first. */
  sessions(
    query: AbortOptions & {
      readonly limit: number
      readonly agent?: string | undefined
      readonly cwd?: string | undefined
      readonly cursor?: { readonly newestAt: number; readonly name: string } | undefined
    },
  ): Promise<readonly { readonly name: Key; readonly summary: SessionSummary }[]>
}
