// The complete public surface of @palimpsest/core. Whatever is named here is public API, so name it one by one.

export type { AroundOutcome, AroundRequest } from './around.ts'
export type { BranchOptions, BranchResult, BranchRoom } from './branch.ts'
export type { CaptureRequest, PendingCheckpoint } from './capture.ts'
export type { Catalogue, CataloguedSession, CatalogueProgress } from './catalogue.ts'
export {
  type Boundary,
  type Checkpoint,
  type CheckpointOrigin,
  type CheckpointRow,
  type CheckpointStatus,
  type CompactionReason,
  compactionReason,
  compactionReasons,
  type PartPosition,
  type SessionReference,
} from './checkpoint.ts'
export { type Checkpoints, createCheckpoints } from './checkpoints.ts'
export type { Completion } from './completion.ts'
export type { CategoryCount, CheckpointDiff, DiffQuery, EntryGroup, Fact } from './diff.ts'
export type { BetweenQuery, ChangedEntry, CheckpointsDiff, EntrySet } from './diff-between.ts'
export { sha256, sha256Hex } from './digest.ts'
export type { EntryStep, Speaker } from './entry-step.ts'
export type { CheckpointsOptions } from './environment.ts'
export { CheckpointError, type CheckpointErrorCode, type CheckpointErrorDetails, exitStatusByCode, isCheckpointError } from './errors.ts'
export { type FactCategory, factCategories } from './fact.ts'
export type { ImportProblem, ImportRequest, ImportResult } from './import.ts'
export { parseKey, parsePrefix, sessionDigest, sessionName } from './keys.ts'
export { leadingCount } from './leading-count.ts'
export type { CheckpointPage, ListedCheckpoint, ListQuery, SessionPage, SessionProblem, SessionQuery, SessionSummary } from './list.ts'
export { entryIndexOf, type GrowingIndex, growingIndex } from './packed-index.ts'
export { positionsWhere } from './positions.ts'
export type { PruneOptions, PruneReport } from './prune.ts'
export type { PrunedSession } from './prune-session.ts'
export { byteCountExpected, durationExpected, parseByteCount, parseDurationMs } from './quantity.ts'
export type { CheckpointPart } from './raw-bytes.ts'
export type { EntryPage, ReadEntry, ReadQuery } from './read.ts'
export type { RecoveredText, RecoverQuery } from './recover.ts'
export type { Losses, LossReport, ReportQuery } from './report.ts'
export type { RestoreOptions, RestoreResult } from './restore.ts'
export { openClawRetention, type Retention } from './retention.ts'
export type { RewriteSink } from './rewrite-sink.ts'
export type { SearchPage, SearchQuery } from './search.ts'
export type {
  DroppedEntries,
  IndexedPlace,
  IndexedSessionFacts,
  IndexHit,
  IndexProgress,
  SearchableEntry,
  SearchBatch,
  SearchIndex,
  SearchIndexSize,
  SearchRequest,
  SessionProgress,
  StreamProgress,
} from './search-index.ts'
export type { IndexingProgress, IndexOptions, IndexReport } from './search-indexing.ts'
export { hasContent, type ParsedQuery, parseSearchQuery, type SearchFilters, type SearchTerm } from './search-query.ts'
export { fingerprintOf, searchableText } from './search-text.ts'
export { shellQuoted } from './shell-quoted.ts'
export type { SearchHit } from './shown-hits.ts'
export type { ReadView } from './snapshot-view.ts'
export {
  type AbortOptions,
  assertRange,
  type ByteRange,
  type Key,
  type ListOptions,
  maxRefBytes,
  type ObjectStore,
  pageLimit,
  type RefChanges,
  type RefStore,
  type RefVersion,
  type Storage,
  StorageError,
  type StorageErrorKind,
  type StorageTraits,
} from './storage.ts'
export { mapStorageErrors, storageFailure } from './storage-failure.ts'
export type { PlainMessage, StructureSink } from './structure-sink.ts'
export type { Survival, Survives } from './survival.ts'
export { type TextTable, textTable } from './text-table.ts'
export type {
  AgentId,
  BadLine,
  Compaction,
  Context,
  ContextView,
  Entry,
  EntryIndex,
  EntryKind,
  EntryRole,
  FileIdentity,
  IndexedEntry,
  InPlace,
  KeptEntries,
  LinePlace,
  LineStart,
  OpenTranscript,
  PartName,
  Placement,
  PlaceOptions,
  Problem,
  RewriteOptions,
  RewrittenPiece,
  SessionIdentity,
  SidecarRule,
  Transcript,
  TranscriptOrigin,
  TranscriptPart,
  TranscriptReader,
  TranscriptSource,
} from './transcript.ts'
export type { CopiedCompaction, SessionCopies } from './transcript-copies.ts'
export type { TranscriptFiles, TranscriptTarget } from './transcript-target.ts'
export type { Damage, VerifyOptions, VerifyProgress, VerifyReport } from './verify.ts'
export type { WithinSession } from './within-session.ts'
