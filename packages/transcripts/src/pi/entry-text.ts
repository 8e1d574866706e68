import type { EntryRole } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { messageRole } from './format.ts'

/** Everything readable in an entry: text, thinking, tool calls with their arguments, results, commands with their output, summaries. */
export function entryText(value: JsonRecord): string {
  switch (value['type']) {
    case 'session':
      return joined([asString(value['cwd'])])
    case 'message':
      return messageText(asRecord(value['message']) ?? {})
    case 'custom_message':
      return contentText(value['content'])
    case 'compaction':
    case 'branch_summary':
      return joined([asString(value['summary'])])
    case 'label':
      return joined([asString(value['label'])])
    case 'session_info':
      return joined([asString(value['name'])])
    case 'model_change':
      return [asString(value['provider']), asString(value['modelId'])].filter((part) => part !== undefined).join('/')
    case 'thinking_level_change':
      return joined([asString(value['thinkingLevel'])])
    case 'custom':
      return joined([asString(value['customType']), jsonText(value['data'])])
    case 'context_edit':
      return contentText(asRecord(value['replacement'])?.['content'])
    default:
      return unknownText(value)
  }
}

/** Who speaks in an entry. What an extension, a summary or pi itself puts into the context is `system`. */
export function entryRole(value: JsonRecord): EntryRole | undefined {
  switch (value['type']) {
    case 'message':
      return roleOfMessage(messageRole(value))
    case 'custom_message':
    case 'branch_summary':
    case 'compaction':
      return 'system'
    default:
      return undefined
  }
}

/** The tool whose result a message is, or the first that it calls. */
export function entryTool(value: JsonRecord): string | undefined {
  const message = value['type'] === 'message' ? asRecord(value['message']) : undefined
  if (message === undefined) return undefined
  if (message['role'] === 'toolResult') return asName(message['toolName'])
  if (message['role'] === 'bashExecution') return 'bash'
  for (const block of asList(message['content'])) {
    const name = asRecord(block)?.['type'] === 'toolCall' ? asName(asRecord(block)?.['name']) : undefined
    if (name !== undefined) return name
  }
  return undefined
}

function roleOfMessage(role: string | undefined): EntryRole | undefined {
  switch (role) {
    case 'user':
    case 'assistant':
      return role
    case 'toolResult':
    case 'bashExecution':
      return 'tool'
    case undefined:
      return undefined
    default:
      return 'system'
  }
}

function messageText(message: JsonRecord): string {
  if (message['role'] === 'bashExecution') {
    const command = asString(message['command'])
    return joined([command === undefined ? undefined : `$ ${command}`, asString(message['output'])])
  }
  return joined([contentText(message['content']), asString(message['summary']), asString(message['errorMessage'])])
}

function contentText(content: unknown): string {
  return typeof content === 'string' ? content : joined(asList(content).map((block) => blockText(asRecord(block) ?? {})))
}

function blockText(block: JsonRecord): string | undefined {
  switch (block['type']) {
    case 'thinking':
      return asString(block['thinking'])
    case 'toolCall':
      return [asString(block['name']), jsonText(block['arguments'])].filter((part) => part !== undefined).join(' ')
    default:
      return asString(block['text'])
  }
}

function unknownText(value: JsonRecord): string {
  const { id: _id, parentId: _parentId, timestamp: _timestamp, ...rest } = value
  return jsonText(rest) ?? ''
}

function jsonText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('\n')
}
