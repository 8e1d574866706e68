import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { sessionName } from './keys.ts'
import { emptyLedger, type Ledger } from './ledger.ts'
import { partsOf, pathDetails } from './main-part.ts'
import { limitedSource } from './part-bytes.ts'
import { readSession, readTrash } from './session-index.ts'
import type { AbortOptions, Key } from './storage.ts'
import { type PartContent, partContent } from './stored-parts.ts'
import type { OpenTranscript, SessionIdentity, TranscriptOrigin, TranscriptReader, TranscriptSource } from './transcript.ts'

const rewriteAttempts = 3
const maxAncestors = 16

/** A transcript that is open and whose session is known. */
export interface TranscriptSession {
  readonly reader: TranscriptReader
  readonly transcript: OpenTranscript
  readonly identity: SessionIdentity
  readonly name: Key
  readonly main: TranscriptSource
  /** The main part up to its last whole line, then the sidecars. */
  readonly contents: readonly PartContent[]
  /** Bytes after the last whole line of the main part. */
  readonly tornTailBytes: number
}

/** Thrown inside an attempt when the file was rewritten while it was read. */
export class RewrittenError extends Error {
  override readonly name = 'RewrittenError'
}

/**
 * Opens a transcript, recognises its session, and runs `use` on it. When the file is rewritten meanwhile (`use` throws a `RewrittenError`) it
 * all begins anew, 3 times. Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`, `TRANSCRIPT_MALFORMED`, `CHECKPOINT_CONFLICT`.
 */
export async function withTranscript<Result>(
  environment: Environment,
  request: AbortOptions & {
    readonly agent: string
    readonly transcript: TranscriptOrigin
    readonly sessionKey?: string | undefined
    readonly sessionId?: string | undefined
  },
  use: (session: TranscriptSession) => Promise<Result>,
): Promise<Result> {
  const reader = environment.readerOf(request.agent)
  const options = { signal: request.signal }
  for (let attempt = 1; ; attempt += 1) {
    const transcript = await request.transcript.open({ ...options, sidecars: reader.sidecars(fileNameOf(request.transcript.path)) })
    try {
      return await use(await recognise(reader, transcript, request, options))
    } catch (error) {
      if (!(error instanceof RewrittenError)) throw error
      if (attempt < rewriteAttempts) continue
      throw new CheckpointError(
        'CHECKPOINT_CONFLICT',
        `The transcript was rewritten ${rewriteAttempts} times while it was read. Try again when its agent is quiet.`,
        pathDetails(transcript),
      )
    } finally {
      await transcript.close()
    }
  }
}

/** A ledger for a session that has none yet. */
export function newLedger(session: TranscriptSession): Ledger {
  const { reader, identity } = session
  return emptyLedger({
    agent: reader.agent,
    sessionKey: identity.sessionKey,
    sessionId: identity.sessionId,
    cwd: identity.cwd,
    parentSessionId: identity.parent?.sessionId,
  })
}

/** The ledger with what the transcript says of its session now. */
export function refreshedLedger(ledger: Ledger, session: TranscriptSession): Ledger {
  const { identity } = session
  return {
    ...ledger,
    // The tombstone of a session that never had a ledger doesn't know it.
    sessionKey: identity.sessionKey,
    sessionId: identity.sessionId,
    ...(identity.cwd === undefined ? {} : { cwd: identity.cwd }),
    ...(identity.parent === undefined ? {} : { parentSessionId: identity.parent.sessionId }),
  }
}

/** Boundaries that this session inherited from those it was branched from, as far as we hold them and can read them. */
export async function inheritedBoundaries(environment: Environment, session: TranscriptSession): Promise<ReadonlySet<string>> {
  const boundaries = new Set<string>()
  const seen = new Set<string>()
  let parent = session.identity.parent?.sessionId
  for (let left = maxAncestors; parent !== undefined && left > 0 && !seen.has(parent); left -= 1) {
    seen.add(parent)
    const name = sessionName(session.reader.agent, parent)
    const held = name === session.name ? undefined : await heldSession(environment, name)
    if (held === undefined) break
    const { ledger, rows } = held
    for (const row of rows) if (row.boundaryId !== undefined) boundaries.add(row.boundaryId)
    for (const id of ledger.removed) boundaries.add(id)
    parent = ledger.parentSessionId
  }
  return boundaries
}

/** A session that we hold, its trash among the rows; damage to it is not the damage of its children. */
async function heldSession(environment: Environment, name: Key): ReturnType<typeof readSession> {
  try {
    const session = await readSession(environment, name, {})
    return session === undefined ? undefined : { ...session, rows: [...session.rows, ...(await readTrash(environment, name, {}))] }
  } catch (error) {
    if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return undefined
    throw error
  }
}

async function recognise(
  reader: TranscriptReader,
  transcript: OpenTranscript,
  request: { readonly sessionKey?: string | undefined; readonly sessionId?: string | undefined },
  options: AbortOptions,
): Promise<TranscriptSession> {
  const { main, sidecars } = await partsOf(transcript)
  const mainContent = await partContent('main', main, options)
  if (main.sizeBytes === 0 || mainContent.endBytes === 0) {
    const message = main.sizeBytes === 0 ? 'The transcript is empty.' : 'The transcript has no whole line yet.'
    throw new CheckpointError(
      'TRANSCRIPT_MALFORMED',
      `${message} There is nothing to keep until its agent has written to it.`,
      pathDetails(transcript),
    )
  }
  const identified = await reader.identify(transcript, options)
  const identity = {
    ...identified,
    ...(request.sessionKey === undefined ? {} : { sessionKey: request.sessionKey }),
    ...(request.sessionId === undefined ? {} : { sessionId: request.sessionId }),
  }
  const contents = [mainContent]
  for (const sidecar of sidecars) contents.push(await partContent(sidecar.name, sidecar.source, options))
  return {
    reader,
    transcript,
    identity,
    name: sessionName(reader.agent, identity.sessionKey),
    main: limitedSource(main, mainContent.endBytes),
    contents,
    tornTailBytes: main.sizeBytes - mainContent.endBytes,
  }
}

/** The leaf of a transcript that has none is an error: nothing in it can be given back. */
export function requireLeaf(leafId: string | undefined, transcript: { readonly path?: string | undefined }): string {
  if (leafId !== undefined) return leafId
  throw new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    'The transcript has no valid entry yet, so there is nothing to keep.',
    pathDetails(transcript),
  )
}

function fileNameOf(path: string | undefined): string {
  return path?.split(/[\\/]/).at(-1) ?? ''
}
