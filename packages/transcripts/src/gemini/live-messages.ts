import { asCount, asRecord } from '../json-fields.ts'
import { contentKeys } from './content-keys.ts'
import { type GeminiMessage, type GeminiRecord, snapshotText } from './format.ts'
import { keptCount, type Note, type Run } from './note.ts'

/** A message as it stands in the list. */
interface LiveMessage {
  readonly id: string
  readonly place: number
  /** The entry in which it is shown. */
  readonly entryId: string
  /** What it is known by where a compaction gave it a new id. */
  readonly keys: readonly string[]
  readonly tokens?: number | undefined
}

/** What a compaction did. */
interface LiveCompaction {
  readonly summary: string
  readonly keptEntryIds: readonly string[]
  /** The first entry behind the summary that stayed. */
  readonly firstKeptEntryId?: string | undefined
  readonly tokensBefore?: number | undefined
}

/** What a line does to the list. */
export interface LiveChange {
  readonly note: Note
  /** The entry that comes before this line's on its branch. */
  readonly parentId?: string | undefined
  /** The messages that the line brings; the first of a compaction is its summary. */
  readonly own: readonly GeminiMessage[]
  readonly compaction?: LiveCompaction | undefined
}

/** The list of messages that the client would have after each line. */
export interface LiveMessages {
  /** The change that a line makes; `undefined` for one that makes none. `entryIdOf` gives the line's entry its id. */
  apply(record: GeminiRecord, entryIdOf: (own: readonly GeminiMessage[]) => string): LiveChange | undefined
}

type Reference = 'own' | { readonly from: 'live' | 'aside'; readonly message: LiveMessage }
interface Listed {
  readonly message: GeminiMessage
  readonly reference: Reference
}

/**
 * An empty list. It is replayed as the client does it: an id that comes again keeps its place, an unknown id to rewind to empties the list. A list
 * that leaves live messages out and brings a summary is a compaction; nothing else in the file says so, and every resume writes such a list too. What
 * a compaction keeps has new ids and is found again by its content, from the end on. Memory grows with the list, not with the file.
 */
export function liveMessages(): LiveMessages {
  let live: LiveMessage[] = []
  let byId = new Map<string, LiveMessage>()
  let aside = new Map<string, LiveMessage>()

  const become = (messages: LiveMessage[]) => {
    live = messages
    byId = new Map(messages.map((message) => [message.id, message]))
  }
  const added = (message: GeminiMessage, entryId: string): LiveChange => {
    const known = byId.get(message.id)
    const place = known?.place ?? live.length
    const parentId = known !== undefined && place === live.length - 1 ? live[place - 1]?.entryId : live.at(-1)?.entryId
    const next = liveMessage(message, place, entryId)
    live[place] = next
    byId.set(message.id, next)
    const note: Note = known === undefined ? { op: 'add' } : { op: 'put', place, replaced: known.entryId }
    return { note, own: [message], ...(parentId === undefined ? {} : { parentId }) }
  }
  const rewound = (toId: string): LiveChange => {
    const length = byId.get(toId)?.place ?? 0
    for (const message of live.splice(length)) byId.delete(message.id)
    const parentId = live.at(-1)?.entryId
    return { note: { op: 'cut', length }, own: [], ...(parentId === undefined ? {} : { parentId }) }
  }
  const listed = (messages: readonly GeminiMessage[], entryIdOf: (own: readonly GeminiMessage[]) => string): LiveChange => {
    const before = live
    const found = lastOfEach(messages).map((message): Listed => ({ message, reference: referenceOf(message, byId, aside) }))
    const isShorter = keptCount(runsOf(found)) < before.length
    const snapshot = isShorter
      ? found.find(({ message, reference }) => reference === 'own' && snapshotText(message) !== undefined)
      : undefined
    const list = snapshot === undefined ? found : matchedByContent(found, found.indexOf(snapshot), before)
    const own = list.flatMap(({ message, reference }) => (reference === 'own' ? message : []))
    const ownFirst = snapshot === undefined ? own : [snapshot.message, ...own.filter((message) => message !== snapshot.message)]
    const entryId = own.length === 0 ? '' : entryIdOf(ownFirst)
    const tokensBefore = before.findLast((message) => message.tokens !== undefined)?.tokens
    if (snapshot !== undefined) aside = new Map()
    else if (isShorter) aside = byId
    become(list.map(({ message, reference }, place) => relisted(message, reference, place, entryId)))
    const last = list.at(-1)?.reference
    const parentId = last === undefined || last === 'own' ? before.at(-1)?.entryId : last.message.entryId
    return {
      note: { op: 'list', runs: runsOf(list) },
      own: ownFirst,
      ...(parentId === undefined ? {} : { parentId }),
      ...(snapshot === undefined ? {} : { compaction: compactionOf(list, snapshot.message, tokensBefore) }),
    }
  }
  return {
    apply(record, entryIdOf) {
      switch (record.is) {
        case 'message':
          return added(record.message, entryIdOf([record.message]))
        case 'rewind':
          return rewound(record.toId)
        case 'messages':
          return listed(record.replaces ? record.messages : [...live.map(asListed), ...record.messages], entryIdOf)
        case 'metadata':
        case 'update':
        case 'unknown':
          return undefined
        default:
          return record satisfies never
      }
    },
  }
}

/** A message that the client made of a tool's results has the id of the call's message, and is shown with it. */
function referenceOf({ id }: GeminiMessage, live: ReadonlyMap<string, LiveMessage>, aside: ReadonlyMap<string, LiveMessage>): Reference {
  const callId = id.replace(/_response$/, '')
  const inList = live.get(id) ?? live.get(callId)
  if (inList !== undefined) return { from: 'live', message: inList }
  const before = aside.get(id) ?? aside.get(callId)
  return before === undefined ? 'own' : { from: 'aside', message: before }
}

function asListed({ id }: LiveMessage): GeminiMessage {
  return { id, value: {} }
}

/** A list in which an id stands twice has its last message, at the place of the first. */
function lastOfEach(messages: readonly GeminiMessage[]): readonly GeminiMessage[] {
  return [...new Map(messages.map((message) => [message.id, message])).values()]
}

function liveMessage(message: GeminiMessage, place: number, entryId: string): LiveMessage {
  const tokens = tokensOf(message)
  return { id: message.id, place, entryId, keys: contentKeys(message.value), ...(tokens === undefined ? {} : { tokens }) }
}

function relisted(message: GeminiMessage, reference: Reference, place: number, entryId: string): LiveMessage {
  if (reference === 'own') return liveMessage(message, place, entryId)
  // A kept message may have lost its token count; then it is not that of the context any more.
  const tokens = message.id === reference.message.id ? reference.message.tokens : tokensOf(message)
  const { keys, entryId: known } = reference.message
  return { id: message.id, place, entryId: known, keys, ...(tokens === undefined ? {} : { tokens }) }
}

function tokensOf({ value }: GeminiMessage): number | undefined {
  return value['type'] === 'gemini' ? asCount(asRecord(value['tokens'])?.['total']) : undefined
}

/**
 * The messages behind a summary as those of the list before it, from the last on: what is kept is the end of that list. The one right behind it is
 * the client's own answer to it, in the same words every time.
 */
function matchedByContent(list: readonly Listed[], snapshotAt: number, before: readonly LiveMessage[]): readonly Listed[] {
  const withKey = new Map<string, LiveMessage[]>()
  for (const message of before) {
    for (const key of message.keys) {
      const others = withKey.get(key)
      if (others === undefined) withKey.set(key, [message])
      else others.push(message)
    }
  }
  const matched = [...list]
  let limit = before.length - 1
  for (let at = list.length - 1; at > snapshotAt + 1; at--) {
    const item = list[at]
    if (item === undefined || item.reference !== 'own') continue
    const [key] = contentKeys(item.message.value)
    const candidates = key === undefined ? [] : (withKey.get(key) ?? [])
    while ((candidates.at(-1)?.place ?? -1) > limit) candidates.pop()
    const kept = candidates.at(-1)
    if (kept === undefined) continue
    limit = kept.place
    matched[at] = { message: item.message, reference: { from: 'live', message: kept } }
  }
  return matched
}

function compactionOf(list: readonly Listed[], snapshot: GeminiMessage, tokensBefore: number | undefined): LiveCompaction {
  const snapshotAt = list.findIndex(({ message }) => message === snapshot)
  const keptIn = (items: readonly Listed[]) => items.flatMap(({ reference }) => (reference === 'own' ? [] : reference.message.entryId))
  const firstKeptEntryId = keptIn(list.slice(snapshotAt))[0]
  return {
    summary: snapshotText(snapshot) ?? '',
    keptEntryIds: [...new Set(keptIn(list))],
    ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
  }
}

function runsOf(list: readonly Listed[]): readonly Run[] {
  const runs: Run[] = []
  for (const { reference } of list) {
    const last = runs.at(-1)
    if (reference === 'own') {
      if (last?.from === 'own') runs[runs.length - 1] = { from: 'own', count: last.count + 1 }
      else runs.push({ from: 'own', count: 1 })
      continue
    }
    const { from, message } = reference
    if (last !== undefined && last.from !== 'own' && last.from === from && last.last + 1 === message.place) {
      runs[runs.length - 1] = { from, first: last.first, last: message.place }
    } else runs.push({ from, first: message.place, last: message.place })
  }
  return runs
}
