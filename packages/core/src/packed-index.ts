import { type EntryPage, emptyPage, freePage, pageBits, pageSize, parentIn, setParent, setStart, startIn } from './entry-page.ts'
import { hexDigits } from './packed-text.ts'
import { rareNumbers } from './rare-numbers.ts'
import type { PlainMessage } from './structure-sink.ts'
import { type TextTable, textTable } from './text-table.ts'
import type { EntryIndex, EntryKind, EntryRole, IndexedEntry, KeptEntries, LinePlace } from './transcript.ts'

/** An index that entries are added to, in file order. */
export interface GrowingIndex extends EntryIndex {
  add(entry: IndexedEntry): void
  /** The same for a plain message; `false`, and nothing is added, where an entry has its id. */
  addMessage(message: PlainMessage): boolean
  /** Gives the memory back now, instead of when it is noticed that nobody holds the index any more. It is not to be used afterwards. */
  free(): void
}

const kinds: readonly EntryKind[] = ['header', 'message', 'summary', 'boundary', 'state', 'unknown']
const messageKind = kinds.indexOf('message')
const roles: readonly (EntryRole | undefined)[] = [undefined, 'user', 'assistant', 'tool', 'system']

/** Which leaf a line moves to, in the shape of an entry. */
const leafNone = 0
const leafItself = 1
const leafOther = 2

/** In place of a parent's position: there is none, or (below) its id stands among the texts under `looseParent - value`. */
const noParent = -1
const looseParent = -2

/** An index of these entries. */
export function entryIndexOf(entries: Iterable<IndexedEntry>): EntryIndex {
  const index = growingIndex()
  for (const entry of entries) index.add(entry)
  return index
}

/** An empty index. An entry takes about 9 bytes in it and its id's own 12 to 28. */
export function growingIndex(): GrowingIndex {
  const pages: EntryPage[] = []
  const ids = textTable()
  const texts = textTable()
  const keeps = new Map<number, KeptEntries>()
  const places = entryPlaces(pages)
  let latestId: string | undefined
  let latestWord: number | undefined
  const add = (entry: IndexedEntry): void => {
    const position = ids.size
    const at = position & (pageSize - 1)
    const page = places.add(entry, position)
    const isFirst = ids.add(entry.id)
    const { leafId, note } = entry
    // Most entries hang off the one before them.
    const hangsOffLatest = entry.parentId === latestId && latestId !== undefined
    setParent(page, at, hangsOffLatest ? position - 1 : packedParent(entry.parentId, ids, texts))
    latestId = isFirst ? entry.id : undefined
    latestWord = undefined
    const leaf = leafId === undefined ? leafNone : leafId === entry.id ? leafItself : leafOther
    page.shapes[at] = kinds.indexOf(entry.kind) | (roles.indexOf(entry.role) << 3) | (leaf << 6)
    if (leaf === leafOther && leafId !== undefined) {
      page.leaves ??= new Uint32Array(pageSize)
      page.leaves[at] = texts.intern(leafId) + 1
    }
    if (note !== undefined) {
      page.notes ??= new Uint32Array(pageSize)
      page.notes[at] = texts.intern(note) + 1
    }
    if (entry.keeps !== undefined) keeps.set(position, entry.keeps)
  }
  const addMessage = (message: PlainMessage): boolean => {
    const position = ids.size
    const at = position & (pageSize - 1)
    if (!ids.addWord(message.id)) return false
    const page = places.add(message, position)
    if (!message.hasParent) setParent(page, at, noParent)
    else if (message.parent === latestWord) setParent(page, at, position - 1)
    // Found as a word where it stands before, as mostly; an entry may name itself.
    else setParent(page, at, ids.findWord(message.parent) ?? looseParent - texts.intern(hexDigits(message.parent)))
    latestId = undefined
    latestWord = message.id
    page.shapes[at] = messageKind | (roles.indexOf(message.role) << 3) | (leafItself << 6)
    return true
  }
  const { leafIdOf, ...columns } = fieldsOf(pages, ids, texts)
  const fields = { ...columns, endOf: (position: number) => places.endOf(position, columns.startOf) }
  const placeOf = (position: number, start: number): LinePlace => places.at(position, start, columns.startOf)
  return {
    ...fields,
    get size() {
      return ids.size
    },
    add,
    addMessage,
    free() {
      for (const page of pages.splice(0)) freePage(page)
      ids.free()
      texts.free()
    },
    entry: (position) => entryOf(position, { ...fields, placeOf, leafIdOf, keepsOf: (kept) => keeps.get(kept) }),
  }
}

/** Where entries lie. Mostly a line is the next one, and begins where the one before it ends: only where it isn't so something is kept. */
function entryPlaces(pages: EntryPage[]) {
  const linesAhead = rareNumbers()
  const oddEnds = rareNumbers()
  let latestEnd = 0
  let latestAhead = 0
  let part = 'main'
  const endOf = (position: number, startOf: (position: number) => number | undefined): number | undefined =>
    startOf(position) === undefined ? undefined : (oddEnds.at(position) ?? startOf(position + 1) ?? latestEnd)
  return {
    /** Puts the next entry in its place, and gives its page. */
    add(entry: LinePlace, position: number): EntryPage {
      const { start, end, line } = entry
      const at = position & (pageSize - 1)
      const page = pages[position >>> pageBits] ?? emptyPage(position, start)
      pages[position >>> pageBits] = page
      if (position === 0) part = entry.part
      page.size = at + 1
      setStart(page, at, start)
      if (position > 0 && start !== latestEnd) oddEnds.add(position - 1, latestEnd)
      latestEnd = end
      if (position === 0 || latestAhead !== line - position) linesAhead.add(position, line - position)
      latestAhead = line - position
      return page
    },
    endOf,
    at: (position: number, start: number, startOf: (position: number) => number | undefined): LinePlace => ({
      part,
      line: position + (linesAhead.upTo(position) ?? 0),
      start,
      end: endOf(position, startOf) ?? start,
    }),
  }
}

interface Fields extends Omit<EntryIndex, 'size' | 'entry' | 'endOf'> {
  leafIdOf(position: number): string | undefined
}

function fieldsOf(pages: readonly EntryPage[], ids: TextTable, texts: TextTable): Fields {
  const pageOf = (position: number) => {
    const page = pages[position >>> pageBits]
    return position >= 0 && page !== undefined && (position & (pageSize - 1)) < page.size ? page : undefined
  }
  const shapeOf = (position: number) => pageOf(position)?.shapes[position & (pageSize - 1)]
  const textOf = (column: Uint32Array | undefined, position: number): string | undefined => {
    const number = column?.[position & (pageSize - 1)] ?? 0
    return number === 0 ? undefined : texts.at(number - 1)
  }
  const idOf = (position: number) => (pageOf(position) === undefined ? undefined : ids.at(position))
  const leafOf = (position: number) => (shapeOf(position) ?? 0) >>> 6
  return {
    idOf,
    positionOf: (id) => ids.find(id),
    kindOf: (position) => kinds[(shapeOf(position) ?? 7) & 7],
    roleOf: (position) => roles[((shapeOf(position) ?? 0) >>> 3) & 7],
    noteOf: (position) => textOf(pageOf(position)?.notes, position),
    startOf(position) {
      const page = pageOf(position)
      return page === undefined ? undefined : startIn(page, position & (pageSize - 1))
    },
    movesLeaf: (position) => leafOf(position) !== leafNone,
    leafIdOf: (position) => (leafOf(position) === leafItself ? idOf(position) : textOf(pageOf(position)?.leaves, position)),
    parentOf(position) {
      const page = pageOf(position)
      const at = position & (pageSize - 1)
      const parent = page === undefined ? noParent : parentIn(page, at)
      if (page === undefined || parent === noParent) return undefined
      if (parent >= 0) return parent
      const found = ids.find(texts.at(looseParent - parent))
      if (found !== undefined) setParent(page, at, found)
      return found
    },
    parentIdOf(position) {
      const page = pageOf(position)
      const parent = page === undefined ? noParent : parentIn(page, position & (pageSize - 1))
      if (parent >= 0) return ids.at(parent)
      return parent === noParent ? undefined : texts.at(looseParent - parent)
    },
  }
}

function entryOf(
  position: number,
  fields: Fields & {
    placeOf(position: number, start: number): LinePlace
    keepsOf(position: number): KeptEntries | undefined
  },
): IndexedEntry | undefined {
  const [start, kind, id] = [fields.startOf(position), fields.kindOf(position), fields.idOf(position)]
  if (start === undefined || kind === undefined || id === undefined) return undefined
  const parentId = fields.parentIdOf(position)
  const role = fields.roleOf(position)
  const leafId = fields.leafIdOf(position)
  const keeps = fields.keepsOf(position)
  const note = fields.noteOf(position)
  return {
    ...fields.placeOf(position, start),
    kind,
    id,
    ...(parentId === undefined ? {} : { parentId }),
    ...(role === undefined ? {} : { role }),
    ...(leafId === undefined ? {} : { leafId }),
    ...(keeps === undefined ? {} : { keeps }),
    ...(note === undefined ? {} : { note }),
  }
}

/** A parent may stand behind its child in a file that was put together by hand: it is looked for again when it is asked for. */
function packedParent(parentId: string | undefined, ids: TextTable, texts: TextTable): number {
  if (parentId === undefined) return noParent
  return ids.find(parentId) ?? looseParent - texts.intern(parentId)
}
