import type { EntryKind, IndexedEntry, LinePlace } from '@palimpsest/core'
import { type IdSet, idSet } from '../id-set.ts'
import { asCount, asName, type JsonRecord } from '../json-fields.ts'
import { calledTool, compactionSummary, contentText, itemRole } from './item-text.ts'
import { type Note, writeNote } from './note.ts'
import { compactionDigest, isPrompt, noPrompts, type Prompts, replacementItems, windowId } from './prompts.ts'
import { eventOf, type RolloutLine, rolloutLine, sessionMeta } from './rollout-line.ts'

const rememberedCalls = 1024

/** Lines without an item for the model, which are understood. */
const stateTypes: ReadonlySet<string> = new Set([
  'dynamic_tools_updated',
  'event_msg',
  'inter_agent_communication_metadata',
  'realtime_item',
  'retained_context',
  'security_risk_score',
  'session_meta',
  'token_usage_record',
  'turn_context',
  'world_state',
])

/** An entry, and the line that it stands on. */
export interface DecodedEntry {
  readonly indexed: IndexedEntry
  readonly line: RolloutLine
}

/** Makes entries of a rollout's lines, in file order. */
export interface EntryDecoder {
  decode(place: LinePlace, value: JsonRecord): DecodedEntry
  /** Whether a rollback of so many turns can be followed: all of their prompts came by. */
  knowsTurns(turns: number): boolean
}

/** How many turns a line takes back (`thread_rolled_back`, up to 0.145); 0 for any other line. */
export function rolledBackTurns(value: JsonRecord): number {
  const line = rolloutLine(value)
  return eventOf(line) === 'thread_rolled_back' ? (asCount(line.payload['num_turns']) ?? 0) : 0
}

/**
 * A decoder. A rollout is a list: the parent of an item is the item before it, but for a rollback, behind which the branch goes on before the
 * turns that it took back. The items and the compactions have the ids that Codex gives them, else `L<line>`; a compaction of before 0.145 has a
 * digest of what it says, since a fork copies it. The model's own answer to the request for a summary is no part of the branch.
 */
export function entryDecoder(): EntryDecoder {
  const branch: Branch = {
    ids: idSet(),
    prompts: noPrompts(),
    calls: new Map(),
    hasHeader: false,
    tip: undefined,
    said: undefined,
    turnBase: undefined,
  }
  return {
    knowsTurns: (turns) => branch.prompts.count > turns,
    decode(place, value) {
      const line = rolloutLine(value)
      return { line, indexed: entryOfLine(branch, place, line, rolledBackTurns(value)) }
    },
  }
}

/** The branch as far as it was read. */
interface Branch {
  readonly ids: IdSet
  readonly prompts: Prompts
  /** The names of the last tools, by the ids of their calls. */
  readonly calls: Map<string, string>
  hasHeader: boolean
  tip: string | undefined
  /** The tip, where it is a message of the model, and what was before it: it may turn out to be a summary. */
  said: { readonly text: string; readonly before: string | undefined } | undefined
  /** Before the instructions and the like that stand in front of the next prompt. */
  turnBase: { readonly id: string | undefined } | undefined
}

function entryOfLine(branch: Branch, place: LinePlace, line: RolloutLine, turns: number): IndexedEntry {
  if (sessionMeta(line) !== undefined) return metaEntry(branch, place, line)
  if (turns > 0) return rollbackEntry(branch, place, turns)
  switch (line.type) {
    case 'response_item':
      return itemEntry(branch, place, line)
    case 'compacted':
      return compactionEntry(branch, place, line.payload)
    case 'inter_agent_communication':
      return atTip(branch, shapedEntry(place, `L${place.line}`, { kind: 'message', role: 'system' }), branch.tip)
    default: {
      const isKnown = line.type !== undefined && stateTypes.has(line.type)
      return shapedEntry(place, `L${place.line}`, { kind: isKnown ? 'state' : 'unknown' })
    }
  }
}

function metaEntry(branch: Branch, place: LinePlace, line: RolloutLine): IndexedEntry {
  const base = branch.hasHeader ? undefined : sessionMeta(line)?.base
  const kind = branch.hasHeader ? 'state' : 'header'
  branch.hasHeader = true
  // The rollout before it was not found: what came before is missing, and says so.
  if (base !== undefined) branch.tip = `rollout ${base.rolloutId}`
  return shapedEntry(place, `L${place.line}`, { kind })
}

function itemEntry(branch: Branch, place: LinePlace, { payload, metadata }: RolloutLine): IndexedEntry {
  const id = ownId(branch, asName(payload['id']), place.line)
  const role = itemRole(payload)
  const tool = toolOf(branch, payload)
  if (metadata['compaction_output'] === true) return shapedEntry(place, id, { kind: 'state', role, note: { is: 'summary-output' } })
  if (payload['type'] === 'ghost_snapshot') return shapedEntry(place, id, { kind: 'state' })
  const before = branch.tip
  const isMessage = payload['type'] === 'message'
  const isUsers = isPrompt(payload)
  const isContext = isMessage && !isUsers && role !== 'assistant'
  const text = isMessage ? contentText(payload['content']) : ''
  if (isUsers) branch.prompts.add({ id, before, beforeTurn: branch.turnBase === undefined ? before : branch.turnBase.id }, text)
  branch.said = isMessage && role === 'assistant' ? { text, before } : undefined
  branch.turnBase = isContext ? (branch.turnBase ?? { id: before }) : undefined
  if (isUsers) return atTip(branch, shapedEntry(place, id, { kind: 'message', role, note: { is: 'prompt' } }), before)
  if (isContext) return atTip(branch, shapedEntry(place, id, { kind: 'message', role: 'system', note: { is: 'context' } }), before)
  const note: Note | undefined = role === 'tool' ? { is: 'result', tool } : undefined
  return atTip(branch, shapedEntry(place, id, { kind: 'message', role, note }), before)
}

function compactionEntry(branch: Branch, place: LinePlace, payload: JsonRecord): IndexedEntry {
  const summary = compactionSummary(payload)
  const { said } = branch
  // 0.145 writes the summary as a message first, and doesn't mark it.
  const parentId = said !== undefined && summary !== undefined && said.text.trim() === summary ? said.before : branch.tip
  const keptEntryIds = keptBy(branch, payload)
  const [firstKeptEntryId] = keptEntryIds
  const keeps = { ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }), keptEntryIds }
  const id = ownId(branch, windowId(payload) ?? compactionDigest(payload), place.line)
  branch.said = undefined
  branch.turnBase = undefined
  return { ...atTip(branch, shapedEntry(place, id, { kind: 'summary', role: 'system' }), parentId), keeps }
}

function rollbackEntry(branch: Branch, place: LinePlace, turns: number): IndexedEntry {
  const entry = shapedEntry(place, `L${place.line}`, { kind: 'state' })
  if (branch.prompts.count === 0) return entry
  branch.tip = branch.prompts.rollBack(turns)
  branch.said = undefined
  branch.turnBase = undefined
  return branch.tip === undefined ? entry : { ...entry, leafId: branch.tip }
}

/** What a compaction kept: the items that have ids of items before it, and prompts by their texts. */
function keptBy({ ids, prompts }: Branch, payload: JsonRecord): readonly string[] {
  const items = replacementItems(payload)
  if (items === undefined) return prompts.recent()
  const named = items.map((item) => asName(item['id'])).map((id) => (id !== undefined && ids.has(id) ? id : undefined))
  const unnamed = items.filter((item, at) => named[at] === undefined && isPrompt(item))
  const found = prompts.withTexts(unnamed.map((item) => contentText(item['content'])))
  const byText = new Map(unnamed.map((item, at) => [item, found[at]]))
  return [...new Set(items.flatMap((item, at) => named[at] ?? byText.get(item) ?? []))]
}

/** The entry at the tip of the branch, behind what was there. */
function atTip(branch: Branch, entry: IndexedEntry, parentId: string | undefined): IndexedEntry {
  branch.tip = entry.id
  return { ...entry, ...(parentId === undefined ? {} : { parentId }), leafId: entry.id }
}

function ownId({ ids }: Branch, id: string | undefined, line: number): string {
  if (id === undefined) return `L${line}`
  return ids.add(id) && !/^L\d+$|@L\d+$/.test(id) ? id : `${id}@L${line}`
}

/** The tool that an item calls, or whose result it is. */
function toolOf({ calls }: Branch, item: JsonRecord): string | undefined {
  const callId = asName(item['call_id'])
  const called = calledTool(item)
  if (callId === undefined || called === undefined) return callId === undefined ? undefined : calls.get(callId)
  calls.set(callId, called)
  const [oldest] = calls.size > rememberedCalls ? calls.keys() : []
  if (oldest !== undefined) calls.delete(oldest)
  return called
}

interface Shape {
  readonly kind: EntryKind
  readonly role?: IndexedEntry['role']
  readonly note?: Note | undefined
}

function shapedEntry(place: LinePlace, id: string, { kind, role, note }: Shape): IndexedEntry {
  return {
    ...place,
    kind,
    id,
    ...(role === undefined ? {} : { role }),
    ...(note === undefined ? {} : { note: writeNote(note) }),
  }
}
