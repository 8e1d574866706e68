import type { EntryStep, IndexedEntry, Speaker } from '@palimpsest/core'
import { asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { parseRow } from './row.ts'
import { textOfRow } from './text.ts'

const tools: ToolNames = {
  run: ['bash'],
  read: ['read'],
  write: ['write'],
  edit: ['edit', 'multiedit'],
  patch: ['patch', 'apply_patch'],
}

/** What a row says and does. A part of the tool kind holds its call and its result. */
export function stepsOfLine(bytes: Uint8Array, indexed: IndexedEntry): readonly EntryStep[] {
  const parsed = parseRow(bytes)
  if ('problem' in parsed || parsed.row === undefined) return []
  const { row } = parsed
  const data = row.type === 'part' ? row.data : undefined
  switch (data?.['type']) {
    case 'text':
      // Of the user's parts those that OpenCode added by itself are marked.
      return said(data['synthetic'] === true ? 'system' : speakerOf(indexed), asString(data['text']))
    case 'reasoning': {
      const text = asString(data['text'])
      return text === undefined || text === '' ? [] : [{ did: 'thought', text }]
    }
    case 'tool':
      return toolSteps(data)
    default:
      return said('system', textOfRow(row))
  }
}

function toolSteps(data: JsonRecord): readonly EntryStep[] {
  const state = asRecord(data['state'])
  const callId = asName(data['callID'])
  return [
    ...callSteps({ name: asName(data['tool']) ?? '', callId, input: state?.['input'] }, tools),
    ...returned(asString(state?.['output']) ?? asString(asRecord(state?.['metadata'])?.['output']), { callId, failed: hasFailed(state) }),
    ...returned(asString(state?.['error']), { callId, failed: true }),
  ]
}

function hasFailed(state: JsonRecord | undefined): boolean {
  const exit = asRecord(state?.['metadata'])?.['exit']
  return state?.['status'] === 'error' || (typeof exit === 'number' && exit !== 0)
}

function speakerOf({ kind, role }: IndexedEntry): Speaker {
  return kind !== 'summary' && (role === 'user' || role === 'assistant') ? role : 'system'
}

function said(by: Speaker, text: string | undefined): readonly EntryStep[] {
  return text === undefined || text === '' ? [] : [{ did: 'said', by, text }]
}
