import type { CheckpointRecord, CheckpointRow } from './checkpoint.ts'
import { digestPrefixOf, isWholeCheckpointId } from './checkpoint-id.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { sessionName } from './keys.ts'
import { knownRecord } from './known-records.ts'
import type { Ledger } from './ledger.ts'
import { readLedger } from './ledger-store.ts'
import { byNewest } from './rows.ts'
import {
  everySession,
  freshCatalogue,
  type IndexedSession,
  indexedSession,
  readSession,
  sessionNames,
  sessionOf,
  type UnreadableSession,
} from './session-index.ts'
import type { AbortOptions, Key } from './storage.ts'
import type { WithinSession } from './within-session.ts'

const nearestShown = 5
const rememberedNames = 10_000
const latestPattern = /^latest(?:~(\d{1,6}))?$/
const shortIdPattern = /^[0-9a-f-]{6,36}$/

/** A checkpoint that was found, with the ledger it was found in. */
export interface LocatedCheckpoint {
  readonly name: Key
  readonly ledger: Ledger
  readonly row: CheckpointRow
}

/** What an id names: a whole id leads to its one ledger; a short one and `latest` are looked up in the session, or over all of them. */
export async function resolveCheckpoint(environment: Environment, id: string, within: WithinSession): Promise<LocatedCheckpoint> {
  const wanted = id.trim()
  if (isWholeCheckpointId(wanted)) {
    const found = await findWhole(environment, wanted, within)
    return found ?? notFound(environment, wanted, within)
  }
  const latest = latestPattern.exec(wanted)
  if (latest === null && !shortIdPattern.test(wanted)) {
    throw new CheckpointError(
      'ARGUMENT_INVALID',
      `${JSON.stringify(wanted)} is no checkpoint id. Give a whole id, its last 6 or more characters, or latest, latest~1, …`,
      { argument: 'id', expected: 'a checkpoint id, at least its last 6 characters, or latest~N' },
    )
  }
  const name =
    latest === null ? await findShort(environment, wanted, within) : await findLatest(environment, Number(latest[1] ?? 0), within)
  if (name === undefined) return notFound(environment, wanted, within)
  return (await locate(environment, name.name, name.id, within)) ?? notFound(environment, wanted, within)
}

/** The same with its record. One that is missing was replaced or taken back meanwhile, unless the ledger still names it. */
export async function resolveRecord(
  environment: Environment,
  id: string,
  within: WithinSession,
): Promise<LocatedCheckpoint & { readonly record: CheckpointRecord }> {
  for (let located = await resolveCheckpoint(environment, id, within); ; ) {
    try {
      return { ...located, record: await knownRecord(environment, located.name, located.row, within) }
    } catch (error) {
      if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
      const now = await resolveCheckpoint(environment, located.row.id, within)
      if (now.row.record === located.row.record) throw error
      located = now
    }
  }
}

/** A whole id's checkpoint, by the one ledger that it leads to: most often one whose name is known already. */
async function findWhole(environment: Environment, id: string, within: WithinSession): Promise<LocatedCheckpoint | undefined> {
  const { knownNames } = environment
  const digits = digestPrefixOf(id) ?? ''
  const known = knownNames.get(digits) ?? []
  const found = await findAmong(environment, known, id, within)
  if (found !== undefined) return found
  const names = await sessionNames(environment, within, `sessions/${digits}`)
  if (knownNames.size >= rememberedNames) knownNames.clear()
  if (names.length > 0) knownNames.set(digits, names)
  return findAmong(
    environment,
    names.filter((name) => !known.includes(name)),
    id,
    within,
  )
}

async function findAmong(
  environment: Environment,
  names: readonly Key[],
  id: string,
  within: WithinSession,
): Promise<LocatedCheckpoint | undefined> {
  for (const name of names) {
    if (!isWithin(name, within)) continue
    const found = await locate(environment, name, id, within)
    if (found !== undefined) return found
  }
  return undefined
}

async function locate(environment: Environment, name: Key, id: string, options: AbortOptions): Promise<LocatedCheckpoint | undefined> {
  const ledger = await readLedger(environment, name, options)
  if (ledger === undefined) return undefined
  const row = ledger.checkpoints.find((candidate) => candidate.id === id)
  if (row !== undefined) return { name, ledger, row }
  const session = await readSession(environment, name, options)
  const older = session?.rows.find((candidate) => candidate.id === id)
  return session === undefined || older === undefined ? undefined : { name, ledger: session.ledger, row: older }
}

interface Named {
  readonly name: Key
  readonly id: string
}

async function findShort(environment: Environment, suffix: string, within: WithinSession): Promise<Named | undefined> {
  const matches = await endingIn(environment, suffix, within)
  if (matches.length <= 1) return matches[0]
  const candidates = matches.map((match) => match.id)
  throw new CheckpointError(
    'CHECKPOINT_AMBIGUOUS',
    `${suffix} is the end of ${candidates.length} checkpoint ids: ${candidates.slice(0, nearestShown).join(', ')}. Give more of it.`,
    { id: suffix, candidates },
  )
}

async function endingIn(environment: Environment, suffix: string, within: WithinSession): Promise<readonly Named[]> {
  if (environment.catalogue !== undefined && !hasSession(within)) {
    throwStoreFailure(await freshCatalogue(environment, within))
    return environment.catalogue.endingIn(suffix, { limit: 20, signal: within.signal })
  }
  const sessions = await sessionsWithin(environment, within)
  return sessions.flatMap(({ name, rows }) => rows.filter((row) => row.id.endsWith(suffix)).map((row) => ({ name, id: row.id })))
}

/** `latest~n` counts compactions; where there are none it counts snapshots. */
async function findLatest(environment: Environment, back: number, within: WithinSession): Promise<Named | undefined> {
  const all = await newestRows(environment, 2 * back + 50, within)
  const ofCompactions = all.filter(({ row }) => row.status !== 'snapshot')
  const found = (ofCompactions.length > 0 ? ofCompactions : all)[back]
  return found === undefined ? undefined : { name: found.name, id: found.row.id }
}

/** The newest rows within a session, or over all of them; at least `enough` of compactions where there are so many. */
async function newestRows(
  environment: Environment,
  enough: number,
  within: WithinSession,
): Promise<readonly { readonly name: Key; readonly row: CheckpointRow }[]> {
  const { catalogue } = environment
  if (catalogue === undefined || hasSession(within)) {
    const sessions = await sessionsWithin(environment, within)
    return sessions.flatMap(({ name, rows }) => rows.map((row) => ({ name, row }))).sort((left, right) => byNewest(left.row, right.row))
  }
  throwStoreFailure(await freshCatalogue(environment, within))
  const found: { readonly name: Key; readonly row: CheckpointRow }[] = []
  for (;;) {
    const page = await catalogue.newest({ limit: enough, cursor: found.at(-1)?.row, signal: within.signal })
    found.push(...page)
    if (page.length < enough || found.filter(({ row }) => row.status !== 'snapshot').length >= enough) return found
  }
}

/** The sessions in which an id is looked up. */
export async function sessionsWithin(environment: Environment, within: WithinSession): Promise<readonly IndexedSession[]> {
  const { agent, sessionKey } = within
  if (agent !== undefined && sessionKey !== undefined) {
    const session = await sessionOf(environment, agent, sessionKey, within)
    return session === undefined ? [] : [session]
  }
  if (sessionKey !== undefined) {
    const ofAgents = await Promise.all(
      environment.readers.map((reader) => indexedSession(environment, sessionName(reader.agent, sessionKey), within)),
    )
    return ofAgents.filter((session) => session !== undefined)
  }
  const { sessions, unreadable } = await everySession(environment, within)
  throwStoreFailure(unreadable)
  return agent === undefined ? sessions : sessions.filter((session) => session.summary.agent === agent)
}

/** A damaged ledger hides its own checkpoints alone; where the store itself failed, nobody can say what an id names. */
function throwStoreFailure(unreadable: readonly UnreadableSession[]): void {
  const failed = unreadable.find(
    ({ error }) => !isCheckpointError(error, 'CHECKPOINT_CORRUPT') && !isCheckpointError(error, 'FORMAT_UNSUPPORTED'),
  )
  if (failed !== undefined) throw failed.error
}

async function notFound(environment: Environment, id: string, within: WithinSession): Promise<never> {
  const found = await newestRows(environment, nearestShown, within).catch(() => [])
  const nearest = found.slice(0, nearestShown).map(({ row }) => row.id)
  const hint = nearest.length === 0 ? 'Nothing is kept here yet; run: palimpsest scan' : `The newest are ${nearest.join(', ')}.`
  throw new CheckpointError('CHECKPOINT_NOT_FOUND', `There is no checkpoint ${JSON.stringify(id)}. ${hint}`, { id, nearest })
}

function hasSession(within: WithinSession): boolean {
  return within.agent !== undefined || within.sessionKey !== undefined
}

function isWithin(name: Key, within: WithinSession): boolean {
  if (within.agent !== undefined && within.sessionKey !== undefined) return name === sessionName(within.agent, within.sessionKey)
  return within.agent === undefined || name.endsWith(`-${within.agent}`)
}
