/** What each code carries beside its message. */
export interface CheckpointErrorDetails {
  /** A value that a user could type is not one that is accepted. */
  ARGUMENT_INVALID: { readonly argument: string; readonly expected?: string | undefined }
  KEY_INVALID: { readonly key: string }
  CHECKPOINT_NOT_FOUND: { readonly id: string; readonly nearest?: readonly string[] | undefined }
  SESSION_NOT_FOUND: {
    readonly agent?: string | undefined
    readonly sessionKey?: string | undefined
    readonly nearest?: readonly string[] | undefined
  }
  CHECKPOINT_AMBIGUOUS: { readonly id: string; readonly candidates: readonly string[] }
  CHECKPOINT_CORRUPT: {
    readonly key?: string | undefined
    readonly checkpointId?: string | undefined
    readonly problem: 'missing' | 'digest' | 'unreadable'
  }
  FORMAT_UNSUPPORTED: { readonly found: number; readonly supported: number }
  TRANSCRIPT_UNREADABLE: { readonly path?: string | undefined }
  TRANSCRIPT_MALFORMED: { readonly path?: string | undefined; readonly line?: number | undefined }
  TRANSCRIPT_UNRECOGNISED: { readonly path?: string | undefined }
  /** `undo`: of a restore that had captured what the session was before. */
  TARGET_REFUSED: { readonly path?: string | undefined; readonly undo?: string | undefined }
  CHECKPOINT_CONFLICT: { readonly path?: string | undefined; readonly session?: string | undefined; readonly undo?: string | undefined }
  STORAGE_UNAVAILABLE: { readonly operation?: string | undefined }
  STORAGE_REFUSED: { readonly operation?: string | undefined }
}

export type CheckpointErrorCode = keyof CheckpointErrorDetails

/**
 * The one error of every operation: a code from a closed list, details that a program can use, a message that says what to do next, and the
 * error it came from as `cause`.
 */
export class CheckpointError<Code extends CheckpointErrorCode = CheckpointErrorCode> extends Error {
  override readonly name = 'CheckpointError'
  readonly code: Code
  readonly details: CheckpointErrorDetails[Code]

  constructor(code: Code, message: string, details: CheckpointErrorDetails[Code], options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.details = details
  }

  /** Whether the same call may succeed later without any change. */
  get retryable(): boolean {
    return this.code === 'CHECKPOINT_CONFLICT' || this.code === 'STORAGE_UNAVAILABLE'
  }

  /** `{ code, message, details }`, as `--json` prints it. */
  toJSON(): { code: Code; message: string; details: CheckpointErrorDetails[Code] } {
    return { code: this.code, message: this.message, details: this.details }
  }
}

/** Whether `error` is a `CheckpointError`, of this code where one is given. */
export function isCheckpointError<Code extends CheckpointErrorCode>(error: unknown, code?: Code): error is CheckpointError<Code> {
  return error instanceof CheckpointError && (code === undefined || error.code === code)
}

/** The exit status of the command for each code. */
export const exitStatusByCode: Readonly<Record<CheckpointErrorCode, number>> = {
  ARGUMENT_INVALID: 2,
  KEY_INVALID: 2,
  CHECKPOINT_NOT_FOUND: 3,
  SESSION_NOT_FOUND: 3,
  CHECKPOINT_AMBIGUOUS: 3,
  CHECKPOINT_CORRUPT: 4,
  FORMAT_UNSUPPORTED: 4,
  TRANSCRIPT_UNREADABLE: 5,
  TRANSCRIPT_MALFORMED: 5,
  TRANSCRIPT_UNRECOGNISED: 5,
  TARGET_REFUSED: 6,
  CHECKPOINT_CONFLICT: 6,
  STORAGE_UNAVAILABLE: 7,
  STORAGE_REFUSED: 7,
}
