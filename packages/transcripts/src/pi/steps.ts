import type { EntryStep, IndexedEntry } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { entryRole, entryText } from './entry-text.ts'

/** pi's own tools; OpenClaw's shell is `exec`. */
const tools: ToolNames = { run: ['bash', 'exec'], read: ['read'], write: ['write'], edit: ['edit'], patch: ['apply_patch'] }

/** What a line says and does. */
export function piSteps(line: Uint8Array, _indexed: IndexedEntry): readonly EntryStep[] {
  const value = parseLine(line).value ?? {}
  const message = value['type'] === 'message' ? asRecord(value['message']) : undefined
  if (message === undefined) return otherSteps(value)
  switch (message['role']) {
    case 'user':
      return blocksOf(message['content']).flatMap((block) => said('user', asString(block['text'])))
    case 'assistant':
      return [...blocksOf(message['content']).flatMap(assistantSteps), ...returned(asString(message['errorMessage']), { failed: true })]
    case 'toolResult': {
      const text = blocksOf(message['content']).flatMap((block) => asString(block['text']) ?? [])
      return returned(text.join('\n'), { callId: asName(message['toolCallId']), failed: message['isError'] === true })
    }
    case 'bashExecution': {
      const command = asName(message['command'])
      const exitCode = message['exitCode']
      return [
        ...(command === undefined ? [] : [{ did: 'ran' as const, command }]),
        ...returned(asString(message['output']), { failed: typeof exitCode === 'number' && exitCode !== 0 }),
      ]
    }
    default:
      return otherSteps(value)
  }
}

function assistantSteps(block: JsonRecord): readonly EntryStep[] {
  switch (block['type']) {
    case 'thinking': {
      const text = asString(block['thinking'])
      return text === undefined ? [] : [{ did: 'thought', text }]
    }
    case 'toolCall':
      return callSteps({ name: asName(block['name']) ?? '', callId: asName(block['id']), input: block['arguments'] }, tools)
    default:
      return said('assistant', asString(block['text']))
  }
}

function otherSteps(value: JsonRecord): readonly EntryStep[] {
  return entryRole(value) === undefined ? [] : said('system', entryText(value))
}

function said(by: 'user' | 'assistant' | 'system', text: string | undefined): readonly EntryStep[] {
  return text === undefined || text === '' ? [] : [{ did: 'said', by, text }]
}

function blocksOf(content: unknown): readonly JsonRecord[] {
  return typeof content === 'string' ? [{ text: content }] : asList(content).map((block) => asRecord(block) ?? {})
}
