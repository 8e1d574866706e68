import type { EntryStep, IndexedEntry, Speaker } from '@palimpsest/core'
import { asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { blocksOf, messageText, textOfLine } from './text.ts'
import { isPrompt } from './turns.ts'

const tools: ToolNames = {
  run: ['Bash', 'PowerShell'],
  read: ['Read', 'NotebookRead'],
  write: ['Write', 'NotebookEdit'],
  edit: ['Edit', 'MultiEdit'],
}

/** What the client puts into a message in the user's name. */
const clientsTags = ['system-reminder', 'task-notification', 'local-command-caveat']

/** What a line says and does. Of a user's message what the client put into it, such as reminders, is the client's. */
export function stepsOfLine(bytes: Uint8Array, indexed: IndexedEntry): readonly EntryStep[] {
  const value = parseLine(bytes).value ?? {}
  if (indexed.part !== 'main' && !indexed.part.endsWith('.jsonl')) return []
  const blocks = blocksOf(value)
  if (value['type'] === 'user' && isPrompt(indexed)) return promptSteps(value)
  if (value['type'] === 'assistant') return blocks.length === 0 ? said('assistant', messageText(value)) : blocks.flatMap(assistantSteps)
  const results = blocks.filter((block) => asName(block['type'])?.endsWith('tool_result') === true)
  if (results.length === 0) return said('system', textOfLine(value))
  return results.flatMap((block) =>
    returned(results.length === 1 ? textOfLine(value) : messageText({ message: { content: [block] } }), {
      callId: asName(block['tool_use_id']),
      failed: block['is_error'] === true,
    }),
  )
}

function promptSteps(value: JsonRecord): readonly EntryStep[] {
  const text = messageText(value)
  // A task that ended, and a turn that was stopped, are told in the user's name.
  if (text.startsWith('<task-notification>') || text.startsWith('[Request interrupted by user')) return said('system', text)
  const own = clientsTags.reduce(withoutTag, text)
  return [...said('user', own), ...(own === text ? [] : said('system', text))]
}

/** A text without what stands between the tags, and without them. */
function withoutTag(text: string, tag: string): string {
  const pieces: string[] = []
  let from = 0
  for (;;) {
    const open = text.indexOf(`<${tag}>`, from)
    const close = open === -1 ? -1 : text.indexOf(`</${tag}>`, open)
    if (close === -1) break
    pieces.push(text.slice(from, open))
    from = close + tag.length + 3
  }
  return from === 0 ? text : [...pieces, text.slice(from)].join('')
}

function assistantSteps(block: JsonRecord): readonly EntryStep[] {
  const type = asName(block['type']) ?? ''
  if (type === 'thinking') {
    const text = asString(block['thinking'])
    return text === undefined ? [] : [{ did: 'thought', text }]
  }
  if (!type.endsWith('tool_use')) return said('assistant', asString(block['text']))
  return callSteps({ name: asName(block['name']) ?? '', callId: asName(block['id']), input: asRecord(block['input']) }, tools)
}

function said(by: Speaker, text: string | undefined): readonly EntryStep[] {
  return text === undefined || text.trim() === '' ? [] : [{ did: 'said', by, text }]
}
