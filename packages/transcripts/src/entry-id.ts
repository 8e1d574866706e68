import type { IdSet } from './id-set.ts'

/** An id as the client gave it; with the line where it is taken already or looks like an id made here, `L<line>` where there is none. */
export function unusedId(ownId: string | undefined, line: number, taken: IdSet): string {
  let id = ownId ?? `L${line}`
  if (ownId !== undefined && /^L\d+$|@L\d+$/.test(ownId)) id = `${ownId}@L${line}`
  while (!taken.add(id)) id = `${id}@L${line}`
  return id
}
