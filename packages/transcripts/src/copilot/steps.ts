import type { EntryStep, IndexedEntry, Speaker } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { dataOf, typeOf } from './format.ts'
import { eventText } from './text.ts'

const tools: ToolNames = {
  run: ['bash', 'powershell'],
  read: ['view'],
  write: ['create'],
  edit: ['edit', 'str_replace_editor'],
  patch: ['apply_patch'],
}

/** What an event says and does. */
export function stepsOfEvent(line: Uint8Array, indexed: IndexedEntry): readonly EntryStep[] {
  const value = parseLine(line).value ?? {}
  const data = dataOf(value)
  switch (typeOf(value)) {
    case 'user.message':
      return said('user', asString(data['content']))
    case 'assistant.message':
      return [
        ...thought(asString(data['reasoningText'])),
        ...said('assistant', asString(data['content'])),
        ...asList(data['toolRequests']).flatMap((request) => requestSteps(asRecord(request) ?? {})),
      ]
    case 'tool.execution_complete': {
      const failed = data['success'] === false || asRecord(data['error']) !== undefined
      return returned(eventText(value), { callId: asName(data['toolCallId']), failed })
    }
    default:
      return indexed.role === undefined ? [] : said('system', eventText(value))
  }
}

function requestSteps(request: JsonRecord): readonly EntryStep[] {
  return callSteps({ name: asName(request['name']) ?? '', callId: asName(request['toolCallId']), input: request['arguments'] }, tools)
}

function thought(text: string | undefined): readonly EntryStep[] {
  return text === undefined || text === '' ? [] : [{ did: 'thought', text }]
}

function said(by: Speaker, text: string | undefined): readonly EntryStep[] {
  return text === undefined || text === '' ? [] : [{ did: 'said', by, text }]
}
