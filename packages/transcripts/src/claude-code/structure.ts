import type { EntryKind, EntryRole, IndexedEntry, KeptEntries, LinePlace } from '@palimpsest/core'
import { asList, asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { type Note, writeNote } from './note.ts'
import { blocksOf, isRendered, messageText } from './text.ts'

/** What the lines before it say of a line. */
export interface Known {
  /** Whether an earlier line has this id. */
  isRepeated(id: string): boolean
  /** The name of the tool that was called under this id. */
  toolOf(callId: string): string | undefined
}

/** A part's own branch is what is not marked as a sub-agent's; in a sub-agent's file everything is its own. */
export interface PartKind {
  readonly isMain: boolean
}

/** Attachments that the model is shown, as far as clients wrote them without their rendering. */
const shownAttachments: ReadonlySet<string> = new Set([
  'agent_mention',
  'compact_file_reference',
  'diagnostics',
  'directory',
  'edited_text_file',
  'file',
  'hook_additional_context',
  'hook_blocking_error',
  'invoked_skills',
  'mcp_resource',
  'nested_memory',
  'opened_file_in_ide',
  'pdf_reference',
  'plan_file_reference',
  'queued_command',
  'relevant_memories',
  'selected_lines_in_ide',
  'skill_listing',
  'task_status',
  'todo_reminder',
])

/** How lines of the client's own commands begin. A prompt command (`/review`) is one too; its text follows as a meta line. */
const localCommand = /^\s*<(?:local-command-|bash-|command-name>|command-message>)/

/** The place of a line in the session's structure. Never throws. */
export function structureOf(value: JsonRecord, place: LinePlace, known: Known, part: PartKind): IndexedEntry {
  const uuid = asName(value['uuid'])
  const id = uuid === undefined ? `L${place.line}` : ownId(uuid, place.line, known)
  const parentId = asName(value['parentUuid'])
  const isSidechain = value['isSidechain'] === true && part.isMain
  const shape: Shape = isSidechain ? { ...shapeOf(value, known), kind: 'state', note: { is: 'sidechain' } } : shapeOf(value, known)
  const leafId = uuid === undefined || isSidechain || !part.isMain ? undefined : id
  return {
    ...place,
    kind: shape.kind,
    id,
    ...(parentId === undefined ? {} : { parentId }),
    ...(shape.role === undefined ? {} : { role: shape.role }),
    ...(leafId === undefined ? {} : { leafId }),
    ...(shape.keeps === undefined || isSidechain ? {} : { keeps: shape.keeps }),
    ...(shape.note === undefined ? {} : { note: writeNote(shape.note) }),
  }
}

/**
 * What a boundary says it keeps. `keptEntryIds` are all that it names, those included that were never written to the file; with
 * `preservedSegment` alone only the first is known.
 */
function keptBy(value: JsonRecord): KeptEntries {
  const metadata = asRecord(value['compactMetadata'])
  const messages = asRecord(metadata?.['preservedMessages'])
  const uuids = namesIn(messages?.['uuids'])
  const allUuids = namesIn(messages?.['allUuids'])
  const kept = allUuids.length > 0 ? allUuids : uuids
  const first = uuids[0] ?? asName(asRecord(metadata?.['preservedSegment'])?.['headUuid'])
  return { ...(first === undefined ? {} : { firstKeptEntryId: first }), ...(kept.length === 0 ? {} : { keptEntryIds: kept }) }
}

/** An entry's id: its uuid, with the line where another has it already or it looks like an id made here. */
function ownId(uuid: string, line: number, known: Pick<Known, 'isRepeated'>): string {
  return known.isRepeated(uuid) || /^L\d+$|@L\d+$/.test(uuid) ? `${uuid}@L${line}` : uuid
}

interface Shape {
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly keeps?: KeptEntries | undefined
  readonly note?: Note | undefined
}

function shapeOf(value: JsonRecord, known: Known): Shape {
  const type = value['type']
  switch (type) {
    case 'user':
      return userShape(value, known)
    case 'assistant':
      return assistantShape(value)
    case 'attachment':
      return {
        kind: isShown(value) ? 'message' : 'state',
        role: value['renderedRole'] === 'user' ? 'user' : 'system',
        note: { is: 'beside' },
      }
    case 'system':
      return systemShape(value)
    case 'progress':
      return { kind: 'state', note: { is: 'beside' } }
    default:
      return { kind: typeof type === 'string' && asName(value['uuid']) === undefined ? 'state' : 'unknown' }
  }
}

function userShape(value: JsonRecord, known: Known): Shape {
  if (value['isCompactSummary'] === true) return { kind: 'summary', role: 'user' }
  const result = blocksOf(value).find((block) => asName(block['type'])?.endsWith('tool_result') === true)
  if (result !== undefined) {
    const callId = asName(result['tool_use_id'])
    return { kind: 'message', role: 'tool', note: { is: 'result', tool: callId === undefined ? undefined : known.toolOf(callId) } }
  }
  if (value['isMeta'] === true) return { kind: 'message', role: 'user', note: { is: 'meta' } }
  return { kind: 'message', role: 'user', ...(localCommand.test(messageText(value)) ? { note: { is: 'local' } } : {}) }
}

function assistantShape(value: JsonRecord): Shape {
  if (value['isApiErrorMessage'] === true) return { kind: 'message', role: 'assistant', note: { is: 'error' } }
  const calls = blocksOf(value).some((block) => block['type'] === 'tool_use')
  return { kind: 'message', role: 'assistant', note: { is: 'reply', calls, messageId: asName(asRecord(value['message'])?.['id']) } }
}

function systemShape(value: JsonRecord): Shape {
  if (value['subtype'] === 'compact_boundary') {
    const metadata = asRecord(value['compactMetadata'])
    const messages = asRecord(metadata?.['preservedMessages'])
    const segment = asRecord(metadata?.['preservedSegment'])
    const anchor = asName(messages?.['anchorUuid']) ?? asName(segment?.['anchorUuid'])
    return {
      kind: 'boundary',
      role: 'system',
      keeps: keptBy(value),
      note: { is: 'boundary', anchor, tail: asName(segment?.['tailUuid']) ?? namesIn(messages?.['uuids']).at(-1) },
    }
  }
  return { kind: value['subtype'] === 'local_command' ? 'message' : 'state', role: 'system', note: { is: 'beside' } }
}

function isShown(value: JsonRecord): boolean {
  return isRendered(value) || shownAttachments.has(asName(asRecord(value['attachment'])?.['type']) ?? '')
}

function namesIn(list: unknown): readonly string[] {
  return asList(list).flatMap((item) => asName(item) ?? [])
}
