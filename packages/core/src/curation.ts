import { type Checkpoint, type CheckpointRow, checkpointOf } from './checkpoint.ts'
import { isWholeCheckpointId } from './checkpoint-id.ts'
import { replaced, rowOf } from './completion.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { sessionName } from './keys.ts'
import type { Ledger } from './ledger.ts'
import { changeLedger } from './ledger-store.ts'
import { resolveCheckpoint, sessionsWithin } from './resolve.ts'
import { allRows, withRows } from './rows.ts'
import { readTrash } from './session-index.ts'
import { readRecord } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { trimmed } from './text-input.ts'
import { allTrash, withTrash } from './trash.ts'
import type { WithinSession } from './within-session.ts'

/** Exempts a checkpoint from retention, or no longer. */
export async function pinCheckpoint(
  environment: Environment,
  id: string,
  options: WithinSession & { readonly on?: boolean | undefined },
): Promise<Checkpoint> {
  return changeRow(environment, id, options, ({ pinned: _pinned, ...row }) => (options.on === false ? row : { ...row, pinned: true }))
}

/** Names a checkpoint; without a text its label is removed. */
export async function labelCheckpoint(
  environment: Environment,
  id: string,
  options: WithinSession & { readonly text?: string | undefined },
): Promise<Checkpoint> {
  const label = trimmed(options.text)
  return changeRow(environment, id, options, ({ label: _label, ...row }) => (label === undefined ? row : { ...row, label }))
}

/** Moves checkpoints to the trash: all of one session in one swap. */
export async function deleteCheckpoints(
  environment: Environment,
  ids: readonly string[],
  options: WithinSession & { readonly force?: boolean | undefined },
): Promise<readonly string[]> {
  const bySession = new Map<Key, Set<string>>()
  for (const id of ids) {
    const { name, row } = await resolveCheckpoint(environment, id, options)
    if (row.pinned === true && options.force !== true) throw pinned(row.id)
    bySession.set(name, (bySession.get(name) ?? new Set()).add(row.id))
  }
  const deleted: string[] = []
  for (const [name, wanted] of bySession) {
    deleted.push(...(await trash(environment, name, (row) => wanted.has(row.id), options.force ?? false, options)))
  }
  return deleted
}

/** Moves every checkpoint of a session to the trash. */
export async function deleteSession(
  environment: Environment,
  session: AbortOptions & { readonly agent: string; readonly sessionKey: string; readonly force?: boolean | undefined },
): Promise<readonly string[]> {
  return trash(environment, sessionName(session.agent, session.sessionKey), () => true, session.force ?? false, session, session)
}

/** Takes a checkpoint back out of the trash. */
export async function undeleteCheckpoint(environment: Environment, id: string, within: WithinSession): Promise<Checkpoint> {
  const wanted = id.trim()
  const isWanted = (row: CheckpointRow): boolean =>
    isWholeCheckpointId(wanted) ? row.id === wanted : wanted.length >= 6 && row.id.endsWith(wanted)
  const matches: { readonly name: Key; readonly row: CheckpointRow }[] = []
  let damage: unknown
  for (const { name } of await sessionsWithin(environment, within)) {
    try {
      for (const row of await readTrash(environment, name, within)) if (isWanted(row)) matches.push({ name, row })
    } catch (error) {
      // What is damaged in one session hides nothing of the others.
      if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
      damage = error
    }
  }
  const [match] = matches
  if (matches.length > 1) {
    const candidates = matches.map(({ row }) => row.id)
    throw new CheckpointError(
      'CHECKPOINT_AMBIGUOUS',
      `${wanted} names several deleted checkpoints: ${candidates.join(', ')}. Give more of it.`,
      { id: wanted, candidates },
    )
  }
  if (match === undefined) {
    if (damage !== undefined) throw damage
    throw new CheckpointError(
      'CHECKPOINT_NOT_FOUND',
      `No deleted checkpoint ends in ${JSON.stringify(wanted)}; the trash keeps them for a day.`,
      { id: wanted },
    )
  }
  return changeLedger(environment, match.name, within, async (ledger) => {
    const trash = ledger === undefined ? [] : await allTrash(environment, match.name, ledger, within)
    const trashed = trash.find((row) => row.id === match.row.id)
    if (ledger === undefined || trashed === undefined) throw noLongerInTrash(match.row.id)
    const { deletedAt: _deletedAt, ...row } = trashed
    const rows = [...(await allRows(environment, match.name, ledger, within)), row]
    const left = trash.filter((candidate) => candidate !== trashed)
    const emptied = await withTrash(environment, match.name, ledger, left, within)
    const next = await withRows(environment, match.name, emptied.ledger, rows, within)
    const record = await readRecord(environment, match.name, row, within)
    return { ledger: next.ledger, result: checkpointOf(row, record), unnamed: [...emptied.unnamed, ...next.unnamed] }
  })
}

async function trash(
  environment: Environment,
  name: Key,
  isWanted: (row: CheckpointRow) => boolean,
  force: boolean,
  options: AbortOptions,
  session?: { readonly agent: string; readonly sessionKey: string },
): Promise<readonly string[]> {
  return changeLedger(environment, name, options, async (ledger) => {
    const rows = ledger === undefined ? [] : await allRows(environment, name, ledger, options)
    if (session !== undefined && rows.length === 0) {
      throw new CheckpointError(
        'SESSION_NOT_FOUND',
        `Nothing is kept of the ${session.agent} session ${JSON.stringify(session.sessionKey)}. See: palimpsest sessions`,
        session,
      )
    }
    const leaving = rows.filter(isWanted)
    const protectedRow = force ? undefined : leaving.find((row) => row.pinned === true)
    if (protectedRow !== undefined) throw pinned(protectedRow.id)
    if (ledger === undefined || leaving.length === 0) return { result: [] }
    const deletedAt = environment.now()
    const trashed: Ledger = { ...ledger, trash: [...ledger.trash, ...leaving.map((row) => ({ ...row, deletedAt }))] }
    const next = await withRows(
      environment,
      name,
      trashed,
      rows.filter((row) => !leaving.includes(row)),
      options,
    )
    return { ledger: next.ledger, result: leaving.map((row) => row.id), unnamed: next.unnamed }
  })
}

async function changeRow(
  environment: Environment,
  id: string,
  within: WithinSession,
  change: (row: CheckpointRow) => CheckpointRow,
): Promise<Checkpoint> {
  const { name, row: found } = await resolveCheckpoint(environment, id, within)
  return changeLedger(environment, name, within, async (before) => {
    const { ledger, rows, row } = await rowOf(environment, name, before, found.id, within)
    const changed = change(row)
    const result = checkpointOf(changed, await readRecord(environment, name, row, within))
    const next = await withRows(environment, name, ledger, replaced(rows, row, changed), within)
    return { ledger: next.ledger, result, unnamed: next.unnamed }
  })
}

function pinned(id: string): CheckpointError {
  return new CheckpointError('ARGUMENT_INVALID', `${id} is pinned. Unpin it first (palimpsest pin ${id} --off), or force the deletion.`, {
    argument: 'id',
    expected: 'a checkpoint that is not pinned',
  })
}

function noLongerInTrash(id: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_NOT_FOUND', `${id} is no longer in the trash.`, { id })
}
