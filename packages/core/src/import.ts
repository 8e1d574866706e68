import { summaryOf } from './catalogue-entry.ts'
import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { Ledger } from './ledger.ts'
import { type Change, changeLedger } from './ledger-store.ts'
import { compactionsOf, type InspectedLines, inspectLines, upTo } from './main-part.ts'
import { type PutOptions, puttingTogether } from './puts.ts'
import { retain } from './retention.ts'
import { allRows, withRows } from './rows.ts'
import { copyIn, type SessionCopy, settleCopy } from './session-copy.ts'
import { type Settlement, settleCompactions } from './settlement.ts'
import { assertStillSame } from './still-same.ts'
import type { AbortOptions } from './storage.ts'
import { createPartStore, type PartContent, type PartStore } from './stored-parts.ts'
import type { AgentId, Compaction, TranscriptOrigin } from './transcript.ts'
import { inheritedBoundaries, newLedger, refreshedLedger, type TranscriptSession, withTranscript } from './transcript-session.ts'
import { allTrash } from './trash.ts'

const maxProblems = 100

/** A transcript whose compactions are to be kept. */
export interface ImportRequest extends AbortOptions {
  readonly agent: AgentId
  readonly transcript: TranscriptOrigin
  /** Also what was deleted before. */
  readonly again?: boolean | undefined
}

/** Something in a transcript that was passed over, kept byte for byte. */
export interface ImportProblem {
  readonly code: 'TRANSCRIPT_MALFORMED'
  readonly line?: number | undefined
  readonly message: string
}

/** What an import found. */
export interface ImportResult {
  readonly agent: AgentId
  readonly sessionKey: string
  readonly sessionId: string
  readonly cwd?: string | undefined
  /** The checkpoint of each compaction, oldest first; deleted ones are not among them. */
  readonly checkpointIds: readonly string[]
  /** How many of them this import made, and how many pending ones it completed. */
  readonly created: number
  readonly completed: number
  /** Bytes that this import added to storage for the transcript, compressed. */
  readonly storedBytes: number
  /** Tokens that were in the context before each compaction, added up, as far as the transcript says them. */
  readonly tokensBefore: number
  /** What the session takes in storage, records not counted. */
  readonly totalStoredBytes: number
  /**
   * How many commits the session's ledger had when this was true: while it has as many, and the transcript is unchanged, another import says the same
   * again. Absent where it would whatever the ledger says, since the transcript has no compaction.
   */
  readonly ledgerCommits?: number | undefined
  /** The first 100; `problemCount` counts all. */
  readonly problems: readonly ImportProblem[]
  readonly problemCount: number
  /** The transcript is of a kind in which no compaction could be found. */
  readonly recordsNoCompactions?: boolean | undefined
  /** Entries of a kind that the reader doesn't know, kept as all others are: the agent may be of a later version. */
  readonly unknownEntries: number
}

/**
 * Keeps the state before each compaction that a transcript records; of a copy that its agent made before a compaction also all of it, as positions in
 * the streams of the session that was copied. Idempotent.
 */
export async function importTranscript(environment: Environment, request: ImportRequest): Promise<ImportResult> {
  const options = { signal: request.signal }
  return withTranscript(environment, { agent: request.agent, transcript: request.transcript, ...options }, async (session) => {
    const lines = upTo(session.transcript, session.main.sizeBytes)
    const inspected = await inspectLines(session.reader, lines, options)
    const compactions = await compactionsOf(session.reader, lines, inspected, options)
    const store = createPartStore(environment, session.name, options)
    const copy = await copyIn(session, lines, inspected, options)
    const settled = await settle(environment, session, store, { compactions, copy, inspected, again: request.again ?? false }, options)
    return {
      agent: request.agent,
      sessionKey: session.identity.sessionKey,
      sessionId: session.identity.sessionId,
      ...(session.identity.cwd === undefined ? {} : { cwd: session.identity.cwd }),
      ...settled,
      storedBytes: store.storedBytes(),
      ...problemsOf(session, inspected),
      unknownEntries: inspected.unknownEntries,
      ...(session.identity.recordsNoCompactions === true ? { recordsNoCompactions: true } : {}),
    }
  })
}

interface Found {
  readonly compactions: readonly Compaction[]
  /** Where the transcript is a copy, which stands before one more compaction. */
  readonly copy: SessionCopy | undefined
  readonly inspected: InspectedLines
  readonly again: boolean
}
type Counts = Pick<ImportResult, 'checkpointIds' | 'created' | 'completed' | 'tokensBefore' | 'totalStoredBytes' | 'ledgerCommits'>

async function settle(
  environment: Environment,
  session: TranscriptSession,
  store: PartStore,
  found: Found,
  options: AbortOptions,
): Promise<Counts> {
  const last = found.compactions.at(-1)
  if (last === undefined && found.copy === undefined)
    return { checkpointIds: [], created: 0, completed: 0, tokensBefore: 0, totalStoredBytes: 0 }
  const inherited = await inheritedBoundaries(environment, session)
  // Checkpoints stand before their boundaries: what comes after the last one belongs to none yet.
  const endBytes = found.copy === undefined ? last?.boundary.start : undefined
  const contents = session.contents.map((content) =>
    content.name === 'main' && endBytes !== undefined ? { ...content, endBytes } : content,
  )
  // A session that has nothing but what it inherited gets no ledger.
  const isInherited =
    found.copy === undefined && found.compactions.every(({ boundary }) => boundary.entryId !== undefined && inherited.has(boundary.entryId))
  const beginWith = isInherited ? undefined : newLedger(session)
  return changeLedger(environment, session.name, { ...options, beginWith }, async (ledger) => {
    const trash = ledger === undefined ? [] : await allTrash(environment, session.name, ledger, options)
    const passed = new Set([...inherited, ...(ledger?.removed ?? []), ...trash.flatMap(({ boundaryId }) => boundaryId ?? [])])
    const rows = await knownRows(environment, session, ledger, options)
    const known = settledAlready(rows, found, passed)
    if (known !== undefined) return { result: countsOf({ checkpointIds: known, created: 0, completed: 0 }, rows, ledger) }
    return puttingTogether(options, (putting) =>
      settleInto(environment, session, store, contents, { ...found, inherited }, ledger ?? newLedger(session), putting),
    )
  })
}

async function settleInto(
  environment: Environment,
  session: TranscriptSession,
  store: PartStore,
  contents: readonly PartContent[],
  found: Found & { readonly inherited: ReadonlySet<string> },
  before: Ledger,
  options: PutOptions,
): Promise<Change<Counts>> {
  const ledger = refreshedLedger(before, session)
  const stored = await store.store(ledger, await store.match(ledger, contents), options)
  const request = {
    ...options,
    environment,
    name: session.name,
    ledger: stored.ledger,
    rows: await allRows(environment, session.name, before, options),
    stream: stored.positions[0]?.stream ?? 0,
    sidecars: stored.positions.slice(1),
    lines: stored.positions[0]?.lines ?? 0,
    identity: session.identity,
    path: found.copy === undefined ? session.transcript.path : found.copy.path,
    main: session.main,
    badLinesBefore: (start: number) => found.inspected.badLines.filter((line) => line.start < start).length,
    compactions: found.compactions,
    inherited: found.inherited,
    create: true,
    again: found.again,
  }
  const ofCompactions = await settleCompactions(request)
  const settled = found.copy === undefined ? ofCompactions : await settleCopy(request, ofCompactions, found.copy)
  await assertStillSame(session, store, stored, contents, { ...options, byTail: false })
  if (!settled.changed) return { result: countsOf(settled, settled.rows, before) }
  const kept = retain(settled.rows, settled.ledger.trash, environment.retention, environment.now())
  const next = await withRows(environment, session.name, { ...settled.ledger, trash: kept.trash }, kept.rows, options)
  const checkpointIds = settled.checkpointIds.filter((id) => kept.rows.some((row) => row.id === id))
  const counts = countsOf({ ...settled, checkpointIds }, kept.rows, next.ledger)
  // Writing the ledger is one more commit.
  return {
    ledger: next.ledger,
    result: { ...counts, ledgerCommits: next.ledger.commitCount + 1 },
    unnamed: [...settled.unnamed, ...next.unnamed],
  }
}

/**
 * The ids without storing anything, where every compaction, and the copy, has been settled before and a whole id could be told from the line alone.
 */
function settledAlready(
  rows: readonly { readonly id: string; readonly boundaryId?: string | undefined }[],
  found: Found,
  passedOver: ReadonlySet<string>,
): readonly string[] | undefined {
  const ids: string[] = []
  for (const { boundary } of found.compactions) {
    const row = boundary.entryId === undefined ? undefined : rows.find((candidate) => candidate.boundaryId === boundary.entryId)
    if (row !== undefined) ids.push(row.id)
    else if (boundary.entryId === undefined || found.again || !passedOver.has(boundary.entryId)) return undefined
  }
  const { copy, again } = found
  if (copy === undefined) return ids
  const row = rows.find((candidate) => candidate.boundaryId === copy.boundaryId)
  if (row !== undefined) return [...ids, row.id]
  return again || !passedOver.has(copy.boundaryId) ? undefined : ids
}

async function knownRows(environment: Environment, session: TranscriptSession, ledger: Ledger | undefined, options: AbortOptions) {
  return ledger === undefined ? [] : allRows(environment, session.name, ledger, options)
}

function countsOf(
  { checkpointIds, created, completed }: Pick<Settlement, 'checkpointIds' | 'created' | 'completed'>,
  rows: readonly CheckpointRow[],
  ledger: Ledger | undefined,
): Counts {
  const ids = new Set(checkpointIds)
  return {
    checkpointIds,
    created,
    completed,
    tokensBefore: rows.reduce((sum, row) => sum + (ids.has(row.id) ? (row.tokensBefore ?? 0) : 0), 0),
    totalStoredBytes: ledger === undefined ? 0 : summaryOf(ledger, rows).storedBytes,
    ledgerCommits: ledger?.commitCount ?? 0,
  }
}

function problemsOf(session: TranscriptSession, inspected: InspectedLines): Pick<ImportResult, 'problems' | 'problemCount'> {
  const all: ImportProblem[] = inspected.badLines.map(({ line, message }) => ({ code: 'TRANSCRIPT_MALFORMED', line, message }))
  if (session.tornTailBytes > 0) {
    all.push({ code: 'TRANSCRIPT_MALFORMED', message: `The last line is not finished; its ${session.tornTailBytes} bytes were left out.` })
  }
  return { problems: all.slice(0, maxProblems), problemCount: all.length }
}
