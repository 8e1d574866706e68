import { againWhereBegunAnew, isBegunAnew } from './begun-anew.ts'
import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { indexDropped } from './indexed-drops.ts'
import { type IndexingSession, indexStream, prefixDigests, type StreamTarget } from './indexed-stream.ts'
import { knownRecord } from './known-records.ts'
import type { Ledger } from './ledger.ts'
import { byNewest } from './rows.ts'
import type { SearchIndex, SessionProgress, StreamProgress } from './search-index.ts'
import { readSession, sessionNames, type UnreadableSession } from './session-index.ts'
import type { AbortOptions, Key } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import { chainOf, streamsOf } from './stream.ts'
import { type TimeLimit, timeLimit } from './time-limit.ts'
import type { PartName } from './transcript.ts'

/** How a search index is brought up to date. */
export interface IndexOptions extends AbortOptions {
  /** Forgets everything first. */
  readonly rebuild?: boolean | undefined
  /**
   * Stops once so many milliseconds are over, within a session too, but not before something was indexed; by default it doesn't. What was indexed
   * stays, and the next call goes on from there.
   */
  readonly withinMs?: number | undefined
  /** Sessions that are indexed before all others. */
  readonly first?: readonly Key[] | undefined
  /** Called before the first session, after each, and within a long one. */
  readonly onProgress?: ((progress: IndexingProgress) => void) | undefined
}

/** How far indexing has come. */
export interface IndexingProgress {
  /** Sessions that are done, and that there are to do. */
  readonly done: number
  readonly total: number
  /** Of the session that is being indexed: bytes of its transcript. */
  readonly session?: { readonly doneBytes: number; readonly totalBytes: number } | undefined
}

/** What came of it. */
export interface IndexReport {
  /** Sessions that were indexed, or had changed and held nothing new. */
  readonly indexed: number
  /** Sessions that still wait, those that are indexed in part among them. */
  readonly waiting: number
  readonly problems: readonly { readonly name: string; readonly message: string }[]
}

/** While others wait a session gets so much of the time that is left: a long one does not keep all others from being found. */
const shareOfTime = 1 / 2

/**
 * Indexes what is stored and not indexed yet. Resumable: what was killed, or ran out of time, goes on from its last batch. Several processes may do it at
 * once. Throws `STORAGE_UNAVAILABLE` and `STORAGE_REFUSED` where the index can't be used, and says what to do.
 */
export async function updateSearchIndex(environment: Environment, options: IndexOptions = {}): Promise<IndexReport> {
  const index = requireSearchIndex(environment)
  if (options.rebuild === true) await index.clear()
  return againWhereBegunAnew(() => indexWaiting(environment, index, options))
}

async function indexWaiting(environment: Environment, index: SearchIndex, options: IndexOptions): Promise<IndexReport> {
  await environment.readable(options)
  const first = new Set(options.first)
  const changed = await waitingSessions(environment, index, options)
  const waiting = [...changed.filter((name) => first.has(name)), ...changed.filter((name) => !first.has(name))]
  const total = waiting.length
  const limit = timeLimit(options.withinMs)
  const unreadable: UnreadableSession[] = []
  let done = 0
  let overtaken = 0
  if (total > 0) options.onProgress?.({ done, total })
  while (waiting.length > 0 && !limit.isOver()) {
    options.signal?.throwIfAborted()
    const name = waiting.shift()
    if (name === undefined) break
    const tell = (session: IndexingProgress['session']) => options.onProgress?.({ done, total, session })
    const own = waiting.length === 0 ? limit : limit.share(shareOfTime)
    let outcome: Outcome = 'indexed'
    try {
      outcome = await indexSession(environment, index, name, { signal: options.signal, limit: own, tell })
      if (outcome === 'indexed') await index.settled([name])
    } catch (error) {
      options.signal?.throwIfAborted()
      if (isIndexFailure(error)) throw error
      unreadable.push({ name, error })
    }
    limit.stepped()
    if (outcome === 'paused') waiting.push(name)
    else if (outcome === 'overtaken') overtaken += 1
    else {
      done += 1
      options.onProgress?.({ done, total })
    }
  }
  return {
    indexed: done - unreadable.length,
    waiting: waiting.length + overtaken,
    problems: unreadable.map(({ name, error }) => ({ name, message: error instanceof Error ? error.message : String(error) })),
  }
}

/** `paused`: time was over before the session was done. `overtaken`: another process goes on with it. */
type Outcome = 'indexed' | 'paused' | 'overtaken'

interface SessionOptions extends AbortOptions {
  readonly limit: TimeLimit
  readonly tell: (session: IndexingProgress['session']) => void
}

/** The index of a service that has one. Throws `ARGUMENT_INVALID`. */
export function requireSearchIndex({ searchIndex }: Environment): SearchIndex {
  if (searchIndex !== undefined) return searchIndex
  throw new CheckpointError(
    'ARGUMENT_INVALID',
    'This service was made without a search index. Give createCheckpoints one as searchIndex.',
    { argument: 'searchIndex' },
  )
}

/** The sessions that changed since the index last heard of it, as storage tells; where it can't tell, those whose ledgers say so. */
async function waitingSessions(environment: Environment, index: SearchIndex, options: AbortOptions): Promise<readonly Key[]> {
  const known = await index.progress(options)
  const { refs } = environment.storage
  // Asked before anything is read: what changes meanwhile is among the next changes.
  const changes = await mapStorageErrors('list', async () => refs.changes?.(known.token, options), options.signal)
  const told = changes?.names?.filter((name) => name.startsWith('sessions/'))
  // Of a store that was begun anew nothing tells which sessions are gone.
  const changed = told ?? [...(await sessionNames(environment, options)), ...(await index.sessions(options))]
  const waiting = [...new Set([...known.waiting, ...changed])].sort()
  // What tells nothing new is not written down: an index that is locked, or can't be written, can still be asked.
  const isKnown = changes?.token === known.token && waiting.length === known.waiting.length
  if (changes?.token === undefined || isKnown) return waiting
  await index.advance(known.token, { token: changes.token, waiting })
  return waiting
}

/** A session as its ledger is now. What went missing while it was read may have been replaced: then once more. */
async function indexSession(environment: Environment, index: SearchIndex, name: Key, options: SessionOptions): Promise<Outcome> {
  for (let tries = 3; ; tries -= 1) {
    const session = await readSession(environment, name, options)
    if (session === undefined || session.rows.length === 0) {
      await index.forget([name])
      return 'indexed'
    }
    const known = await index.session(name, options)
    if (known?.commit !== undefined && known.commit === session.ledger.commits.at(-1)) return 'indexed'
    try {
      const outcome = await indexLedger(environment, index, { name, ...session }, options)
      if (outcome !== 'overtaken') return outcome
    } catch (error) {
      if (tries === 0 || !isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
      if ((await readSession(environment, name, options))?.ledger.commitCount === session.ledger.commitCount) throw error
    }
    if (tries === 0) return 'overtaken'
  }
}

async function indexLedger(
  environment: Environment,
  index: SearchIndex,
  { name, ledger, rows }: { readonly name: Key; readonly ledger: Ledger; readonly rows: readonly CheckpointRow[] },
  options: SessionOptions,
): Promise<Outcome> {
  const facts = { name, agent: ledger.agent, sessionKey: ledger.sessionKey, cwd: ledger.cwd }
  const session: IndexingSession = { stored: { environment, name, ledger }, facts, reader: environment.readerOf(ledger.agent), index }
  const known = await stillRight(session, await index.session(name, options), options)
  const fresh = rows.filter((row) => known?.checkpoints.get(row.id) !== row.record).sort((left, right) => byNewest(right, left))
  const wanted = await wantedStreams(session, rows, fresh, options)
  const { limit, tell } = options
  const measure = measured(session, wanted, known)
  for (const target of wanted) {
    const progress = progressOf(known, target.part, target.stream)
    const isBehind = progress === undefined || progress.bytes < target.bytes
    if (isBehind && limit.isOver()) return 'paused'
    const written = (bytes: number): boolean => {
      limit.stepped()
      tell(measure(target, bytes))
      return !limit.isOver()
    }
    const indexed = isBehind ? await indexStream(session, target, progress, { signal: options.signal, written }) : undefined
    if (indexed !== undefined && indexed.outcome !== 'indexed') return indexed.outcome
    if (isBehind) written(target.bytes)
    const ofStream = target.part === 'main' ? fresh.filter((row) => row.stream === target.stream) : []
    if (ofStream.length > 0 && !(await indexDropped(session, target, ofStream, indexed?.entries, options))) return 'paused'
  }
  await index.complete(
    facts,
    ledger.commits.at(-1) ?? '',
    rows.map((row) => row.id),
  )
  return 'indexed'
}

/** How far a session is indexed, in bytes, when a stream of it is indexed up to one. */
function measured(
  { stored: { ledger } }: IndexingSession,
  wanted: readonly StreamTarget[],
  known: SessionProgress | undefined,
): (target: StreamTarget, bytes: number) => { readonly doneBytes: number; readonly totalBytes: number } {
  const baseOf = ({ part, stream }: StreamTarget) => streamsOf(ledger, part)[stream]?.base?.bytes ?? 0
  const doneBytes = new Map(
    wanted.map((target) => {
      const upTo = Math.min(target.bytes, progressOf(known, target.part, target.stream)?.bytes ?? 0)
      return [target, Math.max(0, upTo - baseOf(target))]
    }),
  )
  const totalBytes = wanted.reduce((sum, target) => sum + Math.max(0, target.bytes - baseOf(target)), 0)
  return (target, bytes) => {
    doneBytes.set(target, Math.max(0, bytes - baseOf(target)))
    return { doneBytes: [...doneBytes.values()].reduce((sum, done) => sum + done, 0), totalBytes }
  }
}

/** What is known of a session, without streams that were cut, or cut and grown again, since. */
async function stillRight(
  session: IndexingSession,
  known: SessionProgress | undefined,
  options: AbortOptions,
): Promise<SessionProgress | undefined> {
  const { stored, index } = session
  for (const progress of known?.streams ?? []) {
    const { part, stream, bytes, digest } = progress
    const isThere = streamsOf(stored.ledger, part)[stream] !== undefined
    if (isThere && (await prefixDigests(stored, { part, stream }, options))(bytes) === digest) continue
    await index.forgetStream(stored.name, part, stream)
    return stillRight(session, await index.session(stored.name, options), options)
  }
  return known
}

/**
 * How far each stream is needed: where the rows stand, and what their streams begin with. Older streams first; sidecars before the main part, since a row is
 * no longer fresh once what it dropped is known, and nobody would ask for its sidecars then.
 */
async function wantedStreams(
  { stored: { environment, name, ledger } }: IndexingSession,
  rows: readonly CheckpointRow[],
  fresh: readonly CheckpointRow[],
  options: AbortOptions,
): Promise<readonly StreamTarget[]> {
  const targets = new Map<string, StreamTarget>()
  const want = (part: PartName, stream: number, bytes: number) => {
    for (const { index, endBytes } of chainOf(ledger, part, stream)) {
      const key = `${part} ${index}`
      const upTo = Math.max(targets.get(key)?.bytes ?? 0, Math.min(bytes, endBytes))
      targets.set(key, { part, stream: index, bytes: upTo })
    }
  }
  for (const row of rows) want('main', row.stream, row.bytes)
  for (const row of fresh) {
    const { parts } = await knownRecord(environment, name, row, options)
    for (const part of parts) if (part.name !== 'main') want(part.name, part.stream, part.bytes)
  }
  const mainLast = (target: StreamTarget) => (target.part === 'main' ? 1 : 0)
  return [...targets.values()].sort((left, right) => mainLast(left) - mainLast(right) || left.stream - right.stream)
}

function progressOf(known: SessionProgress | undefined, part: PartName, stream: number): StreamProgress | undefined {
  return known?.streams.find((progress) => progress.part === part && progress.stream === stream)
}

/** Whether it is the index that failed, not a session. */
function isIndexFailure(error: unknown): boolean {
  if (!isCheckpointError(error)) return false
  return isBegunAnew(error) || ('operation' in error.details && error.details.operation === 'use the search index')
}
