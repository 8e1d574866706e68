/** The result of a call that is made once for each name; one that failed is forgotten, so that the next caller tries again. */
export function once<Name, Result>(results: Map<Name, Promise<Result>>, name: Name, make: () => Promise<Result>): Promise<Result> {
  const known = results.get(name)
  if (known !== undefined) return known
  const result = make()
  results.set(name, result)
  result.catch(() => {
    if (results.get(name) === result) results.delete(name)
  })
  return result
}

/** Waits for all, whatever happens, and only then throws what the first of them threw: nothing goes on behind the caller's back. */
export async function allDone(...work: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
