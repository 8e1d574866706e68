import type { AbortOptions } from './storage.ts'
import type { FileIdentity, PartName, Placement, SidecarRule, Transcript, TranscriptOrigin } from './transcript.ts'

/** A new session being written: nothing of it is seen under its name before `commit`, and `discard` leaves nothing behind. */
export interface TranscriptTarget {
  /** Parts come one after the other. */
  write(part: PartName, bytes: Uint8Array): Promise<void>
  /** Shortens the part that was written last to so many bytes, no more than it has. What is written next comes behind them. */
  cut(part: PartName, sizeBytes: number): Promise<void>
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
