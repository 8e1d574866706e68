import type { BranchResult } from './branch.ts'
import { requireFiles } from './branch.ts'
import { captureCheckpoint } from './capture.ts'
import { type CheckpointRecord, checkpointOf } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { readLedger } from './ledger-store.ts'
import { type LocatedCheckpoint, resolveRecord } from './resolve.ts'
import { leafOf, writeSession } from './session-file.ts'
import { shellQuoted } from './shell-quoted.ts'
import { storedTranscript } from './snapshot.ts'
import { isOnStream } from './stream.ts'
import { trimmed } from './text-input.ts'
import type { FileIdentity, InPlace, RewriteOptions, Transcript, TranscriptReader } from './transcript.ts'
import type { WithinSession } from './within-session.ts'

/** How a session is put back in place. */
export interface RestoreOptions extends WithinSession {
  /** Even though the file was written within the last minute. */
  readonly force?: boolean | undefined
  /** The session's file, where it is no longer where it was captured. */
  readonly path?: string | undefined
}

/** A session put back; `undo` is the checkpoint of what it was before. */
export interface RestoreResult extends BranchResult {
  readonly undo: string
}

/** Puts a session's own file back to a checkpoint. */
export async function restoreCheckpoint(environment: Environment, id: string, options: RestoreOptions): Promise<RestoreResult> {
  const files = requireFiles(environment)
  const { record, ...located } = await resolveRecord(environment, id, options)
  const abort = { signal: options.signal }
  const reader = environment.readerOf(record.agent)
  const path = restoredPath(record, options)
  const rewrite: RewriteOptions = {
    ...abort,
    sessionId: record.sessionId,
    createdAt: environment.now(),
    leafId: leafOf(record),
    wellFormed: record.badLines === 0,
  }
  const origin = files.origin(path)
  const sidecars = reader.sidecars(path.split(/[\\/]/).at(-1) ?? '')
  const current = await origin.open({ ...abort, sidecars }).catch((error: unknown) => {
    throw withWayOut(error)
  })
  try {
    const expected = await sameSession(reader, current, current.identity, record, path)
    const plan = await reader.inPlace(current, rewrite)
    if (plan.mode === 'refused') {
      throw new CheckpointError('TARGET_REFUSED', `${plan.message} Use branch to make a new session of this checkpoint.`, { path })
    }
    const before = await captureCheckpoint(environment, {
      ...abort,
      agent: record.agent,
      transcript: origin,
      reason: 'before-restore',
      sessionKey: record.sessionKey,
    })
    const warnings = await putBack(environment, located, record, {
      reader,
      rewrite,
      path,
      expected,
      plan,
      undo: before.checkpoint.id,
      force: options.force ?? false,
    }).catch((error: unknown) => {
      throw withUndo(error, before.checkpoint.id)
    })
    const placement = reader.place({
      sessionId: record.sessionId,
      createdAt: record.createdAt,
      ...(record.cwd === undefined ? {} : { cwd: record.cwd }),
      reason: located.row.reason,
    })
    const resumeArgv = placement.resumeArgv.map((argument) => (argument.endsWith(placement.fileName) ? path : argument))
    return {
      checkpoint: checkpointOf(located.row, record),
      path,
      sessionId: record.sessionId,
      resume: shellQuoted(resumeArgv),
      resumeArgv,
      warnings: [...placement.warnings, ...warnings],
      undo: before.checkpoint.id,
    }
  } finally {
    await current.close()
  }
}

/** Where the session's own file is gone, the checkpoint still makes a new one. */
function withWayOut(error: unknown): unknown {
  if (!isCheckpointError(error, 'TRANSCRIPT_UNREADABLE')) return error
  const message = `${error.message} Or use branch, which makes a new session of this checkpoint and needs no file of the old one.`
  return new CheckpointError(error.code, message, error.details, { cause: error.cause })
}

/** An error that comes after the session was captured names that checkpoint: the file may be the new one already. */
function withUndo(error: unknown, undo: string): unknown {
  if (!isCheckpointError(error, 'TARGET_REFUSED') && !isCheckpointError(error, 'CHECKPOINT_CONFLICT')) return error
  const message = `${error.message} What the session was before is kept as ${undo}.`
  return new CheckpointError(error.code, message, { ...error.details, undo }, { cause: error.cause })
}

interface Plan {
  readonly reader: TranscriptReader
  readonly rewrite: RewriteOptions
  readonly path: string
  readonly expected: FileIdentity
  readonly plan: Exclude<InPlace, { mode: 'refused' }>
  readonly undo: string
  readonly force: boolean
}

async function putBack(
  environment: Environment,
  located: LocatedCheckpoint,
  record: CheckpointRecord,
  plan: Plan,
): Promise<readonly string[]> {
  const files = requireFiles(environment)
  const { path, expected, force, reader, rewrite } = plan
  if (plan.plan.mode === 'append' && (await stillBeginsWith(environment, located, plan.undo))) {
    await files.append(path, plan.plan.bytes, { expected, force })
    return []
  }
  // Sidecars are never put back in place: the session's own have only grown, and one that is gone is given back by branch.
  const main = record.parts.filter((part) => part.name === 'main')
  const source = storedTranscript({ environment, name: located.name, ledger: located.ledger }, main, { signal: rewrite.signal, path })
  const target = await files.replace(path, { expected, force })
  try {
    const warnings = await writeSession(reader, source, target, rewrite)
    await target.commit()
    return warnings
  } catch (error) {
    await target.discard()
    throw error
  }
}

/** Whether the file, as it was captured as `undo`, still begins with the bytes of the checkpoint. */
async function stillBeginsWith(environment: Environment, located: LocatedCheckpoint, undo: string): Promise<boolean> {
  const ledger = await readLedger(environment, located.name, {})
  const row = ledger?.checkpoints.find((candidate) => candidate.id === undo)
  return ledger !== undefined && row !== undefined && isOnStream(ledger, 'main', located.row, row.stream)
}

async function sameSession(
  reader: TranscriptReader,
  current: Transcript,
  identity: FileIdentity | undefined,
  record: CheckpointRecord,
  path: string,
): Promise<FileIdentity> {
  const found = await reader.identify(current)
  if (found.sessionId !== record.sessionId) {
    throw new CheckpointError(
      'CHECKPOINT_CONFLICT',
      `${path} now holds the session ${found.sessionId}, not ${record.sessionId}. Use branch to make a new session of this checkpoint.`,
      { path },
    )
  }
  if (identity !== undefined) return identity
  throw new CheckpointError(
    'TARGET_REFUSED',
    `${path} is no file that can be replaced. Use branch to make a new session of this checkpoint.`,
    { path },
  )
}

function restoredPath(record: CheckpointRecord, options: RestoreOptions): string {
  const path = trimmed(options.path) ?? record.preCompaction.sessionFile
  if (path !== undefined) return path
  throw new CheckpointError(
    'TARGET_REFUSED',
    'This checkpoint does not say which file its session was in. Use branch, or name the file.',
    {},
  )
}
