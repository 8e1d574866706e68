import { boundedMap } from './bounded-map.ts'
import type { Catalogue } from './catalogue.ts'
import { catalogueEntry, summaryOf } from './catalogue-entry.ts'
import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import { sessionName } from './keys.ts'
import type { Ledger } from './ledger.ts'
import { readLedger } from './ledger-store.ts'
import type { SessionSummary } from './list.ts'
import { allRows, byNewest } from './rows.ts'
import type { AbortOptions, Key, RefChanges } from './storage.ts'
import { mapStorageErrors } from './storage-failure.ts'
import { allTrash } from './trash.ts'

const ledgersAtOnce = 16

/** What is known of one session: its numbers and its rows, newest first. */
export interface IndexedSession {
  readonly name: Key
  readonly summary: SessionSummary
  readonly rows: readonly CheckpointRow[]
}

/** A ledger that could not be read. */
export interface UnreadableSession {
  readonly name: Key
  readonly error: unknown
}

/** The names of all sessions, in pages from storage. */
export async function sessionNames(environment: Environment, options: AbortOptions, prefix = 'sessions/'): Promise<readonly Key[]> {
  await environment.readable(options)
  return refNames(environment, options, prefix)
}

/** The same, whether the store's format can be read or not. */
export async function refNames(environment: Environment, options: AbortOptions, prefix = 'sessions/'): Promise<readonly Key[]> {
  const names: Key[] = []
  let after: Key | undefined
  do {
    const page = await mapStorageErrors('list', () => environment.storage.refs.list(prefix, { ...options, after }), options.signal)
    names.push(...page.items.map((item) => item.name))
    after = page.next
  } while (after !== undefined)
  return names
}

/** One session; `undefined` when it has no ledger. Throws `CHECKPOINT_CORRUPT` when it is damaged. */
export async function indexedSession(environment: Environment, name: Key, options: AbortOptions): Promise<IndexedSession | undefined> {
  const session = await readSession(environment, name, options)
  if (session === undefined) return undefined
  const { ledger, rows } = session
  return { name, rows, summary: summaryOf(ledger, rows) }
}

/** A ledger with all of its rows, those in its pages too. */
export async function readSession(
  environment: Environment,
  name: Key,
  options: AbortOptions,
): Promise<{ readonly ledger: Ledger; readonly rows: readonly CheckpointRow[] } | undefined> {
  return readWith(environment, name, options, allRows)
}

/** The trash of a session, those of its rows that are in pages too. */
export async function readTrash(environment: Environment, name: Key, options: AbortOptions): Promise<readonly CheckpointRow[]> {
  return (await readWith(environment, name, options, allTrash))?.rows ?? []
}

/** A page that is missing is one that was replaced meanwhile, unless the ledger still names it. */
async function readWith(
  environment: Environment,
  name: Key,
  options: AbortOptions,
  rowsOf: typeof allRows,
): Promise<{ readonly ledger: Ledger; readonly rows: readonly CheckpointRow[] } | undefined> {
  for (let ledger = await readLedger(environment, name, options); ledger !== undefined; ) {
    try {
      return { ledger, rows: await rowsOf(environment, name, ledger, options) }
    } catch (error) {
      if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
      const now = await readLedger(environment, name, options)
      if (now?.commitCount === ledger.commitCount) throw error
      ledger = now
    }
  }
  return undefined
}

/** The session of an agent and key. */
export async function sessionOf(
  environment: Environment,
  agent: string,
  sessionKey: string,
  options: AbortOptions,
): Promise<IndexedSession | undefined> {
  return indexedSession(environment, sessionName(agent, sessionKey), options)
}

/** Every session, its ledger read, 16 at a time. A damaged one does not hide the others. */
export async function everySession(
  environment: Environment,
  options: AbortOptions,
): Promise<{ readonly sessions: readonly IndexedSession[]; readonly unreadable: readonly UnreadableSession[] }> {
  const sessions: IndexedSession[] = []
  const unreadable: UnreadableSession[] = []
  await boundedMap(await sessionNames(environment, options), ledgersAtOnce, async (name) => {
    try {
      const session = await indexedSession(environment, name, options)
      if (session !== undefined) sessions.push(session)
    } catch (error) {
      options.signal?.throwIfAborted()
      unreadable.push({ name, error })
    }
  })
  sessions.sort((left, right) =>
    byNewest({ createdAt: left.summary.newestAt, id: left.name }, { createdAt: right.summary.newestAt, id: right.name }),
  )
  return { sessions, unreadable }
}

/**
 * Brings the catalogue up to date: the ledgers of sessions that changed since it was last asked, as storage tells, and of those whose change was
 * not settled are read again. Where storage can't tell what changed, every ledger is; where it tells nothing at all, those of unknown sessions.
 */
export async function freshCatalogue(environment: Environment, options: AbortOptions): Promise<readonly UnreadableSession[]> {
  const { catalogue } = environment
  if (catalogue === undefined) return []
  await environment.readable(options)
  const known = await catalogue.progress(options)
  // Asked before anything is read: what changes meanwhile is among the next changes.
  const changes = await mapStorageErrors('list', async () => environment.storage.refs.changes?.(known.token, options), options.signal)
  const changed =
    changes === undefined ? await unknownNames(environment, catalogue, options) : await changedNames(environment, changes, options)
  const stale = new Set<Key>([...(await catalogue.stale(options)), ...known.unread, ...changed])
  const unreadable: UnreadableSession[] = []
  let isWritten = true
  await boundedMap([...stale], ledgersAtOnce, async (name) => {
    try {
      const ledger = await readLedger(environment, name, options)
      if (ledger === undefined) return
      const entry = await catalogueEntry(environment, name, ledger)
      // A catalogue that can't be written is stale, not the ledger damaged.
      await catalogue.changed(entry).catch(() => {
        isWritten = false
      })
    } catch (error) {
      options.signal?.throwIfAborted()
      unreadable.push({ name, error })
    }
  })
  const unread = unreadable.map(({ name }) => name).sort()
  if (isWritten && changes?.token !== undefined && !(changes.token === known.token && sameNames(unread, known.unread))) {
    await catalogue.caughtUp(known.token, { token: changes.token, unread }).catch(() => undefined)
  }
  return unreadable
}

async function unknownNames(environment: Environment, catalogue: Catalogue, options: AbortOptions): Promise<readonly Key[]> {
  const known = await catalogue.names(options)
  return (await sessionNames(environment, options)).filter((name) => !known.has(name))
}

async function changedNames(environment: Environment, { names }: RefChanges, options: AbortOptions): Promise<readonly Key[]> {
  if (names === undefined) return sessionNames(environment, options)
  return names.filter((name) => name.startsWith('sessions/'))
}

function sameNames(left: readonly Key[], right: readonly Key[]): boolean {
  return left.length === right.length && left.every((name, at) => name === right[at])
}
