import { type AroundOutcome, type AroundRequest, captureAround } from './around.ts'
import { againWhereBegunAnew } from './begun-anew.ts'
import { type BranchOptions, type BranchResult, branchCheckpoint } from './branch.ts'
import { type CaptureRequest, captureCheckpoint, type PendingCheckpoint } from './capture.ts'
import { type Checkpoint, checkpointOf } from './checkpoint.ts'
import { abandonCheckpoint, type Completion, completeCheckpoint } from './completion.ts'
import { deleteCheckpoints, deleteSession, labelCheckpoint, pinCheckpoint, undeleteCheckpoint } from './curation.ts'
import { type CheckpointDiff, type DiffQuery, diffCheckpoint } from './diff.ts'
import { type BetweenQuery, type CheckpointsDiff, diffBetween } from './diff-between.ts'
import { type CheckpointsOptions, createEnvironment } from './environment.ts'
import { type ImportRequest, type ImportResult, importTranscript } from './import.ts'
import { type CheckpointPage, type ListQuery, listCheckpoints, listSessions, type SessionPage, type SessionQuery } from './list.ts'
import { type PruneOptions, type PruneReport, pruneStore } from './prune.ts'
import { type CheckpointPart, partsOfCheckpoint, rawBytes } from './raw-bytes.ts'
import { type EntryPage, type ReadQuery, readEntries } from './read.ts'
import { type RecoveredText, type RecoverQuery, recoverCheckpoint } from './recover.ts'
import { type LossReport, type ReportQuery, reportLosses } from './report.ts'
import { resolveCheckpoint, resolveRecord } from './resolve.ts'
import { type RestoreOptions, type RestoreResult, restoreCheckpoint } from './restore.ts'
import { type SearchPage, type SearchQuery, searchEntries } from './search.ts'
import type { SearchIndexSize } from './search-index.ts'
import { type IndexOptions, type IndexReport, requireSearchIndex, updateSearchIndex } from './search-indexing.ts'
import { type VerifyOptions, type VerifyReport, verifyStore } from './verify.ts'
import type { WithinSession } from './within-session.ts'

/**
 * The service. An id is a whole checkpoint id, its last 6 or more characters, or `latest`, `latest~1`, … (compactions, newest first); it is
 * trimmed. Every operation that names a checkpoint throws `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_AMBIGUOUS` or `ARGUMENT_INVALID` for an id that
 * names none, several, or can't be one; all throw `STORAGE_UNAVAILABLE`, `STORAGE_REFUSED` and `FORMAT_UNSUPPORTED`, and those that read bytes
 * `CHECKPOINT_CORRUPT`.
 */
export interface Checkpoints {
  /**
   * Stores the transcript as it is now. Atomic: the checkpoint is there whole and durable, or not at all. Idempotent where the bytes are known
   * (`outcome: 'unchanged'`). Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_MALFORMED`, `TRANSCRIPT_UNRECOGNISED`, `CHECKPOINT_CONFLICT`.
   */
  capture(request: CaptureRequest): Promise<PendingCheckpoint>
  /** Captures, runs `compact`, and completes or abandons. An error of `compact` is rethrown untouched. */
  around<Result>(
    request: AroundRequest<Result>,
    compact: () => Result | Promise<Result>,
  ): Promise<{ readonly result: Result; readonly outcome: AroundOutcome }>
  /** Confirms a pending checkpoint, by id. */
  complete(id: string, completion: Completion, within?: WithinSession): Promise<Checkpoint>
  /** Takes a pending checkpoint back, and the bytes that its own capture stored. Refused (`ARGUMENT_INVALID`) once it is complete. */
  abandon(id: string, within?: WithinSession): Promise<void>
  /** Finds every compaction that a transcript records and keeps the state before each. Idempotent; two at once make the same ids. */
  import(request: ImportRequest): Promise<ImportResult>
  /** Newest first, in pages that survive new checkpoints. An unknown session lists as empty. */
  list(query?: ListQuery): Promise<CheckpointPage>
  /** The sessions that have checkpoints, the one with the newest first. */
  sessions(query?: SessionQuery): Promise<SessionPage>
  get(id: string, within?: WithinSession): Promise<Checkpoint>
  /** A page of entries of a checkpoint. A damaged chunk shows as an entry of kind `gap` among all the others. */
  read(id: string, query?: ReadQuery): Promise<EntryPage>
  /**
   * Entries of all sessions that hold what the query says, best first, each with the checkpoint to read it in. Indexes first what is not indexed
   * yet, for some seconds at most. Nothing comes from a deleted checkpoint. Throws `ARGUMENT_INVALID` for an empty query, and where there is no index.
   */
  search(query: SearchQuery): Promise<SearchPage>
  /** Brings the search index up to date, and says what it holds. Resumable, idempotent; losing the index loses nothing. Throws `ARGUMENT_INVALID` where there is none. */
  index(options?: IndexOptions): Promise<IndexReport & { readonly size: SearchIndexSize }>
  /**
   * What a compaction kept and dropped, and which facts of what was dropped no longer stand in the context. Exact: by the words alone. Reads stored bytes alone.
   * Throws `ARGUMENT_INVALID` for a checkpoint without a completed compaction.
   */
  diff(id: string, query?: DiffQuery): Promise<CheckpointDiff>
  /**
   * What came and went between the contexts of two checkpoints. Throws `ARGUMENT_INVALID` for those of different sessions that share no entries.
   */
  diff(fromId: string, toId: string, query?: BetweenQuery): Promise<CheckpointsDiff>
  /** What compactions lose, over all checkpoints that the query names. One that can't be read is a problem in the report, not the end. */
  report(query?: ReportQuery): Promise<LossReport>
  /** The facts that a compaction forgot, cited, as a text of at most `maxTokens`. Throws as `diff` does. */
  recover(id: string, query?: RecoverQuery): Promise<RecoveredText>
  /** The main part and the sidecars. */
  parts(id: string, within?: WithinSession): Promise<readonly CheckpointPart[]>
  /** The exact bytes of a part, in pieces of at most 1 MiB. Throws `CHECKPOINT_CORRUPT` before it yields a byte that isn't right. */
  raw(id: string, options?: WithinSession & { readonly part?: string | undefined }): AsyncIterable<Uint8Array>
  /** A new session of the agent that stands where the checkpoint's did. Never touches the old one. Throws `TARGET_REFUSED`. */
  branch(id: string, options?: BranchOptions): Promise<BranchResult>
  /** Puts the session's own file back; what it was is captured first, and `undo` names it. Throws `CHECKPOINT_CONFLICT`, `TARGET_REFUSED`. */
  restore(id: string, options?: RestoreOptions): Promise<RestoreResult>
  /** Exempts a checkpoint from retention, or (`on: false`) no longer. */
  pin(id: string, options?: WithinSession & { readonly on?: boolean | undefined }): Promise<Checkpoint>
  /** Names a checkpoint; without `text` its label is removed. */
  label(id: string, options?: WithinSession & { readonly text?: string | undefined }): Promise<Checkpoint>
  /** Moves checkpoints to the trash. Refuses pinned ones (`ARGUMENT_INVALID`) unless `force`. Gives the ids. All of one session or none. */
  delete(ids: readonly string[], options?: WithinSession & { readonly force?: boolean | undefined }): Promise<readonly string[]>
  /** Moves every checkpoint of a session to the trash. Throws `SESSION_NOT_FOUND`. */
  deleteSession(session: {
    readonly agent: string
    readonly sessionKey: string
    readonly force?: boolean | undefined
    readonly signal?: AbortSignal | undefined
  }): Promise<readonly string[]>
  /** Takes a checkpoint back out of the trash, by its whole id or the end of it. */
  undelete(id: string, within?: WithinSession): Promise<Checkpoint>
  /**
   * Applies the retention, empties trash that is older than a day, and deletes what nothing needs any more. Never touches what a kept checkpoint,
   * or one in the trash, stands on. Safe beside captures (one that runs may have to store its bytes again), and after a crash at any point:
   * run again, it goes on. Idempotent.
   */
  prune(options?: PruneOptions): Promise<PruneReport>
  /**
   * Reads every ledger, record and chunk again, in bounded memory, and names everything that is missing or damaged with the checkpoints it takes
   * something from. With `repair` it mends what other objects and the agents' transcripts allow; nothing is invented.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>
}

/** The service over a store that the caller opened, with the readers of the agents it is to know. Opens and writes nothing by itself. */
export function createCheckpoints(options: CheckpointsOptions): Checkpoints {
  const environment = createEnvironment(options)
  function diff(id: string, query?: DiffQuery): Promise<CheckpointDiff>
  function diff(fromId: string, toId: string, query?: BetweenQuery): Promise<CheckpointsDiff>
  function diff(id: string, toIdOrQuery: string | DiffQuery = {}, query: BetweenQuery = {}): Promise<CheckpointDiff | CheckpointsDiff> {
    return typeof toIdOrQuery === 'string' ? diffBetween(environment, id, toIdOrQuery, query) : diffCheckpoint(environment, id, toIdOrQuery)
  }
  const capture = (request: CaptureRequest): Promise<PendingCheckpoint> => captureCheckpoint(environment, request)
  return {
    capture,
    around: (request, compact) => captureAround(capture, request, compact),
    async complete(id, completion, within = {}) {
      const { name, row } = await resolveCheckpoint(environment, id, within)
      return completeCheckpoint(environment, name, row.id, completion, within)
    },
    async abandon(id, within = {}) {
      const { name, row } = await resolveCheckpoint(environment, id, within)
      await abandonCheckpoint(environment, name, row.id, within)
    },
    import: (request) => importTranscript(environment, request),
    list: (query = {}) => listCheckpoints(environment, query),
    sessions: (query = {}) => listSessions(environment, query),
    async get(id, within = {}) {
      const { row, record } = await resolveRecord(environment, id, within)
      return checkpointOf(row, record)
    },
    read: (id, query = {}) => readEntries(environment, id, query),
    search: (query) =>
      // What is not to be indexed would not be found in an index that is empty now.
      query.updateMs === 0 ? searchEntries(environment, query) : againWhereBegunAnew(() => searchEntries(environment, query)),
    index: (indexOptions = {}) =>
      againWhereBegunAnew(async () => ({
        ...(await updateSearchIndex(environment, indexOptions)),
        size: await requireSearchIndex(environment).size(),
      })),
    diff,
    report: (query = {}) => reportLosses(environment, query),
    recover: (id, query = {}) => recoverCheckpoint(environment, id, query),
    parts: (id, within = {}) => partsOfCheckpoint(environment, id, within),
    raw: (id, rawOptions = {}) => rawBytes(environment, id, rawOptions),
    branch: (id, branchOptions = {}) => branchCheckpoint(environment, id, branchOptions),
    restore: (id, restoreOptions = {}) => restoreCheckpoint(environment, id, restoreOptions),
    pin: (id, pinOptions = {}) => pinCheckpoint(environment, id, pinOptions),
    label: (id, labelOptions = {}) => labelCheckpoint(environment, id, labelOptions),
    delete: (ids, deleteOptions = {}) => deleteCheckpoints(environment, ids, deleteOptions),
    deleteSession: (session) => deleteSession(environment, session),
    undelete: (id, within = {}) => undeleteCheckpoint(environment, id, within),
    prune: (pruneOptions = {}) => pruneStore(environment, pruneOptions),
    verify: (verifyOptions = {}) => verifyStore(environment, verifyOptions),
  }
}
