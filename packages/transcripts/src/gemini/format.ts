import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'

// Gemini CLI's session log as its loadConversationRecord 0.61.0 reads it: records are told apart in this order, and replayed.

/** A message, in a line of its own or in a list. */
export interface GeminiMessage {
  readonly id: string
  readonly value: JsonRecord
}

/**
 * What a line is.
 *
 * - `rewind`: drops the message of this id and all behind it; everything where no message has it.
 * - `message`: adds a message, or replaces the one of its id where that stands.
 * - `messages`: a list of them; `replaces` all that were there before.
 * - `metadata`: what the session is; `update`: what changed of that.
 */
export type GeminiRecord =
  | { readonly is: 'rewind'; readonly toId: string }
  | { readonly is: 'message'; readonly message: GeminiMessage }
  | { readonly is: 'messages'; readonly messages: readonly GeminiMessage[]; readonly replaces: boolean }
  | { readonly is: 'metadata' | 'update' | 'unknown' }

/** The record that a line is. Never throws. */
export function geminiRecord(value: JsonRecord): GeminiRecord {
  const toId = asString(value['$rewindTo'])
  if (toId !== undefined) return { is: 'rewind', toId }
  const id = asName(value['id'])
  if (id !== undefined) return { is: 'message', message: { id, value } }
  const update = asRecord(value['$set'])
  if (update !== undefined) {
    return Array.isArray(update['messages'])
      ? { is: 'messages', messages: messagesIn(update['messages']), replaces: true }
      : { is: 'update' }
  }
  if (!isMetadata(value)) return { is: 'unknown' }
  return Array.isArray(value['messages'])
    ? { is: 'messages', messages: messagesIn(value['messages']), replaces: false }
    : { is: 'metadata' }
}

/** Whether a line says what the session is. */
export function isMetadata(value: JsonRecord): boolean {
  return value['id'] === undefined && asName(value['sessionId']) !== undefined && asString(value['projectHash']) !== undefined
}

/** Whether a message goes to the model; notices of the client don't. */
export function isForModel({ value }: GeminiMessage): boolean {
  return value['type'] === 'user' || value['type'] === 'gemini'
}

/** The parts of a message's content: of a list its items, of a text one part. */
export function partsOf(value: JsonRecord): readonly JsonRecord[] {
  const { content } = value
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }]
  const items = Array.isArray(content) ? content : [content]
  return items.flatMap((item): readonly JsonRecord[] => (typeof item === 'string' ? [{ text: item }] : recordOf(item)))
}

/** The tools that a message calls, in its content or beside it. */
export function callsOf(value: JsonRecord): readonly JsonRecord[] {
  const beside = asList(value['toolCalls']).flatMap(recordOf)
  return beside.length > 0 ? beside : partsOf(value).flatMap((part) => recordOf(part['functionCall']))
}

/** The results of tools that a message carries in its content. */
export function responsesOf(value: JsonRecord): readonly JsonRecord[] {
  return partsOf(value).flatMap((part) => recordOf(part['functionResponse']))
}

/** Whether a message is what the client tells the model first of where it works. */
export function isSessionContext({ value }: GeminiMessage): boolean {
  return value['type'] === 'user' && textOf(value).trimStart().startsWith('<session_context>')
}

/** The text of a summary, where a message is one: the client asks the model for a `<state_snapshot>`. */
export function snapshotText({ value }: GeminiMessage): string | undefined {
  if (value['type'] !== 'user') return undefined
  const text = textOf(value)
  return text.includes('<state_snapshot>') ? text : undefined
}

/** What a message's content says in words. */
export function textOf(value: JsonRecord): string {
  return partsOf(value)
    .map((part) => asString(part['text']) ?? '')
    .join('')
}

function messagesIn(list: unknown): readonly GeminiMessage[] {
  return asList(list).flatMap((item) => {
    const value = asRecord(item)
    const id = asName(value?.['id'])
    return value === undefined || id === undefined ? [] : { id, value }
  })
}

function recordOf(value: unknown): readonly JsonRecord[] {
  const record = asRecord(value)
  return record === undefined ? [] : [record]
}
