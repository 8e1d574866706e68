import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { catalogueEntry } from './catalogue-entry.ts'
import type { Environment } from './environment.ts'
import { CheckpointError, isCheckpointError } from './errors.ts'
import { decodeLedger, encodeLedger, type Ledger } from './ledger.ts'
import { objectKey } from './session-objects.ts'
import type { AbortOptions, Key, RefVersion } from './storage.ts'
import { mapStorageErrors, storageFailure } from './storage-failure.ts'

const maxAttempts = 50
// Whoever has lost often makes room for others: of many writers on a busy machine each has its turn before its tries are over.
const longestWaitMs = 1000
const rememberedCommits = 32

/** What a change makes of a ledger; without `ledger` there is nothing to write. `unnamed` are objects that the new ledger names no more. */
export interface Change<Result> {
  readonly ledger?: Ledger | undefined
  readonly result: Result
  readonly unnamed?: readonly string[] | undefined
}

/** How a ledger is changed. */
export interface ChangeOptions extends AbortOptions {
  /**
   * What a session that has no ledger yet begins with: swapped in before `change` runs, so that objects are only ever put beside a ledger. Where
   * there are some and no ledger, it is lost. That swap is no commit.
   */
  readonly beginWith?: Ledger | undefined
}

/** The ledger of a session as it stands; `undefined` for a session that has none. Throws `CHECKPOINT_CORRUPT` when it is damaged. */
export async function readLedger(environment: Environment, name: Key, options: AbortOptions): Promise<Ledger | undefined> {
  return (await readVersioned(environment, name, options))?.ledger
}

/**
 * Changes a session's ledger by compare-and-swap. `change` is run on the ledger as it stands, and again whenever another writer was first, so
 * it must not depend on an earlier run. Each commit happens exactly once: an unknown outcome is settled by reading back its commit id.
 * Throws `CHECKPOINT_CONFLICT` after 50 tries.
 */
export async function changeLedger<Result>(
  environment: Environment,
  name: Key,
  changeOptions: ChangeOptions,
  change: (ledger: Ledger | undefined) => Promise<Change<Result>>,
): Promise<Result> {
  const { beginWith, ...options } = changeOptions
  await environment.readable(options)
  const tried = new Map<string, Change<Result>>()
  let failure: unknown
  let hasBegun = false
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    options.signal?.throwIfAborted()
    if (attempt > 0 && !hasBegun) await wait(Math.random() * Math.min(4 * attempt ** 2, longestWaitMs), undefined, options)
    const found = await readVersioned(environment, name, options)
    const landed = found?.ledger.commits.map((id) => tried.get(id)).find((candidate) => candidate !== undefined)
    if (landed !== undefined) return settle(environment, name, landed)
    if (failure !== undefined && !isUnknown(failure)) throw failure
    if (found === undefined && beginWith !== undefined) {
      failure = await begun(environment, name, beginWith, options)
      hasBegun = failure === undefined
      continue
    }
    hasBegun = false
    const wanted = await change(found?.ledger).catch(async (error: unknown) => {
      if (await isStillNamed(environment, name, found?.version, error, options)) throw error
      return undefined
    })
    if (wanted === undefined) continue
    if (wanted.ledger === undefined) return wanted.result
    await environment.writable(options)
    const commit = randomBytes(9).toString('base64url')
    const next = committed(wanted.ledger, commit)
    tried.set(commit, { ...wanted, ledger: next })
    await environment.catalogue?.changing(name).catch(() => undefined)
    const outcome = await swap(environment, name, next, found?.version, options)
    if (outcome.won) return settle(environment, name, { ...wanted, ledger: next })
    failure = outcome.failure
  }
  if (failure !== undefined) throw failure
  throw new CheckpointError('CHECKPOINT_CONFLICT', `Other writers were faster ${maxAttempts} times in a row. Try again.`, { session: name })
}

/** Swaps in the first ledger of a session, unless somebody else has by now. Gives what it failed with. */
async function begun(environment: Environment, name: Key, ledger: Ledger, options: AbortOptions): Promise<unknown> {
  await environment.writable(options)
  await environment.catalogue?.changing(name).catch(() => undefined)
  return (await swap(environment, name, ledger, undefined, options)).failure
}

/**
 * Puts a rebuilt ledger in the place of one that is lost or damaged; one that can be read is never replaced. Says whether it was. Throws
 * `STORAGE_UNAVAILABLE` and `STORAGE_REFUSED`.
 */
export async function replaceDamagedLedger(environment: Environment, name: Key, ledger: Ledger, options: AbortOptions): Promise<boolean> {
  const found = await mapStorageErrors('read', () => environment.storage.refs.read(name, options), options.signal)
  if (found !== undefined && isReadable(name, found.value)) return false
  await environment.writable(options)
  await environment.catalogue?.changing(name).catch(() => undefined)
  const next = committed(ledger, randomBytes(9).toString('base64url'))
  const { won, failure } = await swap(environment, name, next, found?.version, options)
  if (failure !== undefined) throw failure
  if (won) await settle(environment, name, { ledger: next, result: undefined })
  return won
}

function isReadable(name: Key, value: Uint8Array): boolean {
  try {
    decodeLedger(name, value)
    return true
  } catch (error) {
    if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return false
    throw error
  }
}

async function readVersioned(
  environment: Environment,
  name: Key,
  options: AbortOptions,
): Promise<{ ledger: Ledger; version: RefVersion } | undefined> {
  await environment.readable(options)
  const found = await mapStorageErrors('read', () => environment.storage.refs.read(name, options), options.signal)
  return found === undefined ? undefined : { ledger: decodeLedger(name, found.value), version: found.version }
}

/** Whether an error is no other than it seems: what a ledger named that was changed meanwhile may be gone. */
async function isStillNamed(
  environment: Environment,
  name: Key,
  version: RefVersion | undefined,
  error: unknown,
  options: AbortOptions,
): Promise<boolean> {
  if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT') || error.details.problem !== 'missing') return true
  return (await readVersioned(environment, name, options))?.version === version
}

async function swap(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  expected: RefVersion | undefined,
  options: AbortOptions,
): Promise<{ won: boolean; failure?: unknown }> {
  const bytes = encodeLedger(ledger)
  try {
    const version = await environment.storage.refs.compareAndSwap(name, bytes, expected, options)
    return { won: version !== undefined }
  } catch (error) {
    if (options.signal?.aborted === true) throw options.signal.reason
    return { won: false, failure: storageFailure('write the ledger', error) }
  }
}

/** After a commit: the catalogue learns of it, and what nothing names any more goes. Neither can undo what was committed. */
async function settle<Result>(environment: Environment, name: Key, change: Change<Result>): Promise<Result> {
  if (environment.catalogue !== undefined && change.ledger !== undefined) {
    const entry = await catalogueEntry(environment, name, change.ledger).catch(() => undefined)
    if (entry !== undefined) await environment.catalogue.changed(entry).catch(() => undefined)
  }
  const unnamed = change.unnamed ?? []
  if (unnamed.length > 0) {
    // What can't be deleted now is an orphan, which the next sweep takes.
    await environment.storage.objects.delete(unnamed.map((object) => objectKey(name, object))).catch(() => undefined)
  }
  return change.result
}

function committed(ledger: Ledger, commit: string): Ledger {
  return { ...ledger, commits: [...ledger.commits.slice(1 - rememberedCommits), commit], commitCount: ledger.commitCount + 1 }
}

function isUnknown(failure: unknown): boolean {
  return failure instanceof CheckpointError && failure.code === 'STORAGE_UNAVAILABLE'
}
