import { type CaptureFacts, checkedFacts, isByTail } from './capture-facts.ts'
import {
  type Checkpoint,
  type CheckpointRecord,
  type CheckpointRow,
  type CompactionReason,
  checkpointOf,
  isCompactionReason,
  type PartPosition,
} from './checkpoint.ts'
import { makeCheckpointId } from './checkpoint-id.ts'
import { abandonCheckpoint, type Completion, completeCheckpoint } from './completion.ts'
import type { Environment } from './environment.ts'
import { sessionDigest } from './keys.ts'
import { requireKnownLeaf } from './known-leaf.ts'
import type { Ledger, Tail } from './ledger.ts'
import { type Change, changeLedger } from './ledger-store.ts'
import { compactionsOf, inspectLines, upTo } from './main-part.ts'
import { type PutOptions, puttingTogether } from './puts.ts'
import { retain } from './retention.ts'
import { storeRecord } from './row.ts'
import { allRows, byNewest, withRows } from './rows.ts'
import { type Captured, isSame, unchanged } from './same-snapshot.ts'
import { isSupersededBy, isWaiting, type Settlement, settleCompactions } from './settlement.ts'
import { assertStillSame } from './still-same.ts'
import type { AbortOptions } from './storage.ts'
import { createPartStore, type MatchedPart, type PartStore, type StoredParts } from './stored-parts.ts'
import { isOnStream } from './stream.ts'
import { tailOf } from './tail-check.ts'
import { trimmed } from './text-input.ts'
import type { AgentId, LineStart, TranscriptOrigin } from './transcript.ts'
import {
  inheritedBoundaries,
  newLedger,
  refreshedLedger,
  requireLeaf,
  type TranscriptSession,
  withTranscript,
} from './transcript-session.ts'

/** What to capture, and what the caller knows of it. */
export interface CaptureRequest extends AbortOptions {
  readonly agent: AgentId
  readonly transcript: TranscriptOrigin
  /** By default `unknown`. */
  readonly reason?: CompactionReason | undefined
  /** By default what the reader identifies. Never trimmed. */
  readonly sessionKey?: string | undefined
  readonly sessionId?: string | undefined
  /** Milliseconds since the epoch; by default now. */
  readonly createdAt?: number | undefined
  /**
   * By default the leaf that the transcript's last line says. Another one has to be an entry of the transcript (`ARGUMENT_INVALID`); what the tail
   * check spares is not read for that.
   */
  readonly leafId?: string | undefined
  readonly tokensBefore?: number | undefined
  readonly label?: string | undefined
  /**
   * How the bytes that were captured before are known again. `whole`: every one is compared, by digest; the default up to 64 MiB and for
   * whatever is not about a compaction. `tail`: by the file and the last 64 KiB, in a time that does not grow with the file; the default
   * above that. What the tail check can't tell the next whole one finds.
   */
  readonly prefixCheck?: 'whole' | 'tail' | undefined
}

/** A capture that is stored and waits for its compaction. */
export interface PendingCheckpoint {
  /** `unchanged`: these bytes were already kept, and `checkpoint` is the one that has them. */
  readonly outcome: 'captured' | 'unchanged'
  readonly checkpoint: Checkpoint
  /** Bytes that this capture added to storage for the transcript, compressed. */
  readonly storedBytes: number
  /** Confirms it. */
  complete(completion?: Completion, options?: AbortOptions): Promise<Checkpoint>
  /** Takes it back; a capture that was `unchanged` has nothing to take back. */
  abandon(options?: AbortOptions): Promise<void>
}

/** Stores a transcript as it is now. */
export async function captureCheckpoint(environment: Environment, request: CaptureRequest): Promise<PendingCheckpoint> {
  const facts = checkedFacts(environment, request)
  return withTranscript(environment, { ...request, sessionId: trimmed(request.sessionId) }, async (session) => {
    const options = { signal: request.signal }
    const store = createPartStore(environment, session.name, options)
    const beginWith = newLedger(session)
    await storeAhead(environment, session, store, beginWith, options)
    const { outcome, checkpoint } = await changeLedger(environment, session.name, { ...options, beginWith }, (ledger = beginWith) =>
      puttingTogether(options, (putting) => captureInto(environment, session, store, facts, ledger, putting)),
    )
    return {
      outcome,
      checkpoint,
      storedBytes: store.storedBytes(),
      complete: (completion = {}, abort = {}) => completeCheckpoint(environment, session.name, checkpoint.id, completion, abort),
      abandon: async (abort = {}) => {
        if (outcome === 'captured') await abandonCheckpoint(environment, session.name, checkpoint.id, abort)
      },
    }
  })
}

/** Swaps in the chunks of a long first capture every 256 MiB. */
async function storeAhead(
  environment: Environment,
  session: TranscriptSession,
  store: PartStore,
  beginWith: Ledger,
  options: AbortOptions,
): Promise<void> {
  const { commitEveryBytes } = environment
  const totalBytes = session.contents.reduce((sum, content) => sum + content.endBytes, 0)
  for (let left = Math.ceil(totalBytes / commitEveryBytes); left > 1; left -= 1) {
    const stopped = await changeLedger(environment, session.name, { ...options, beginWith }, async (current = beginWith) => {
      const stored = await store.store(current, await store.match(current, session.contents), { stopAfterBytes: commitEveryBytes })
      return stored.added.length === 0 ? { result: false } : { ledger: stored.ledger, result: stored.stopped }
    })
    if (!stopped) return
  }
}

async function captureInto(
  environment: Environment,
  session: TranscriptSession,
  store: PartStore,
  facts: CaptureFacts,
  before: Ledger,
  options: PutOptions,
): Promise<Change<Captured>> {
  const known = await allRows(environment, session.name, before, options)
  const current = refreshedLedger(before, session)
  const matched = await store.match(
    current,
    session.contents,
    isByTail(facts, session.main.sizeBytes) ? session.transcript.identity : undefined,
  )
  const earlier = await earlierPosition(session, current, matched[0], known)
  const lines = upTo(session.transcript, session.main.sizeBytes)
  // The thread pool compresses while the lines are parsed here.
  const [stored, inspected] = await bothOf(
    store.store(current, matched, options),
    inspectLines(session.reader, lines, { ...options, from: earlier?.from }),
  )
  const main = stored.positions[0] ?? { name: 'main', stream: 0, bytes: 0, lines: 0 }
  const tipId = requireLeaf(inspected.leafId ?? earlier?.row.tipId ?? earlier?.row.leafId, session.transcript)
  const badLines = (earlier?.row.badLines ?? 0) + inspected.badLines.length
  const compactions = known.some(isWaiting) ? await compactionsOf(session.reader, lines, inspected, options) : []
  const settled = await settleCompactions({
    ...options,
    environment,
    name: session.name,
    ledger: stored.ledger,
    rows: known,
    stream: main.stream,
    sidecars: stored.positions.slice(1),
    identity: session.identity,
    path: session.transcript.path,
    main: session.main,
    badLinesBefore: (start) => (earlier?.row.badLines ?? 0) + inspected.badLines.filter((line) => line.start < start).length,
    compactions,
    inherited: compactions.length === 0 ? new Set() : await inheritedBoundaries(environment, session),
    create: false,
    again: false,
  })
  await assertStillSame(session, store, stored, session.contents, { ...options, byTail: matched[0]?.byTail === true })
  const leafId = facts.leafId ?? tipId
  if (leafId !== tipId) {
    const rows = known.filter((row) => row.bytes <= main.bytes && isOnStream(settled.ledger, 'main', row, main.stream))
    await requireKnownLeaf(leafId, { ...options, reader: session.reader, transcript: lines, rows, byTail: matched[0]?.byTail === true })
  }
  const [latest] = [...settled.rows].sort(byNewest)
  const same = latest !== undefined && (await isSame(environment, session, stored, latest, leafId, options)) ? latest : undefined
  // What somebody asked for stays what it is: a pending one goes when no compaction follows.
  if (same !== undefined && (same.status === 'pending' || same.reason === 'session-end' || !isCompactionReason(facts.reason))) {
    return unchanged(environment, session, settled, same, facts, options)
  }
  const record = newRecord(session, facts, { leafId, badLines, stored })
  const row = await storeRecord(
    environment,
    session.name,
    settled.ledger,
    record,
    { tipId: tipId === leafId ? undefined : tipId, label: facts.label, prefixCheck: matched[0]?.byTail === true ? 'tail' : undefined },
    options,
  )
  return withCheckpoint(environment, session, facts, { settled, main, byTail: matched[0]?.byTail }, { row, record }, options)
}

/** The ledger with the row of a capture, without those that it supersedes, and within the retention. */
async function withCheckpoint(
  environment: Environment,
  session: TranscriptSession,
  facts: CaptureFacts,
  found: { readonly settled: Settlement; readonly main: PartPosition; readonly byTail: boolean | undefined },
  made: { readonly row: CheckpointRow; readonly record: CheckpointRecord },
  options: PutOptions,
): Promise<Change<Captured>> {
  const { settled, main, byTail } = found
  const { row, record } = made
  const known = byTail === false ? settled.rows.map((candidate) => confirmedBy(candidate, settled.ledger, main.stream)) : settled.rows
  // What is kept before a restore is no successor: the checkpoint that is about to be restored may be one that still waits.
  const superseded = facts.reason === 'before-restore' ? [] : known.filter((candidate) => isSupersededBy(candidate, settled.ledger, main))
  const others = known.filter((candidate) => !superseded.includes(candidate))
  const tail = await tailOf(session.main, session.transcript.identity, main, options)
  const kept = retain([...others, row], settled.ledger.trash, environment.retention, environment.now())
  // A pending one may be taken back: the newest that it supersedes goes when it is complete. Older ones go now, since an agent whose hook runs
  // at every turn would leave a row for each.
  const staying = row.status === 'pending' ? [...superseded].sort(byNewest).slice(0, 1) : []
  const going = superseded.filter((candidate) => !staying.includes(candidate))
  const ledger = { ...withTail(settled.ledger, tail), trash: [...kept.trash] }
  const next = await withRows(environment, session.name, ledger, [...kept.rows, ...staying], options)
  return {
    ledger: next.ledger,
    result: { outcome: 'captured', checkpoint: checkpointOf(row, record) },
    unnamed: [...settled.unnamed, ...next.unnamed, ...going.map((candidate) => candidate.record)],
  }
}

/** A comparison of the whole prefix takes the mark of the tail check off the checkpoints in it. */
function confirmedBy({ prefixCheck, ...row }: CheckpointRow, ledger: Ledger, stream: number): CheckpointRow {
  if (prefixCheck === undefined || isOnStream(ledger, 'main', row, stream)) return row
  return { ...row, prefixCheck }
}

function withTail({ tail: _tail, ...ledger }: Ledger, tail: Tail | undefined): Ledger {
  return tail === undefined ? ledger : { ...ledger, tail }
}

/** The newest checkpoint on the bytes that were stored already, from which on the lines have to be read. */
async function earlierPosition(
  session: TranscriptSession,
  ledger: Ledger,
  main: MatchedPart | undefined,
  rows: readonly CheckpointRow[],
): Promise<{ row: CheckpointRow; from: LineStart } | undefined> {
  if (main === undefined || main.match.kind === 'none') return undefined
  const { bytes, stream } = main.match
  const usable = rows
    .filter((row) => row.bytes > 0 && row.bytes <= bytes && isOnStream(ledger, 'main', row, stream))
    .sort((left, right) => right.bytes - left.bytes || right.commit - left.commit)
  for (const row of usable.slice(0, 8)) {
    const [last] = await session.main.read(row.bytes - 1, row.bytes)
    if (last === 10) return { row, from: { line: row.lines, start: row.bytes } }
  }
  return undefined
}

/** Both results; when one fails the other is waited for, so that nothing goes on behind the caller's back. */
async function bothOf<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

function newRecord(
  session: TranscriptSession,
  facts: CaptureFacts,
  found: { readonly leafId: string; readonly badLines: number; readonly stored: StoredParts },
): CheckpointRecord {
  const { identity, reader, transcript } = session
  return {
    id: makeCheckpointId({ createdAt: facts.createdAt, sessionDigest: sessionDigest(reader.agent, identity.sessionKey) }),
    agent: reader.agent,
    sessionKey: identity.sessionKey,
    sessionId: identity.sessionId,
    ...(identity.cwd === undefined ? {} : { cwd: identity.cwd }),
    createdAt: facts.createdAt,
    reason: facts.reason,
    origin: 'capture',
    status: isCompactionReason(facts.reason) ? 'pending' : 'snapshot',
    ...(facts.tokensBefore === undefined ? {} : { tokensBefore: facts.tokensBefore }),
    preCompaction: {
      sessionId: identity.sessionId,
      ...(transcript.path === undefined ? {} : { sessionFile: transcript.path }),
      leafId: found.leafId,
    },
    badLines: found.badLines,
    ...(session.tornTailBytes === 0 ? {} : { tornTailBytes: session.tornTailBytes }),
    parts: [...found.stored.positions],
    ...(found.stored.added.length === 0 ? {} : { added: [...found.stored.added] }),
  }
}
