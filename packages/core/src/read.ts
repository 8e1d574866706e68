import type { WithinSession } from './checkpoints.ts'
import type { EntryKind, EntryRole, Problem } from './transcript.ts'

/**
 * `context`: the messages that the model saw, an earlier summary as an entry · `after`: the same right after the compaction ·
 * `all`: every message on the active branch, summaries left out · `raw`: every line.
 */
export type ReadView = 'context' | 'after' | 'all' | 'raw'

/** Which entries of a checkpoint. */
export interface ReadQuery extends WithinSession {
  /** By default `context`. */
  readonly view?: ReadView | undefined
  /** The place in the view of the first entry, from 0. */
  readonly from?: number | undefined
  /** 1 to 1000, by default 50. */
  readonly limit?: number | undefined
  /** Centres the page on this entry; excludes `from`. */
  readonly around?: string | undefined
  /** Only entries of the view that the compaction dropped. */
  readonly dropped?: boolean | undefined
}

/** An entry as it is given back. `gap` stands for bytes that are damaged in storage. */
export interface ReadEntry {
  readonly id: string
  readonly parentId?: string | undefined
  readonly kind: EntryKind | 'bad' | 'gap'
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
  readonly text: string
  /** Line of the main part from 0; absent for a summary that stands in no line. */
  readonly line?: number | undefined
  /** In the views of a completed compaction: whether it is gone from the context after it. */
  readonly dropped?: boolean | undefined
}

/** A page of a view. */
export interface EntryPage {
  readonly checkpointId: string
  readonly view: ReadView
  readonly entries: readonly ReadEntry[]
  /** How many entries the view has. */
  readonly total: number
  readonly from: number
  /** The `from` of the next page; absent on the last. */
  readonly next?: number | undefined
  /** What could not be followed in the transcript's structure. */
  readonly problems: readonly Problem[]
}
