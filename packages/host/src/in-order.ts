/**
 * What `use` makes of each item, in the order of the items, while the next ones are under way: at most `limit` at once. Whoever stops early, or meets
 * an error, goes on once what had begun has ended.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  limit: number,
  use: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const begun: Promise<Result>[] = []
  try {
    for await (const item of items) {
      const result = use(item)
      // It is looked at when its turn comes; until then a failure is nobody's.
      result.catch(() => undefined)
      begun.push(result)
      if (begun.length < limit) continue
      const first = begun.shift()
      if (first !== undefined) yield await first
    }
    for (let first = begun.shift(); first !== undefined; first = begun.shift()) yield await first
  } finally {
    await Promise.allSettled(begun)
  }
}
