import type { CheckpointError, CheckpointErrorCode } from '@palimpsest/core'
import { oneLine } from './plain-text.ts'

/** Something a model can do better next time: what happened, and the calls that are valid now. Holds no text of any transcript. */
export class ToolProblem extends Error {
  override readonly name = 'ToolProblem'
  readonly code: CheckpointErrorCode
  readonly nextSteps: readonly string[]

  constructor(code: CheckpointErrorCode, message: string, nextSteps: readonly string[]) {
    super(message)
    this.code = code
    this.nextSteps = nextSteps
  }
}

/** Whether `error` is core's error, of this code where one is given. By its name, so that core needn't be loaded before the first call. */
export function isCheckpointError<Code extends CheckpointErrorCode>(error: unknown, code?: Code): error is CheckpointError<Code> {
  return error instanceof Error && error.name === 'CheckpointError' && 'code' in error && (code === undefined || error.code === code)
}

/** The whole answer to a call that failed: code, message, what to call now. */
export function problemText(error: unknown, log: (message: string) => void): string {
  if (error instanceof ToolProblem) return withSteps(error.code, error.message, error.nextSteps)
  if (isCheckpointError(error)) return withSteps(error.code, oneLine(error.message, 1000), nextSteps(error.code))
  log(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return 'UNEXPECTED: The server failed in a way that nobody foresaw; its log on standard error says more.\nNext: try again once; if it fails again, tell the user.'
}

function withSteps(code: string, message: string, steps: readonly string[]): string {
  return [`${code}: ${message}`, ...steps.map((step) => `Next: ${step}`)].join('\n')
}

function nextSteps(code: CheckpointErrorCode): readonly string[] {
  switch (code) {
    case 'CHECKPOINT_NOT_FOUND':
    case 'SESSION_NOT_FOUND':
      return ['list_checkpoints {} shows the ids there are; "latest" names the newest compaction.']
    case 'CHECKPOINT_AMBIGUOUS':
      return ['give more characters of the end of the id, or its session_key.']
    case 'ARGUMENT_INVALID':
    case 'KEY_INVALID':
      return ['correct the argument and call again.']
    case 'CHECKPOINT_CONFLICT':
      return ['the session is in use or has changed: call again in a minute, or branch instead (restore_checkpoint without in_place).']
    case 'TARGET_REFUSED':
      return ['restore_checkpoint without in_place branches into a new session.']
    case 'CHECKPOINT_CORRUPT':
      return ['get_checkpoint still reads the entries that are whole; tell the user to run `palimpsest verify`.']
    case 'STORAGE_UNAVAILABLE':
      return ['call again; if it fails again, tell the user.']
    case 'STORAGE_REFUSED':
    case 'FORMAT_UNSUPPORTED':
    case 'TRANSCRIPT_UNREADABLE':
    case 'TRANSCRIPT_MALFORMED':
    case 'TRANSCRIPT_UNRECOGNISED':
      return ['tell the user; another call will not help.']
  }
}
