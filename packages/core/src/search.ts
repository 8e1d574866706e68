import type { AbortOptions } from './storage.ts'
import type { EntryKind, EntryRole, PartName } from './transcript.ts'

/** What is looked for, and which page of what is found. */
export interface SearchQuery extends AbortOptions {
  /** Words, "phrases", `-word`, `role:`, `tool:`, `agent:`, `path:`, `before:`, `after:`, `dropped:true`; all else is taken literally. */
  readonly query: string
  /** 1 to 100, by default 20. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
  /** Only sessions of this project folder. */
  readonly cwd?: string | undefined
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** Only what compactions dropped, or only what they didn't. */
  readonly dropped?: boolean | undefined
  /** About how long a snippet is, by default 240; 0 gives none, and nothing is read back. */
  readonly snippetCharacters?: number | undefined
  /** How long to index first what is not indexed yet, by default 5,000; 0 answers from what is. */
  readonly updateMs?: number | undefined
}

/** An entry that was found. */
export interface SearchHit {
  /** The checkpoint whose compaction dropped it, else the newest that holds it. */
  readonly checkpointId: string
  readonly agent: string
  readonly sessionKey: string
  readonly sessionId: string
  readonly entryId: string
  readonly part: PartName
  /** Line of the part from 0, and the bytes of it that hold the entry. */
  readonly line: number
  readonly start: number
  readonly end: number
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
  /** Whether the checkpoint's compaction took it out of the context. */
  readonly dropped: boolean
  readonly snippet: string
  /** Where in the snippet the matches are: first character and the one after the last. */
  readonly marks: readonly (readonly [number, number])[]
  /** Comparable within one answer. */
  readonly score: number
  /** How many more entries say the same; they are left out. */
  readonly duplicates?: number | undefined
}

/** A page of what was found, best first. */
export interface SearchPage {
  readonly hits: readonly SearchHit[]
  readonly nextCursor?: string | undefined
  /** How many sessions were not indexed yet, and so not looked into. */
  readonly waiting: number
  /** What could not be indexed or read; all else was. */
  readonly problems: readonly { readonly name: string; readonly message: string }[]
}
