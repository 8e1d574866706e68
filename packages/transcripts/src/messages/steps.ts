import type { EntryRole, EntryStep, Speaker } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { fieldsOf, roleOfMessage, textOfMessage } from './text.ts'

/** Programs name their tools as they like: these are the names that agents give theirs. */
const tools: ToolNames = {
  run: ['bash', 'Bash', 'shell', 'exec', 'exec_command', 'run_command', 'execute_command', 'run_shell_command', 'execute', 'terminal'],
  read: ['read', 'Read', 'read_file', 'readFile', 'view', 'open_file'],
  write: ['write', 'Write', 'write_file', 'writeFile', 'create', 'create_file'],
  edit: ['edit', 'Edit', 'edit_file', 'editFile', 'replace', 'str_replace', 'str_replace_editor', 'str_replace_based_edit_tool'],
  patch: ['apply_patch'],
}

/**
 * What a message of any SDK says and does: blocks of Anthropic's, parts of the AI SDK's and `tool_calls` of OpenAI's and LangChain's. What can't be told apart is
 * said.
 */
export function stepsOfMessage(message: unknown): readonly EntryStep[] {
  const role = roleOfMessage(message)
  const fields = fieldsOf(message)
  const content = fields?.['content'] ?? fields?.['parts']
  const beside = asList(fields?.['tool_calls']).flatMap((call) => besideSteps(asRecord(call) ?? {}))
  if (typeof content !== 'string' && asList(content).length > 0) {
    return [...asList(content).flatMap((block) => blockSteps(block, role)), ...beside]
  }
  const callId = asName(fields?.['tool_call_id']) ?? asName(fields?.['call_id'])
  if (fields?.['type'] === 'function_call') {
    return callSteps({ name: asName(fields['name']) ?? '', callId: asName(fields['call_id']), input: fields['arguments'] }, tools)
  }
  const text = textOfMessage(message)
  if (role === 'tool') return returned(text, { callId, failed: fields?.['status'] === 'error' })
  return [...(beside.length > 0 ? said(role, asString(content)) : said(role, text)), ...beside]
}

function blockSteps(block: unknown, role: EntryRole | undefined): readonly EntryStep[] {
  if (typeof block === 'string') return said(role, block)
  const record = asRecord(block) ?? {}
  const type = asName(record['type']) ?? ''
  const callId = asName(record['id']) ?? asName(record['toolCallId']) ?? asName(record['call_id'])
  if (type === 'text' || type === 'input_text' || type === 'output_text') return said(role, asString(record['text']))
  if (type === 'thinking' || type === 'reasoning') {
    const text = asString(record['thinking']) ?? asString(record['text']) ?? ''
    return text === '' ? [] : [{ did: 'thought', text }]
  }
  if (type === 'tool_use' || type === 'tool-call') {
    const name = asName(record['name']) ?? asName(record['toolName']) ?? ''
    return callSteps({ name, callId: asName(record['toolCallId']) ?? callId, input: record['input'] ?? record['args'] }, tools)
  }
  if (type === 'tool_result' || type === 'tool-result') {
    const answered = asName(record['tool_use_id']) ?? asName(record['toolCallId'])
    return returned(textOfMessage({ content: record['content'] ?? record['output'] ?? record['result'] }), {
      callId: answered,
      failed: record['is_error'] === true || record['isError'] === true,
    })
  }
  if (type.startsWith('tool-')) return uiToolSteps(record, type.slice('tool-'.length))
  return said(role, textOfMessage({ content: [record] }))
}

/** A part of the AI SDK's UI messages: the call and what came of it. */
function uiToolSteps(part: JsonRecord, name: string): readonly EntryStep[] {
  const callId = asName(part['toolCallId'])
  const output = part['output']
  return [
    ...callSteps({ name, callId, input: part['input'] }, tools),
    ...returned(asString(output) ?? (output === undefined ? undefined : textOfMessage({ content: [output] })), { callId }),
    ...returned(asString(part['errorText']), { callId, failed: true }),
  ]
}

function besideSteps(call: JsonRecord): readonly EntryStep[] {
  const given = asRecord(call['function'])
  const name = asName(given?.['name']) ?? asName(call['name']) ?? ''
  return callSteps({ name, callId: asName(call['id']), input: given?.['arguments'] ?? call['args'] }, tools)
}

function said(role: EntryRole | undefined, text: string | undefined): readonly EntryStep[] {
  const by: Speaker = role === 'user' || role === 'assistant' ? role : 'system'
  return text === undefined || text === '' ? [] : [{ did: 'said', by, text }]
}
