import type { EntryRole } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { callsOf, type GeminiMessage, partsOf, responsesOf } from './format.ts'

/** Everything a person or a search could want to read in messages, in plain text. */
export function messagesText(messages: readonly GeminiMessage[]): string {
  return joined(messages.map(({ value }) => messageText(value)))
}

/** What a line says that has no message of its own: its fields, but for the list of messages that others say already. */
export function recordText(value: JsonRecord): string {
  const update = asRecord(value['$set'])
  if (update === undefined) return jsonText(without(value, 'messages')) ?? ''
  const rest = without(update, 'messages')
  return Object.keys(rest).length === 0 ? '' : (jsonText(rest) ?? '')
}

/** Who says the first of the messages. */
export function roleOf(messages: readonly GeminiMessage[]): EntryRole | undefined {
  const [first] = messages
  if (first === undefined) return undefined
  switch (first.value['type']) {
    case 'user':
      return responsesOf(first.value).length > 0 ? 'tool' : 'user'
    case 'gemini':
      return 'assistant'
    case 'info':
    case 'error':
    case 'warning':
      return 'system'
    default:
      return undefined
  }
}

/** The first tool that the messages call, or whose result they are. */
export function toolOf(messages: readonly GeminiMessage[]): string | undefined {
  for (const { value } of messages) {
    const name = [...callsOf(value), ...responsesOf(value)].map((call) => asName(call['name'])).find((found) => found !== undefined)
    if (name !== undefined) return name
  }
  return undefined
}

function messageText(value: JsonRecord): string {
  const thoughts = asList(value['thoughts']).map((thought) => {
    const { subject, description } = asRecord(thought) ?? {}
    return joined([asString(subject), asString(description)])
  })
  const calls = asList(value['toolCalls']).map((call) => callText(asRecord(call) ?? {}))
  return joined([...thoughts, ...partsOf(value).map(partText), ...calls])
}

function partText(part: JsonRecord): string | undefined {
  const call = asRecord(part['functionCall'])
  const response = asRecord(part['functionResponse'])
  if (call !== undefined) return [asString(call['name']), jsonText(call['args'])].filter((word) => word !== undefined).join(' ')
  if (response !== undefined) return responseText(response)
  return asString(part['text'])
}

function callText(call: JsonRecord): string {
  const { result } = call
  const results = typeof result === 'string' ? [result] : asList(result).map((part) => partText(asRecord(part) ?? {}))
  return joined([[asString(call['name']), jsonText(call['args'])].filter((word) => word !== undefined).join(' '), ...results])
}

function responseText(response: JsonRecord): string | undefined {
  const { response: said } = response
  const output = asRecord(said)?.['output'] ?? asRecord(said)?.['error']
  return typeof output === 'string' ? output : jsonText(said)
}

function without(value: JsonRecord, field: string): JsonRecord {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== field))
}

function jsonText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('\n')
}
