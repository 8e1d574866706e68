import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import type { Row } from './row.ts'

/**
 * Everything readable in a row: text, thinking, a tool's name, input and output (also of one whose result the model is no longer shown), names
 * of files with what was read of them, prompts of sub-agents, an error that ended a message. Encoded files give nothing but their name.
 */
export function textOfRow(row: Row): string {
  switch (row.type) {
    case 'session':
      return joined([asString(row.columns['title']), asString(row.columns['directory'])])
    case 'message':
      return errorText(row.data?.['error'])
    case 'part':
      return row.data === undefined ? '' : partText(row.data)
    default:
      return row satisfies never
  }
}

/** The tool that a part ran. */
export function toolOfRow(row: Row): string | undefined {
  return row.type === 'part' && row.data?.['type'] === 'tool' ? asName(row.data['tool']) : undefined
}

/** What an object that is no known row says. */
export function textOfUnknown(value: JsonRecord): string {
  return joined([asString(value['text']), asString(value['content']), asString(value['title'])])
}

function partText(data: JsonRecord): string {
  switch (data['type']) {
    case 'text':
    case 'reasoning':
      return asString(data['text']) ?? ''
    case 'tool':
      return toolText(data)
    case 'file':
      return joined([asString(data['filename']), plainUrl(data['url']), asString(asRecord(asRecord(data['source'])?.['text'])?.['value'])])
    case 'subtask':
      return joined([asString(data['description']), asString(data['command']), asString(data['prompt'])])
    case 'agent':
      return asString(data['name']) ?? ''
    case 'patch':
      return asList(data['files'])
        .flatMap((file) => asString(file) ?? [])
        .join('\n')
    case 'retry':
      return errorText(data['error'])
    case 'compaction':
    case 'step-start':
    case 'step-finish':
    case 'snapshot':
      return ''
    default:
      return textOfUnknown(data)
  }
}

function toolText(data: JsonRecord): string {
  const state = asRecord(data['state'])
  const input = state?.['input']
  const interrupted = asRecord(state?.['metadata'])?.['output']
  return joined([
    asString(data['tool']),
    input === undefined ? undefined : JSON.stringify(input),
    asString(state?.['output']),
    asString(state?.['error']),
    state?.['output'] === interrupted ? undefined : asString(interrupted),
  ])
}

function errorText(error: unknown): string {
  const record = asRecord(error)
  return joined([asString(record?.['name']), asString(asRecord(record?.['data'])?.['message']) ?? asString(record?.['message'])])
}

function plainUrl(url: unknown): string | undefined {
  const text = asString(url)
  return text?.startsWith('data:') === true ? undefined : text
}

function joined(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== '').join('\n')
}
