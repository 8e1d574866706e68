import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Checkpoint, CheckpointError, type CompactionReason, isCheckpointError, type TranscriptOrigin } from '@palimpsest/core'
import type { Host } from '@palimpsest/host'
import { announcementOf } from './announcement.ts'
import type { HookRequest } from './hook-request.ts'
import { newestLooked, waitsForBoundary } from './waiting-rows.ts'

const lookEveryMs = 50

/** The session that a hook is about, in an open store. */
interface HookSession {
  readonly host: Host
  readonly agent: string
  readonly origin: TranscriptOrigin
  readonly signal: AbortSignal
}

/**
 * Does what a hook's event asks for, and gives what the agent should see: mostly nothing. Throws `CheckpointError`s; what was committed by then stays,
 * and a later hook or scan goes on from there.
 */
export async function carryOut(
  request: HookRequest,
  { host, agent, currentFolder, signal }: { host: Host; agent: string; currentFolder: string; signal: AbortSignal },
): Promise<string | undefined> {
  const session = { host, agent, origin: host.files.origin(resolve(currentFolder, request.transcript)), signal }
  switch (request.kind) {
    case 'capture':
      await captured(session, request)
      return undefined
    case 'complete':
      await completed(session, request.reason, request.summary)
      return undefined
    case 'announce':
      return announced(session, request.isRecorded)
    case 'settle':
      await settled(session, request)
      return undefined
  }
}

async function captured(session: HookSession, request: HookRequest & { readonly kind: 'capture' }): Promise<void> {
  const { reason, leafId, tokensBefore, mayBeMissing } = request
  await capture(session, { reason, leafId, tokensBefore }).catch((error: unknown) => {
    if (!mayBeMissing || !isMissing(error)) throw error
  })
}

async function capture(
  { host, agent, origin, signal }: HookSession,
  facts: { reason: CompactionReason; leafId?: string | undefined; tokensBefore?: number | undefined },
): Promise<Checkpoint> {
  return (await host.checkpoints.capture({ agent, transcript: origin, ...facts, signal })).checkpoint
}

/** Confirms the checkpoint that waits; where the hook before the compaction failed, the transcript is still what it was then. */
async function completed(session: HookSession, reason: CompactionReason, summary: string | undefined): Promise<void> {
  const found = await waitingCheckpoint(session)
  if (found === 'recorded') return importAll(session)
  const { id, agent, sessionKey, sessionId } = found ?? (await capture(session, { reason }))
  const completion = { summary, postCompaction: { sessionId } }
  await session.host.checkpoints.complete(id, completion, { agent, sessionKey, signal: session.signal })
}

async function announced(session: HookSession, isRecorded: boolean): Promise<string | undefined> {
  const found = isRecorded ? 'recorded' : await waitingCheckpoint(session)
  if (found === undefined) return announcementOf(await capture(session, { reason: 'unknown' }))
  if (found !== 'recorded') return announcementOf(found)
  await importAll(session)
  const [latest] = await newestCheckpoints(session)
  return latest === undefined ? undefined : announcementOf(latest)
}

async function settled(session: HookSession, { always, lateMs = 0 }: HookRequest & { readonly kind: 'settle' }): Promise<void> {
  try {
    if (always || (await waitingCheckpoint(session)) === 'recorded') await importAll(session)
    // What waits still may stand in the transcript in a moment.
    for (const began = performance.now(); performance.now() - began < lateMs; await delay(lookEveryMs)) {
      const found = await waitingCheckpoint(session)
      if (found === 'recorded') return await importAll(session)
      if (found === undefined) return
    }
  } catch (error) {
    // A session that has only been opened has no transcript yet, or one without an entry: nothing can wait in it.
    const isUnbegun = isMissing(error) || (!always && isCheckpointError(error, 'TRANSCRIPT_UNRECOGNISED'))
    if (!isUnbegun) throw error
  }
}

async function importAll({ host, agent, origin, signal }: HookSession): Promise<void> {
  await host.checkpoints.import({ agent, transcript: origin, signal })
}

/**
 * The newest checkpoint that waits for its compaction; `recorded` when the transcript has a compaction after it, so that it waits no longer;
 * `undefined` when none waits, or the transcript is another than it was.
 */
async function waitingCheckpoint(session: HookSession): Promise<Checkpoint | 'recorded' | undefined> {
  const { host, agent, origin, signal } = session
  const reader = host.readers.find((candidate) => candidate.agent === agent)
  const waiting = (await newestCheckpoints(session)).find(waitsForBoundary)
  if (reader === undefined || waiting === undefined) return undefined
  const position = waiting.parts.find((part) => part.name === 'main')
  const transcript = await origin.open({ signal })
  try {
    if (position === undefined || (transcript.identity?.sizeBytes ?? 0) < position.bytes) return undefined
    const from = { line: position.lines, start: position.bytes }
    for await (const _compaction of reader.compactions(transcript, { from, signal })) return 'recorded'
    return waiting
  } finally {
    await transcript.close()
  }
}

/** The newest checkpoints of the session, newest first. Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`. */
async function newestCheckpoints({ host, agent, origin, signal }: HookSession): Promise<readonly Checkpoint[]> {
  const reader = host.readers.find((candidate) => candidate.agent === agent)
  if (reader === undefined) throw new CheckpointError('ARGUMENT_INVALID', `There is no reader for ${agent}.`, { argument: 'agent' })
  const transcript = await origin.open({ signal })
  try {
    const { sessionKey } = await reader.identify(transcript, { signal })
    return (await host.checkpoints.list({ agent, sessionKey, limit: newestLooked, signal })).checkpoints
  } finally {
    await transcript.close()
  }
}

function isMissing(error: unknown): boolean {
  return (
    isCheckpointError(error, 'TRANSCRIPT_UNREADABLE') &&
    error.cause instanceof Error &&
    'code' in error.cause &&
    error.cause.code === 'ENOENT'
  )
}
