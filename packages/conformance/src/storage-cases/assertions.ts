import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type Key, type RefVersion, type Storage, StorageError, type StorageErrorKind } from '@palimpsest/core'
import type { StorageCase, StorageCaseContext, StorageCaseGroup, StorageNeeds } from '../storage-case.ts'

/** Writes down the cases of a group: `id` within the group, the promise as a sentence, how it is proved. */
export function casesOf(group: StorageCaseGroup) {
  return (id: string, name: string, run: (context: StorageCaseContext) => Promise<void>, needs: StorageNeeds = {}): StorageCase => ({
    id: `${group}/${id}`,
    group,
    name,
    needs,
    run,
  })
}

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes that differ all along, so that a piece in the wrong place is seen. The same `seed` gives the same bytes. */
export function patterned(sizeBytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4))
  let state = (seed * 2654435761) >>> 0 || 1
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[at] = state
  }
  return new Uint8Array(words.buffer, 0, sizeBytes)
}

/** Asserts that bytes are there and are these. */
export function assertBytes(actual: Uint8Array | undefined, expected: Uint8Array, what = 'the value'): void {
  if (actual === undefined) assert.fail(`${what} is absent`)
  assert.equal(actual.byteLength, expected.byteLength, `${what} has the wrong size`)
  assert.ok(Buffer.compare(actual, expected) === 0, `${what} has other bytes`)
}

/** What a call rejects with, whatever it is. It must not throw before it gives its promise. */
export async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  const promise = call()
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail('the call resolved, it should have been refused')
}

/** Asserts that a call rejects with a `StorageError` of this kind. */
export async function assertRefused(kind: StorageErrorKind, call: () => Promise<unknown>, what = 'the call'): Promise<void> {
  const error = await thrownBy(call)
  if (!(error instanceof StorageError)) assert.fail(`${what} threw ${String(error)}, not a StorageError`)
  assert.equal(error.kind, kind, `${what} threw the wrong kind: ${error.message}`)
}

/** All keys under a prefix, page by page. A listing that doesn't end is cut off with an error. */
export async function listedKeys(storage: Storage, prefix: string, limit?: number): Promise<readonly Key[]> {
  return allPages(limit, async (after) => {
    const { items, next } = await storage.objects.list(prefix, { after, limit })
    return { keys: items.map(({ key }) => key), next }
  })
}

/** All ref names under a prefix, page by page. */
export async function listedNames(storage: Storage, prefix: string, limit?: number): Promise<readonly Key[]> {
  return allPages(limit, async (after) => {
    const { items, next } = await storage.refs.list(prefix, { after, limit })
    return { keys: items.map(({ name }) => name), next }
  })
}

type Page = { readonly keys: readonly Key[]; readonly next: Key | undefined }

async function allPages(limit: number | undefined, read: (after: Key | undefined) => Promise<Page>): Promise<readonly Key[]> {
  const keys: Key[] = []
  let after: Key | undefined
  for (let pages = 0; pages < 10_000; pages += 1) {
    const page = await read(after)
    assert.ok(page.keys.length <= (limit ?? 1000), `a page of ${page.keys.length} keys is over the limit`)
    keys.push(...page.keys)
    if (page.next === undefined) return keys
    after = page.next
  }
  return assert.fail('the listing does not end')
}

/** Swaps a ref that nobody else changes. */
export async function swapAlone(storage: Storage, name: Key, text: string, expected?: RefVersion): Promise<RefVersion> {
  const version = await storage.refs.compareAndSwap(name, utf8(text), expected)
  if (version === undefined) assert.fail(`the swap to ${text} was lost although nobody else wrote`)
  return version
}

/** Lets timers, I/O and other instances go on: a store in memory alone would never leave the microtask queue. */
export async function yieldToOthers(): Promise<void> {
  await setImmediate()
}
