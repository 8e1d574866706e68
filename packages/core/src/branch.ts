import { randomUUID } from 'node:crypto'
import { type Checkpoint, checkpointOf } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { resolveRecord } from './resolve.ts'
import { type EarlierLeaf, earlierLeaf, type RoomWanted, wantsRoom } from './room.ts'
import { leafOf, writeSession } from './session-file.ts'
import { shellQuoted } from './shell-quoted.ts'
import { storedTranscript } from './snapshot.ts'
import { trimmed } from './text-input.ts'
import type { TranscriptFiles } from './transcript-target.ts'
import type { WithinSession } from './within-session.ts'

/** Where the new session goes, and what is left out of it. */
export interface BranchOptions extends WithinSession, RoomWanted {
  /** A folder, instead of the one where the agent looks. */
  readonly to?: string | undefined
  /** Leaves a last prompt out that was never answered. */
  readonly dropUnanswered?: boolean | undefined
  /** The new session's name, where the agent shows one. */
  readonly name?: string | undefined
}

/** A new session, ready for its agent. */
export interface BranchResult {
  readonly checkpoint: Checkpoint
  readonly path: string
  readonly sessionId: string
  /** The command that opens it, quoted for a POSIX shell. */
  readonly resume: string
  readonly resumeArgv: readonly string[]
  readonly warnings: readonly string[]
  /** Only of a branch from an earlier point. */
  readonly room?: BranchRoom | undefined
}

/** How much of the checkpoint's context a branch from an earlier point has. */
export interface BranchRoom extends EarlierLeaf {
  /** The tokens of the checkpoint, shared out by bytes; only where it knows them. */
  readonly estimatedTokens?: number | undefined
}

/**
 * Writes a new session that stands where the checkpoint's did, or before a turn of its context (`beforeTurn`, `leavePercent`; `ARGUMENT_INVALID` where
 * there is no such point).
 */
export async function branchCheckpoint(environment: Environment, id: string, options: BranchOptions): Promise<BranchResult> {
  const files = requireFiles(environment)
  const { name, ledger, row, record } = await resolveRecord(environment, id, options)
  const abort = { signal: options.signal }
  const reader = environment.readerOf(record.agent)
  const path = record.preCompaction.sessionFile
  const source = storedTranscript({ environment, name, ledger }, record.parts, { ...abort, path })
  const createdAt = environment.now()
  const askedFor = randomUUID()
  const wellFormed = record.badLines === 0
  const room = wantsRoom(options)
    ? await earlierLeaf(reader, source, leafOf(record), {
        ...abort,
        wellFormed,
        beforeTurn: options.beforeTurn,
        leavePercent: options.leavePercent,
      })
    : undefined
  const placement = reader.place({
    sessionId: askedFor,
    createdAt,
    ...(record.cwd === undefined ? {} : { cwd: record.cwd }),
    ...(options.to === undefined ? {} : { to: options.to }),
    // Where room was left, the agent has no reason to compact at once.
    reason: options.leavePercent === undefined ? row.reason : 'requested',
  })
  const sessionId = placement.sessionId ?? askedFor
  const target = await files.create(placement, { modeFrom: path })
  try {
    const warnings = await writeSession(reader, source, target, {
      ...abort,
      sessionId,
      createdAt,
      leafId: room?.leafId ?? leafOf(record),
      name: trimmed(options.name),
      parent: { sessionId: record.sessionId, path },
      dropUnanswered: options.dropUnanswered,
      wellFormed,
    })
    const written = await target.commit()
    return {
      checkpoint: checkpointOf(row, record),
      path: written.path,
      sessionId,
      resume: shellQuoted(placement.resumeArgv),
      resumeArgv: placement.resumeArgv,
      warnings: [...placement.warnings, ...warnings],
      ...(room === undefined ? {} : { room: withTokens(room, row.tokensBefore) }),
    }
  } catch (error) {
    await target.discard()
    throw error
  }
}

function withTokens(room: EarlierLeaf, tokensBefore: number | undefined): BranchRoom {
  if (tokensBefore === undefined || room.contextBytes === 0) return room
  return { ...room, estimatedTokens: Math.round((tokensBefore * room.keptBytes) / room.contextBytes) }
}

/** The files of agents, or `TARGET_REFUSED` in a service that was given none. */
export function requireFiles(environment: Environment): TranscriptFiles {
  if (environment.files !== undefined) return environment.files
  throw new CheckpointError(
    'TARGET_REFUSED',
    'This service was created without files, so it can write no session. Pass files to createCheckpoints.',
    {},
  )
}
