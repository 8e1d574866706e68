import type { Key } from '@palimpsest/core'

/**
 * A page of a listing: the first `limit` keys for which `itemOf` finds something. `next` is there only when more follow. Checks the signal
 * as it goes.
 */
export async function pageOf<Item>(
  keys: AsyncGenerator<Key>,
  limit: number,
  itemOf: (key: Key) => Promise<Item | undefined>,
  signal: AbortSignal | undefined,
): Promise<{ items: Item[]; next?: Key }> {
  const found: { readonly key: Key; readonly item: Item }[] = []
  let batch: Key[] = []
  const lookUp = async () => {
    signal?.throwIfAborted()
    const items = await Promise.all(batch.map(itemOf))
    for (const [at, key] of batch.entries()) {
      const item = items[at]
      if (item !== undefined) found.push({ key, item })
    }
    batch = []
  }
  for await (const key of keys) {
    batch.push(key)
    if (found.length + batch.length > limit) await lookUp()
    if (found.length > limit) break
  }
  await lookUp()
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return { items: page.map(({ item }) => item), ...(found.length > limit && last !== undefined ? { next: last.key } : {}) }
}
