import type { Environment } from './environment.ts'
import { agentOf } from './keys.ts'
import { emptyLedger, type Ledger } from './ledger.ts'
import { changeLedger } from './ledger-store.ts'
import { deleteObjects, epochOf, objectsOf, type SizedObjects, unnamedObjects } from './named-objects.ts'
import { readHeader } from './object-header.ts'
import type { AbortOptions, Key } from './storage.ts'

/**
 * Deletes what lies under a session's name, is older than the fence, and isn't among `named`, everything that the ledger of that fence names.
 * Nothing of it can become named again: a writer that wants to name an object commits on a ledger with this fence or a later one, and on such a
 * ledger it begins again under new names. Gives what was deleted.
 */
export async function sweep(
  environment: Environment,
  name: Key,
  fence: number,
  named: ReadonlySet<string>,
  options: AbortOptions,
): Promise<SizedObjects> {
  const going = unnamedObjects(await objectsOf(environment, name, options), named, fence - 1)
  await deleteObjects(environment, name, [...going.keys()], options)
  return going
}

/** The ledger with a fence above every object that any writer has put or is about to put. */
export function fenced(ledger: Ledger, above: number = ledger.epoch): Ledger {
  const epoch = Math.max(ledger.epoch, above) + 1
  return { ...ledger, epoch, fence: epoch }
}

/** What became of objects that no ledger stands for. */
export type LedgerlessSweep =
  | { readonly kind: 'swept'; readonly deleted: SizedObjects }
  /** A record lies among them, so that this may be a session whose ledger is lost. */
  | { readonly kind: 'left' }
  /** The session has a ledger by now. */
  | { readonly kind: 'has-ledger' }

/**
 * Sweeps a session that has objects and no ledger: what a capture left that crashed before its first commit. A tombstone with a fence is
 * written first, so that such a capture which is still running begins again under new names. Where a record lies among the objects they are
 * left alone: the same is seen when a ledger got lost, and then `verify` can rebuild it.
 */
export async function sweepLedgerless(
  environment: Environment,
  name: Key,
  options: AbortOptions & { readonly dryRun: boolean },
): Promise<LedgerlessSweep> {
  const abort = { signal: options.signal }
  const objects = await objectsOf(environment, name, abort)
  const ours = new Map([...objects].filter(([object]) => epochOf(object) !== undefined))
  for (const [object, sizeBytes] of ours) {
    if ((await readHeader(environment, name, object, sizeBytes, abort))?.header.kind === 'record') return { kind: 'left' }
  }
  if (options.dryRun || ours.size === 0) return { kind: 'swept', deleted: ours }
  const newest = Math.max(...[...ours.keys()].map((object) => epochOf(object) ?? 0))
  const fence = await changeLedger<number | undefined>(environment, name, abort, async (before) => {
    if (before !== undefined) return { result: undefined }
    const ledger = fenced(emptyLedger({ agent: agentOf(name), sessionKey: '', sessionId: '' }), newest)
    return { ledger, result: ledger.fence }
  })
  if (fence === undefined) return { kind: 'has-ledger' }
  return { kind: 'swept', deleted: await sweep(environment, name, fence, new Set(), abort) }
}
