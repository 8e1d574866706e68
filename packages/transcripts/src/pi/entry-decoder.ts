import { type EntryKind, type IndexedEntry, type KeptEntries, type LinePlace, type TextTable, textTable } from '@palimpsest/core'
import { asCount, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { entryRole } from './entry-text.ts'
import { currentVersion, messageRole, type PiHeader, piHeader, stateTypes } from './format.ts'
import { digitsOf, type MessageHead } from './line-head.ts'

/** An entry, what its line says, and whether the line can stand in a version 3 file as it is. */
export interface DecodedEntry {
  readonly indexed: IndexedEntry
  readonly value: JsonRecord
  readonly verbatim: boolean
}

/** Makes entries of a session's lines, in file order: gives them ids that are unique and parents that are theirs. */
export interface EntryDecoder {
  decode(place: LinePlace, value: JsonRecord): DecodedEntry
  /** The same for a plain message, of which only the head is known; `undefined` in version 1, where lines have to be parsed. */
  message(place: LinePlace, head: MessageHead): DecodedEntry | undefined
  /** Whether a message whose id is not taken, and its parent, are what their ids say: then the decoder need not see them. */
  takesPlain(): boolean
  /** The message that was not shown: the id as 32 bits. */
  passed(id: number): void
  /** Gives the memory of what was seen back now. Nothing is decoded afterwards. */
  free(): void
}

/** Ids that are taken: `add` says whether one was not. */
type TakenIds = Pick<TextTable, 'add' | 'free'>

/**
 * A decoder for a file from its first line on, or, given its header, for a version 2 or 3 file from any line on: then ids that stand before
 * that line are not known to be taken, and an entry without id or parent right behind it has no parent. `taken` are the ids that are, where
 * somebody else keeps them.
 */
export function entryDecoder(header?: PiHeader, taken: TakenIds = textTable()): EntryDecoder {
  const ids = idRegistry(taken)
  // Kept while there are only entries of version 1: no other names one by its place.
  let idsByIndex: string[] | undefined = header === undefined ? [] : undefined
  let version = header?.version
  /** An id, or one of eight hex digits as 32 bits. */
  let latestLeaf: string | number | undefined
  return {
    takesPlain() {
      version ??= currentVersion
      return version >= 2 && !ids.hasRenamed()
    },
    passed(id) {
      idsByIndex = undefined
      latestLeaf = id
    },
    free: ids.free,
    message(place, head) {
      version ??= currentVersion
      if (version < 2) return undefined
      idsByIndex = undefined
      const parentId = ids.resolve(head.parentId)
      const id = ids.register(head.id, place.line)
      latestLeaf = id
      const { part, line, start, end } = place
      const shape = { part, line, start, end, kind: 'message', id, role: head.role, leafId: id } as const
      const indexed: IndexedEntry = parentId === undefined ? shape : { ...shape, parentId }
      return { value: unread, verbatim: id === head.id && parentId === head.parentId, indexed }
    },
    decode(place, value) {
      const isHeader = value['type'] === 'session'
      version ??= piHeader(value)?.version ?? currentVersion
      const linear = version < 2 || (value['id'] === undefined && value['parentId'] === undefined)
      const ownId = linear && !isHeader ? undefined : asName(value['id'])
      const rawParentId = linear ? undefined : asName(value['parentId'])
      const parentId = isHeader ? undefined : linear ? idOf(latestLeaf) : ids.resolve(rawParentId)
      const id = ids.register(ownId, place.line)
      if (!linear && !isHeader) idsByIndex = undefined
      idsByIndex?.push(isHeader ? '' : id)
      const keeps = value['type'] === 'compaction' ? keptEntries(value, linear ? idsByIndex : undefined, ids) : undefined
      const target = asName(value['targetId'])
      const role = entryRole(value)
      const leafId = isHeader ? undefined : leafAfter(value, id, ids.resolve(target))
      latestLeaf = leafId ?? latestLeaf
      const note = noteOf(value, ids.resolve(target))
      const verbatim =
        id === ownId &&
        parentId === rawParentId &&
        (typeof value['parentId'] === 'string' || (value['parentId'] ?? undefined) === undefined) &&
        ids.resolve(target) === target &&
        keeps?.firstKeptEntryId === (value['type'] === 'compaction' ? asName(value['firstKeptEntryId']) : undefined) &&
        !(version < currentVersion && messageRole(value) === 'hookMessage')
      return {
        value,
        verbatim,
        indexed: {
          ...place,
          kind: kindOf(value),
          id,
          ...(parentId === undefined ? {} : { parentId }),
          ...(role === undefined ? {} : { role }),
          ...(leafId === undefined ? {} : { leafId }),
          ...(keeps === undefined ? {} : { keeps }),
          ...(note === undefined ? {} : { note }),
        },
      }
    },
  }
}

function idOf(id: string | number | undefined): string | undefined {
  return typeof id === 'number' ? digitsOf(id) : id
}

/** In place of what a line says that was not parsed. */
const unread: JsonRecord = {}

/** What `context` and `rewrite` need of an entry beyond its structure, written by this decoder alone. */
export type EntryNote =
  | { readonly about: 'system-message' | 'other' }
  | { readonly about: 'label' | 'omission' | 'replacement'; readonly targetId: string }

/** Reads a note back. */
export function readNote(note: string | undefined): EntryNote {
  if (note === 'system-message') return { about: note }
  const [about, targetId] = note === undefined ? [] : [note.slice(0, note.indexOf(' ')), note.slice(note.indexOf(' ') + 1)]
  if (targetId !== undefined && (about === 'label' || about === 'omission' || about === 'replacement')) return { about, targetId }
  return { about: 'other' }
}

function noteOf(value: JsonRecord, targetId: string | undefined): string | undefined {
  switch (value['type']) {
    case 'message':
      return messageRole(value) === 'system' ? 'system-message' : undefined
    case 'label':
      return targetId === undefined ? undefined : `label ${targetId}`
    case 'context_edit':
      return targetId === undefined ? undefined : `${value['replacement'] === null ? 'omission' : 'replacement'} ${targetId}`
    default:
      return undefined
  }
}

function kindOf(value: JsonRecord): EntryKind {
  const type = asString(value['type'])
  switch (type) {
    case 'session':
      return 'header'
    case 'compaction':
      return 'summary'
    case 'custom_message':
      return 'message'
    case 'message':
      return asRecord(value['message']) === undefined ? 'unknown' : 'message'
    case 'branch_summary':
      return asName(value['summary']) === undefined ? 'state' : 'message'
    default:
      return type !== undefined && stateTypes.has(type) ? 'state' : 'unknown'
  }
}

/** Any line but the header moves pi's leaf to itself; OpenClaw's `leaf` rows move it elsewhere, its side entries and `metadata` not at all. */
function leafAfter(value: JsonRecord, id: string, targetId: string | undefined): string | undefined {
  if (value['type'] === 'leaf') return targetId
  return value['appendMode'] === 'side' || value['type'] === 'metadata' ? undefined : id
}

/** `idsByIndex` is given for entries of version 1, which name what they keep by its place among the entries, the header being 0. */
function keptEntries(value: JsonRecord, idsByIndex: readonly string[] | undefined, ids: IdRegistry): KeptEntries {
  const index = asCount(value['firstKeptEntryIndex'])
  const firstKeptEntryId =
    idsByIndex !== undefined && index !== undefined ? asName(idsByIndex[index]) : ids.resolve(asName(value['firstKeptEntryId']))
  return firstKeptEntryId === undefined ? {} : { firstKeptEntryId }
}

interface IdRegistry {
  register(ownId: string | undefined, line: number): string
  resolve<Id extends string | undefined>(ownId: Id): Id | string
  hasRenamed(): boolean
  free(): void
}

/** Unique ids; an id that stands on several lines means, to a line behind them, the last before it. */
function idRegistry(taken: TakenIds): IdRegistry {
  const renamed = new Map<string, string>()
  return {
    free: taken.free,
    hasRenamed: () => renamed.size > 0,
    register(ownId, line) {
      let id = ownId ?? `L${line}`
      while (!taken.add(id)) id = `${id}@L${line}`
      if (ownId !== undefined && id !== ownId) renamed.set(ownId, id)
      return id
    },
    resolve(ownId) {
      return ownId === undefined ? ownId : (renamed.get(ownId) ?? ownId)
    },
  }
}
