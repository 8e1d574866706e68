import type { EntryStep, IndexedEntry } from '@palimpsest/core'
import { asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { calledTool, contentText, itemRole, lineText } from './item-text.ts'
import { readNote } from './note.ts'
import { rolloutLine } from './rollout-line.ts'

const tools: ToolNames = {
  run: ['exec_command', 'shell', 'shell_command', 'container.exec', 'local_shell'],
  read: ['view_image', 'read_file'],
  write: [],
  edit: [],
  patch: ['apply_patch'],
}

/** How an output ends that says it failed: in words, or as the JSON around it did in older versions. */
const failedExit = /^(?:Process exited with code|Exit code:) (?!0\b)-?\d{1,10}$/m

/** What a line says and does. */
export function codexSteps(bytes: Uint8Array, indexed: IndexedEntry): readonly EntryStep[] {
  const line = rolloutLine(parseLine(bytes).value ?? {})
  if (line.type !== 'response_item') return indexed.kind === 'state' || indexed.kind === 'header' ? [] : said('system', lineText(line))
  const item = line.payload
  switch (item['type']) {
    case 'message': {
      const by = readNote(indexed.note)?.is === 'prompt' ? 'user' : itemRole(item) === 'assistant' ? 'assistant' : 'system'
      return said(by, contentText(item['content']))
    }
    case 'reasoning': {
      const text = lineText(line)
      return text === '' ? [] : [{ did: 'thought', text }]
    }
    default:
      return toolSteps(item, lineText(line))
  }
}

function toolSteps(item: JsonRecord, text: string): readonly EntryStep[] {
  const callId = asName(item['call_id'])
  const name = calledTool(item)
  if (name !== undefined) return callSteps({ name, callId, input: item['arguments'] ?? item['input'] ?? item['action'] }, tools)
  return itemRole(item) === 'tool' ? returned(text, { callId, failed: hasFailed(item, text) }) : said('system', text)
}

function hasFailed(item: JsonRecord, text: string): boolean {
  const output = asRecord(item['output'])
  if (output?.['success'] === false) return true
  const head = text.slice(0, 300)
  return failedExit.test(head) || /"exit_code":(?!0\b)-?\d/.test(head)
}

function said(by: 'user' | 'assistant' | 'system', text: string): readonly EntryStep[] {
  return text === '' ? [] : [{ did: 'said', by, text }]
}
