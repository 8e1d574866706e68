// The complete public surface of @palimpsest/core. Whatever is named here is public API, so name it one by one.

export { type Checkpoint, type CompactionReason, compactionReason, compactionReasons } from './checkpoint.ts'
export { sha256, sha256Hex } from './digest.ts'
export { CheckpointError, type CheckpointErrorCode, type CheckpointErrorDetails, exitStatusByCode, isCheckpointError } from './errors.ts'
export { parseKey, parsePrefix, sessionDigest, sessionName } from './keys.ts'
export {
  type AbortOptions,
  assertRange,
  type ByteRange,
  type Key,
  type ListOptions,
  maxRefBytes,
  type ObjectStore,
  pageLimit,
  type RefStore,
  type RefVersion,
  type Storage,
  StorageError,
  type StorageErrorKind,
  type StorageTraits,
} from './storage.ts'
export type {
  AgentId,
  BadLine,
  Compaction,
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
  SessionIdentity,
  SidecarRule,
  Transcript,
  TranscriptFiles,
  TranscriptOrigin,
  TranscriptPart,
  TranscriptReader,
  TranscriptSource,
  TranscriptTarget,
} from './transcript.ts'
