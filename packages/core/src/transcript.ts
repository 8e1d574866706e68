import type { CompactionReason } from './checkpoint.ts'
import type { AbortOptions, ByteRange } from './storage.ts'
import type { StructureSink } from './structure-sink.ts'

/** The program that owns a session: `pi`, `openclaw`, `claude-code`, … Letters a-z, digits and hyphens, since it stands in keys. */
export type AgentId = string

/** `main`, or a sidecar's relative name: segments of `[A-Za-z0-9._-]+` joined by `/`. */
export type PartName = string

/** Bytes of a part at rest. The size does not change while it is open. */
export interface TranscriptSource {
  readonly sizeBytes: number
  /** Exactly the bytes from `start` to `end`, or an error. The caller owns what it gets. */
  read(start: number, end: number, options?: AbortOptions): Promise<Uint8Array>
  /** Fills `target` with the bytes from `start` on: spares an allocation a MiB where a part is read from end to end. */
  readInto?(target: Uint8Array, start: number, options?: AbortOptions): Promise<void>
}

/** One part of a transcript: the main one, or a sidecar. */
export interface TranscriptPart {
  readonly name: PartName
  readonly source: TranscriptSource
}

/** What an agent wrote, as readers see it: the main part first, then the sidecars. */
export interface Transcript {
  /** The path it was read from, where it came from a file. */
  readonly path?: string | undefined
  parts(): AsyncIterable<TranscriptPart>
  /** A small file beside the main part that is not part of the session, such as OpenClaw's `sessions.json`; `undefined` when absent. */
  companion?(name: string): Promise<Uint8Array | undefined>
}

/** A part that can still be compared with what it was when it was opened. */
export interface OpenTranscript extends Transcript {
  readonly identity?: FileIdentity | undefined
  /** The files that its main part was read from, sidecars left out; `undefined` where that can't be told. */
  readonly files?: readonly string[] | undefined
  /** The transcript is read no more. */
  close(): Promise<void>
  /** Whether the bytes that were read are still the file's: growing is fine, a rewrite is not. */
  unchanged(): Promise<boolean>
  /** Whether anything was written to it since it was opened; without this nothing can have been. */
  written?(): Promise<boolean>
}

/** What tells one state of a file from another. */
export interface FileIdentity {
  /** The machine's name: device and inode mean nothing on another. */
  readonly host?: string | undefined
  readonly device: string
  readonly inode: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
}

/**
 * Where a transcript comes from: a file with its sidecars, bytes, messages. `open` fixes the size of every part.
 * Throws `TRANSCRIPT_UNREADABLE`.
 */
export interface TranscriptOrigin {
  readonly path?: string | undefined
  open(options?: AbortOptions & { readonly sidecars?: readonly SidecarRule[] | undefined }): Promise<OpenTranscript>
}

/** Which files beside the main part belong to it: the regular files below `folder` (relative to the main part's) whose relative name matches. */
export interface SidecarRule {
  /** Relative to the folder of the main part. */
  readonly folder: string
  /** Matched against the name relative to `folder`, `/`-joined. */
  readonly pattern: RegExp
  readonly maxDepth: number
}

export type EntryKind = 'header' | 'message' | 'summary' | 'boundary' | 'state' | 'unknown'
export type EntryRole = 'user' | 'assistant' | 'tool' | 'system'

/** Where a line lies: bytes from `start` to `end` (with its line feed), the `line`th from 0. */
export interface LinePlace {
  readonly part: PartName
  readonly line: number
  readonly start: number
  readonly end: number
}

/** What a compaction keeps of the context before it, as the transcript says it. */
export interface KeptEntries {
  readonly firstKeptEntryId?: string | undefined
  /** All of them, where the agent names them. */
  readonly keptEntryIds?: readonly string[] | undefined
}

/** The structure of an entry: what an index keeps of it. */
export interface IndexedEntry extends LinePlace {
  readonly kind: EntryKind
  /** The agent's id; `L<line>` for an entry without one, `<id>@L<line>` for a repeated one. */
  readonly id: string
  readonly parentId?: string | undefined
  readonly role?: EntryRole | undefined
  /** The leaf after this line, where the line moves it. */
  readonly leafId?: string | undefined
  /** On the line that marks a compaction. */
  readonly keeps?: KeptEntries | undefined
  /** What the reader's own `context` needs beyond that; opaque to everybody else. */
  readonly note?: string | undefined
}

/** One record of a transcript. */
export interface Entry extends IndexedEntry {
  /** Everything a person or a search could want to read in it, in plain text. */
  readonly text: string
  /** The tool called, or whose result this is. */
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
}

/** A line that is no entry. Its bytes are kept, it is counted and reported, and it never stops anything. */
export interface BadLine extends LinePlace {
  readonly kind: 'bad'
  readonly message: string
}

/**
 * The entries of the main part in file order, by their positions from 0. Made to be walked without allocating: a transcript of 1 GiB has a
 * million of them. What a position that is none has is `undefined`.
 */
export interface EntryIndex {
  readonly size: number
  /** The position of an id; of an id that stands on several lines, the first. */
  positionOf(id: string): number | undefined
  idOf(position: number): string | undefined
  kindOf(position: number): EntryKind | undefined
  roleOf(position: number): EntryRole | undefined
  noteOf(position: number): string | undefined
  /** Where the line begins, and where it ends. */
  startOf(position: number): number | undefined
  endOf(position: number): number | undefined
  /** The position of the parent; `undefined` where the entry has none, or one that is not in the index: `parentIdOf` tells them apart. */
  parentOf(position: number): number | undefined
  parentIdOf(position: number): string | undefined
  /** Whether the line moves the leaf. */
  movesLeaf(position: number): boolean
  /** All of it, made anew for each call. */
  entry(position: number): IndexedEntry | undefined
}

/** Entries at a leaf, in the order in which the model sees them. */
export interface Context {
  /** Positions in the index, each once. */
  readonly positions: Int32Array
  readonly problems: readonly Problem[]
}

/** A place from which a part can be read on: the start of the `line`th line. */
export interface LineStart {
  readonly line: number
  readonly start: number
}

/** Which session a transcript is. */
export interface SessionIdentity {
  /** For people, and what hook, scan and capture share. Never a path, never trimmed. */
  readonly sessionKey: string
  /** The agent's own id. */
  readonly sessionId: string
  readonly cwd?: string | undefined
  /** The session this one was branched from, and how many bytes of it it began with. */
  readonly parent?: { readonly sessionId: string; readonly bytes?: number | undefined } | undefined
}

/** A compaction as a transcript records it. */
export interface Compaction extends KeptEntries {
  /** The line that marks it; `entryId` only where the agent gave it one. */
  readonly boundary: LinePlace & { readonly entryId?: string | undefined }
  /** The entry at the tip of the branch that was compacted. */
  readonly leafId: string
  readonly createdAt?: number | undefined
  readonly reason?: CompactionReason | undefined
  readonly tokensBefore?: number | undefined
  readonly tokensAfter?: number | undefined
  readonly summary?: string | undefined
}

/** Something in a transcript's structure that could not be followed: a cycle, a parent that does not exist. */
export interface Problem {
  readonly code: 'TRANSCRIPT_MALFORMED'
  readonly message: string
  readonly line?: number | undefined
}

/** How much of the active branch: `context`, what the model sees; `all`, every message on it, compaction summaries left out. */
export type ContextView = 'context' | 'all'

/** Where a new session goes, and how it is opened there. */
export interface Placement {
  readonly folder: string
  readonly fileName: string
  /** The id that the session has there, where the agent can't take the one that was asked for. */
  readonly sessionId?: string | undefined
  /** The folder in which sidecars keep their relative names, where the agent has any. */
  readonly sidecarFolder?: string | undefined
  readonly resumeArgv: readonly string[]
  readonly warnings: readonly string[]
}

export interface PlaceOptions {
  readonly sessionId: string
  readonly createdAt: number
  readonly cwd?: string | undefined
  /** Instead of the agent's own folder. */
  readonly to?: string | undefined
  /** Why the checkpoint's compaction ran, for a warning where the agent would compact again at once. */
  readonly reason?: CompactionReason | undefined
}

export interface RewriteOptions extends AbortOptions {
  readonly sessionId: string
  readonly leafId: string
  readonly createdAt: number
  /** Shown by the agent where it can: the new session's name. */
  readonly name?: string | undefined
  /** The session the copy comes from. */
  readonly parent?: { readonly sessionId: string; readonly path?: string | undefined } | undefined
  /** Leaves a last prompt out that was never answered. */
  readonly dropUnanswered?: boolean | undefined
  /** Every line of the main part is known to parse: its structure may be taken from the beginnings of lines. */
  readonly wellFormed?: boolean | undefined
}

/** Bytes of a new session, behind those of the piece before it. */
export interface RewrittenPiece {
  readonly part: PartName
  readonly bytes: Uint8Array
  /** Where it is known: which bytes of the piece, whole lines, are not lines of the source as they were. */
  readonly changed?: readonly ByteRange[] | undefined
}

/** How a session is put back in its own file. */
export type InPlace =
  | { readonly mode: 'append'; readonly bytes: Uint8Array }
  | { readonly mode: 'replace' }
  | { readonly mode: 'refused'; readonly message: string }

/**
 * All that is known of one agent's transcripts. Pure over the transcript it is given: it opens no file and changes none, and the agent's own
 * loader is never run. No method throws on a line: what can't be understood comes as a `BadLine` or a `Problem`.
 */
export interface TranscriptReader {
  readonly agent: AgentId
  /** Which files beside a main part belong to it. */
  sidecars(mainFileName: string): readonly SidecarRule[]
  /** The names of the companions that it looks into. */
  readonly companions?: readonly string[] | undefined
  /** Whether the first bytes of a file are a transcript of this agent. `siblings` are the names in its folder. */
  detect(head: Uint8Array, file: { readonly path: string; readonly siblings: ReadonlySet<string> }): boolean
  /** The session. Throws `TRANSCRIPT_UNRECOGNISED` when there is no valid header. */
  identify(transcript: Transcript, options?: AbortOptions): Promise<SessionIdentity>
  /** File order, with byte ranges, in bounded memory; of `part` (by default the main one), from `from` on. */
  entries(
    transcript: Transcript,
    options?: AbortOptions & { readonly part?: PartName | undefined; readonly from?: LineStart | undefined },
  ): AsyncIterable<Entry | BadLine>
  /**
   * The same without what the entries say, which is most of the work: what capturing and indexing need. Many lines at a time, none of the
   * batches empty, since handing each over by itself would cost as much as reading it.
   */
  structure(
    transcript: Transcript,
    options?: AbortOptions & {
      readonly part?: PartName | undefined
      readonly from?: LineStart | undefined
      /** Every line is known to parse: what a line is may be taken from its beginning. */
      readonly wellFormed?: boolean | undefined
    },
  ): AsyncIterable<readonly (IndexedEntry | BadLine)[]>
  /** The same, in the same order, into a sink, for readers that can tell a plain message without making an object of it. */
  structureInto?(transcript: Transcript, sink: StructureSink, options?: Parameters<TranscriptReader['structure']>[1]): Promise<void>
  /** What one line says, for a place in an index: its text is read only when it is shown. */
  entry(line: Uint8Array, indexed: IndexedEntry): Entry
  /** Whether `entry` needs the entry's note for its text; without this, part, kind, id, role and the line are enough. */
  readonly textNeedsNote?: true | undefined
  /**
   * Every compaction the main part records, in file order, from `from` on. The line that marks one is an entry of kind `boundary` or `summary`,
   * so that where `structure` has none nothing need be read for it.
   */
  compactions(transcript: Transcript, options?: AbortOptions & { readonly from?: LineStart | undefined }): AsyncIterable<Compaction>
  /** The entries at a leaf, in the order the model sees them. Linear in the transcript, safe on cycles. */
  context(index: EntryIndex, leafId: string, view: ContextView): Context
  /**
   * Of the entries in the context at a leaf, those that a compaction which keeps `keeps` leaves in it, by position, in their order. None where
   * what is kept can't be found. Linear and safe as `context` is.
   */
  kept(index: EntryIndex, leafId: string, keeps: KeptEntries): Int32Array
  /**
   * The first entry of the turn that a message begins, by position; `undefined` for one that begins none: an answer, a tool's result, what the agent
   * itself said in the user's name. Without this method every message of the role `user` begins a turn, by itself.
   */
  turnStart?(index: EntryIndex, position: number): number | undefined
  /**
   * The parts of a new session that stands at `leafId`, as the agent reads them: ids unique, lineage recorded in the agent's own way, parts
   * one after the other, in bounded pieces that are the caller's. Throws `TRANSCRIPT_MALFORMED` for a structure that can't be given back.
   */
  rewrite(transcript: Transcript, options: RewriteOptions): AsyncIterable<RewrittenPiece>
  /** Where the agent looks for a session, and the command that opens it. */
  place(options: PlaceOptions): Placement
  /** How the session is put back to `leafId` in its own file, given the transcript as it stands there now. */
  inPlace(current: Transcript, options: RewriteOptions): Promise<InPlace>
}

/** A new session being written: nothing of it is seen under its name before `commit`, and `discard` leaves nothing behind. */
export interface TranscriptTarget {
  /** Parts come one after the other. */
  write(part: PartName, bytes: Uint8Array): Promise<void>
  /** Reads back what was written, for validation. */
  written(): Transcript
  /** Makes the session appear, durably. Gives the main part's path. Throws `TARGET_REFUSED` when the name is taken. */
  commit(): Promise<{ readonly path: string }>
  discard(): Promise<void>
}

/** The files of agents: the only way by which core reaches them. */
export interface TranscriptFiles {
  /** A transcript in a file; nothing is opened yet. */
  origin(path: string): TranscriptOrigin
  /**
   * A text that is another as soon as one of these files, or a sidecar of the first by these rules, is written, made or removed: from what the file
   * system says of them, without opening any. `undefined` where it can't be told, as of a file that was written this very moment.
   */
  state?(
    files: readonly string[],
    options?: AbortOptions & { readonly sidecars?: readonly SidecarRule[] | undefined },
  ): Promise<string | undefined>
  /** A new file; refused when it exists. Permissions are 0600, or `modeFrom`'s where that is narrower. */
  create(placement: Placement, options?: { readonly modeFrom?: string | undefined }): Promise<TranscriptTarget>
  /**
   * A replacement for the file at `path`, written beside it. `commit` renames it over the old one only while that still has the identity
   * `expected` and, unless `force`, was not written for a minute; else it throws `CHECKPOINT_CONFLICT`.
   */
  replace(
    path: string,
    options: { readonly expected: FileIdentity; readonly force: boolean; readonly sidecarFolder?: string | undefined },
  ): Promise<TranscriptTarget>
  /** Appends whole lines under the same conditions; the file's last line is ended first where it isn't. */
  append(path: string, bytes: Uint8Array, options: { readonly expected: FileIdentity; readonly force: boolean }): Promise<void>
}
