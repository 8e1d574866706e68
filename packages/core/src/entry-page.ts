import { freeBytes } from './free-bytes.ts'

/** How many entries a page holds, as a power of two. */
export const pageBits = 12
/** How many entries a page holds. */
export const pageSize = 1 << pageBits

/** Columns of the entries that lie behind one another. Pages, since an array that grows is there twice while it is copied. */
export interface EntryPage {
  /** How many entries it has by now. */
  size: number
  /** The position of the first of them. */
  readonly firstPosition: number
  /** Where the first of them begins. */
  readonly firstStart: number
  /** Where each begins, from there on; `farStart` where that is 4 GiB and more. */
  readonly starts: Uint32Array
  readonly farStarts: Map<number, number>
  /** Only where one of them doesn't hang off the entry before it. */
  parents?: Int32Array
  /** The kind in the lowest 3 bits, the role in the next 3, the leaf in the next 2. */
  readonly shapes: Uint8Array
  /** Texts by number + 1; only where an entry of the page has one. */
  notes?: Uint32Array
  leaves?: Uint32Array
}

/** In place of a start that does not fit. */
const farStart = 0xffffffff

/** A page of no entries, of which the first will stand at a position and begin at `firstStart`. */
export function emptyPage(firstPosition: number, firstStart: number): EntryPage {
  return {
    size: 0,
    firstPosition,
    firstStart,
    starts: new Uint32Array(pageSize),
    farStarts: new Map(),
    shapes: new Uint8Array(pageSize),
  }
}

/** Gives the memory of a page back now. */
export function freePage({ starts, parents, shapes, notes, leaves }: EntryPage): void {
  for (const column of [starts, parents, shapes, notes, leaves]) if (column !== undefined) freeBytes(column)
}

/** Notes the parent of the entry at a place of the page, by its position or by a negative number. */
export function setParent(page: EntryPage, at: number, parent: number): void {
  if (page.parents === undefined && parent === page.firstPosition + at - 1) return
  page.parents ??= Int32Array.from({ length: pageSize }, (_, place) => page.firstPosition + place - 1)
  page.parents[at] = parent
}

/** What was noted as the parent of the entry at a place of the page. */
export function parentIn(page: EntryPage, at: number): number {
  return page.parents?.[at] ?? page.firstPosition + at - 1
}

/** Notes where the entry at a place of the page begins. */
export function setStart(page: EntryPage, at: number, start: number): void {
  const ahead = start - page.firstStart
  const isNear = ahead >= 0 && ahead < farStart
  page.starts[at] = isNear ? ahead : farStart
  if (!isNear) page.farStarts.set(at, start)
}

/** Where the entry at a place of the page begins. */
export function startIn(page: EntryPage, at: number): number {
  const ahead = page.starts[at] ?? 0
  return ahead === farStart ? (page.farStarts.get(at) ?? 0) : page.firstStart + ahead
}
