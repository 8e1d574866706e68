import assert from 'node:assert/strict'
import type { Checkpoints, Storage } from '@palimpsest/core'
import { ledgerOf } from '../../service/support/storages.ts'
import { assertKept, assertReadsBack, assertStillKept, bytesOf, listedIds, type Snapshot } from './kept.ts'
import type { Scene, Touched } from './scenes.ts'

/**
 * Rejects unless the store is as it was before the operation of a scene, or as it is after it, and nothing between; says which. What the
 * operation makes is there once.
 */
export async function assertAllOrNothing(service: Checkpoints, scene: Scene, where: string): Promise<'before' | 'after'> {
  await assertKept(service, scene.kept, where)
  const listed = await listedIds(service, where)
  const known = new Set([...scene.kept.keys(), ...scene.touched.map(({ id }) => id)])
  const fresh = listed.filter((id) => !known.has(id))
  assert.equal(new Set(listed).size, listed.length, `each checkpoint is listed once, ${where}`)
  if (fresh.length > 0) {
    await assertMade(service, fresh, scene.made, where)
    for (const each of scene.touched) await assertState(service, listed, each, 'after', where)
    return 'after'
  }
  const state = scene.made.length > 0 ? 'before' : await stateOf(service, listed, scene.touched)
  for (const each of scene.touched) await assertState(service, listed, each, state, where)
  return state
}

/** Rejects unless the session can be captured again, and everything is still there. */
export async function assertGoesOn(service: Checkpoints, scene: Scene, where: string): Promise<void> {
  const { id, parts } = await scene.captureNext(service)
  await assertReadsBack(service, id, parts, `captured again ${where}`)
  await assertStillKept(service, scene.kept, `captured again ${where}`)
}

/** How many commits all sessions together have; each has an id of its own. */
export async function commitCount(storage: Storage): Promise<number> {
  let count = 0
  for (const { name } of (await storage.refs.list('sessions/')).items) {
    const ledger = await ledgerOf(storage, name)
    assert.equal(new Set(ledger.commits).size, ledger.commits.length, 'each commit is made once')
    count += ledger.commitCount
  }
  return count
}

async function assertMade(service: Checkpoints, fresh: readonly string[], made: readonly Snapshot[], where: string): Promise<void> {
  const wanted = made.map((parts) => Buffer.from(parts['main'] ?? []).toString())
  const found = await Promise.all(fresh.map(async (id) => (await bytesOf(service, id)).toString()))
  assert.deepEqual(found.toSorted(), wanted.toSorted(), `what was made, ${where}`)
  for (const [index, id] of fresh.entries()) {
    const parts = made.find((candidate) => Buffer.from(candidate['main'] ?? []).toString() === found[index])
    await assertReadsBack(service, id, parts ?? {}, where)
  }
}

async function stateOf(service: Checkpoints, listed: readonly string[], touched: readonly Touched[]): Promise<'before' | 'after'> {
  const [first] = touched
  if (first === undefined) return 'before'
  if (!listed.includes(first.id)) return first.before === undefined ? 'before' : 'after'
  if (first.before === undefined) return 'after'
  return (await service.get(first.id)).status === first.before.status ? 'before' : 'after'
}

async function assertState(
  service: Checkpoints,
  listed: readonly string[],
  { id, ...states }: Touched,
  state: 'before' | 'after',
  where: string,
): Promise<void> {
  const wanted = states[state]
  assert.equal(listed.filter((other) => other === id).length, wanted === undefined ? 0 : 1, `${id} is as ${state} the operation, ${where}`)
  if (wanted === undefined) return
  assert.equal((await service.get(id)).status, wanted.status, `${id} is as ${state} the operation, ${where}`)
  await assertReadsBack(service, id, wanted.parts, where)
}
