/** How many entries a page holds, as a power of two. */
export const pageBits = 12
/** How many entries a page holds. */
export const pageSize = 1 << pageBits

/** Columns of the entries that lie behind one another. Pages, since an array that grows is there twice while it is copied. */
export interface EntryPage {
  readonly starts: Float64Array
  readonly lengths: Uint32Array
  readonly parents: Int32Array
  /** The kind in the lowest 3 bits, the role in the next 3, the leaf in the next 2. */
  readonly shapes: Uint8Array
  /** Texts by number + 1; only where an entry of the page has one. */
  notes?: Uint32Array
  leaves?: Uint32Array
}

/** A page of no entries. */
export function emptyPage(): EntryPage {
  return {
    starts: new Float64Array(pageSize),
    lengths: new Uint32Array(pageSize),
    parents: new Int32Array(pageSize),
    shapes: new Uint8Array(pageSize),
  }
}
