import type { SearchFilters, SearchTerm } from './search-query.ts'
import type { AbortOptions, Key } from './storage.ts'
import type { AgentId, EntryKind, EntryRole, PartName } from './transcript.ts'

/** Where an entry lies in what is stored of its session: bytes `start` to `end` of a stream of a part, from the `line`th line on. */
export interface IndexedPlace {
  readonly part: PartName
  /** The oldest of the part's streams that has these bytes, so that a prefix which streams share has one place. */
  readonly stream: number
  readonly line: number
  readonly start: number
  readonly end: number
}

/** An entry as it goes into an index. Of a part without lines, such as a saved tool result, several lines make one. */
export interface SearchableEntry extends IndexedPlace {
  readonly entryId: string
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt?: number | undefined
  /** The entry's note, where its reader needs that for the text. */
  readonly note?: string | undefined
  /** All of it, as `searchableText` gives it. The index keeps no copy. */
  readonly text: string
  /** `fingerprintOf(text)`: equal for equal texts alone. */
  readonly fingerprint: string
}

/** How far a stream is indexed. */
export interface StreamProgress {
  readonly part: PartName
  readonly stream: number
  /** Everything before this byte was looked at. */
  readonly bytes: number
  /** The start of the line from which it goes on: `bytes`, or before it where the last line had no end. */
  readonly resume: { readonly start: number; readonly line: number }
  /** Tells the bytes before `bytes` from others that a later capture may store in their place. */
  readonly digest: string
}

/** How far a session is indexed. */
export interface SessionProgress {
  /** The id of the ledger's last commit, up to which everything is indexed; `undefined` while there is none. */
  readonly commit: string | undefined
  readonly streams: readonly StreamProgress[]
  /** The checkpoints whose dropped entries are known: by id, the name of the record they were read from. */
  readonly checkpoints: ReadonlyMap<string, string>
}

/** The session that a batch is of. */
export interface IndexedSessionFacts {
  readonly name: Key
  readonly agent: AgentId
  readonly sessionKey: string
  readonly cwd?: string | undefined
}

/** Entries of one stream, one behind the other, and how far the stream is indexed with them. */
export interface SearchBatch {
  readonly session: IndexedSessionFacts
  readonly entries: readonly SearchableEntry[]
  /** How far the stream was indexed when these were read; `undefined` where nothing of it was. */
  readonly from: StreamProgress | undefined
  readonly to: StreamProgress
}

/** The entries that one checkpoint's compaction dropped (none where there was no compaction), each by the stream that is its home and its first byte there. */
export interface DroppedEntries {
  readonly session: Key
  readonly checkpointId: string
  /** The record that says so. */
  readonly record: string
  readonly entries: readonly { readonly stream: number; readonly start: number }[]
}

/** What an index is asked. */
export interface SearchRequest extends AbortOptions {
  /** All of these, else any of them. */
  readonly terms: readonly SearchTerm[]
  /** None of these. */
  readonly without: readonly SearchTerm[]
  readonly filters: SearchFilters
  /** Terms and what is left out as they were written: what holds them so comes first, and is `isExcluded` where it holds the latter. */
  readonly verbatim: string
  /** Only these sessions. */
  readonly sessions?: readonly Key[] | undefined
  /** Only sessions of this project folder. */
  readonly cwd?: string | undefined
  /** How many hits at most. Once so many hold the phrase or all of the words, those that hold only some are not looked for. */
  readonly limit: number
}

/** An entry that an index found. */
export interface IndexHit {
  readonly session: Key
  /** Where it lies: once, or once in each stream of a rewritten transcript that holds it. */
  readonly places: readonly IndexedPlace[]
  readonly entryId: string
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
  readonly note?: string | undefined
  readonly fingerprint: string
  /** How many more entries say the same, as far as they were looked at. */
  readonly others: number
  /** Ids of the checkpoints whose compactions dropped it, as far as they are indexed; none where it was kept. */
  readonly droppedBy: readonly string[]
  /** Whether it holds the words one behind the other, as they were written but for signs and case; else all of them; else some, or all in a long text. */
  readonly holds: 'phrase' | 'all' | 'some'
  /** It holds what was to be left out: it counts only where the query stands in it as it was written. */
  readonly isExcluded?: true | undefined
  /** Above 0, the higher the better; comparable within one answer alone. */
  readonly score: number
}

/** How far an index has come in reading which sessions changed. */
export interface IndexProgress {
  /** The token of `RefStore.changes` up to which all changes were read. */
  readonly token: string | undefined
  /** Sessions that changed before it and are not wholly indexed yet, or could not be read. */
  readonly waiting: readonly Key[]
}

/** What an index holds. */
export interface SearchIndexSize {
  readonly entries: number
  /** Sessions of which anything is indexed. */
  readonly sessions: number
  /** Their transcripts, as far as they are indexed; of one that was rewritten, its longest state. */
  readonly transcriptBytes: number
  /** What the index takes. */
  readonly sizeBytes: number
}

/**
 * Full-text search over the entries of stored sessions. Derived: it holds no text, losing it loses nothing, and several processes may use one at
 * once. Every write is atomic, so that whoever was killed goes on from the last one. What it can't use (a damaged file, one of another version) it
 * begins anew by itself; where damage shows only in an answer, it throws `STORAGE_UNAVAILABLE` with the operation `begin the search index anew`: all that it
 * said before is to be asked again. Throws `STORAGE_UNAVAILABLE` where it stays locked, and `STORAGE_REFUSED` where it can't be written.
 */
export interface SearchIndex {
  progress(options?: AbortOptions): Promise<IndexProgress>
  /** Nothing happens when somebody else went on from another token than `from` meanwhile. */
  advance(from: string | undefined, to: IndexProgress): Promise<void>
  /** These sessions, wholly indexed or not, wait no more. */
  settled(names: readonly Key[]): Promise<void>
  /** How far a session is indexed; `undefined` where nothing of it is. */
  session(name: Key, options?: AbortOptions): Promise<SessionProgress | undefined>
  /** Every session of which anything is indexed. */
  sessions(options?: AbortOptions): Promise<readonly Key[]>
  /**
   * Adds the entries of a batch. Idempotent: an entry that begins at the same byte takes the other's place, and where the stream is not indexed as
   * far as `from` says, nothing happens and it gives `false`.
   */
  add(batch: SearchBatch): Promise<boolean>
  /** Keeps which entries a compaction dropped, in place of what was known of it. */
  dropped(dropped: DroppedEntries): Promise<void>
  /** Everything of the session up to this commit is indexed; of checkpoints only `checkpointIds` are still known. */
  complete(session: IndexedSessionFacts, commit: string, checkpointIds: readonly string[]): Promise<void>
  /** Forgets a stream of a part, or everything of sessions. Idempotent. */
  forgetStream(name: Key, part: PartName, stream: number): Promise<void>
  forget(names: readonly Key[]): Promise<void>
  /**
   * Ranked, best first; of entries that say the same one. The first so many are the same however many are asked for. Fewer than `limit` only where there are
   * no more that hold all of the words; of those that hold some it may leave out the ones that hold very common words alone.
   */
  find(request: SearchRequest): Promise<readonly IndexHit[]>
  /** Entries that say what hits of that request say, by their fingerprints, those themselves too; of each text the last `limit`. */
  same(fingerprints: readonly string[], request: SearchRequest): Promise<readonly IndexHit[]>
  /** Forgets everything. */
  clear(): Promise<void>
  size(): Promise<SearchIndexSize>
  /** Idempotent. */
  close(): void
}
