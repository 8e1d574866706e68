import type { EntryStep } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from './json-fields.ts'
import { isPatch, patchSteps } from './patch-steps.ts'

/** How an agent names its tools that run commands, and that read, write, change and patch files. All others are `called`. */
export interface ToolNames {
  readonly run: readonly string[]
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly edit: readonly string[]
  readonly patch?: readonly string[]
}

/** A call of a tool. `input` is an object, JSON text of one, or text. */
export interface ToolCall {
  readonly name: string
  readonly callId?: string | undefined
  readonly input: unknown
}

/** What a call does. Arguments have the names that the agents give them; a call without those it needs is one of any tool. */
export function callSteps(call: ToolCall, names: ToolNames): readonly EntryStep[] {
  const input = recordIn(call.input)
  const found = stepsOf(call, names, input)
  if (found.length > 0) return found
  const text = typeof call.input === 'string' ? call.input : (jsonText(call.input) ?? '')
  return [{ did: 'called', ...id(call), tool: call.name, input: text }]
}

/** What a tool gave back; nothing for an empty output. */
export function returned(
  text: string | undefined,
  options: { readonly callId?: string | undefined; readonly failed?: boolean },
): readonly EntryStep[] {
  if (text === undefined || text === '') return []
  return [{ did: 'returned', ...id(options), failed: options.failed === true, text }]
}

function stepsOf(call: ToolCall, names: ToolNames, input: JsonRecord): readonly EntryStep[] {
  const patch = asString(call.input) ?? asString(input['patchText']) ?? asString(input['patch']) ?? asString(input['input'])
  if (patch !== undefined && names.patch?.includes(call.name) === true) return patchSteps(patch, call.callId)
  if (names.run.includes(call.name)) return ranSteps(call, commandIn(input))
  const path = pathIn(input)
  if (path === undefined) return []
  if (names.read.includes(call.name)) return [{ did: 'read', ...id(call), path }]
  if (names.edit.includes(call.name)) return editSteps(call, path, input)
  if (!names.write.includes(call.name)) return []
  const after = firstText(input, writtenNames)
  return [{ did: 'wrote', ...id(call), path, ...(after === undefined ? {} : { after }) }]
}

function ranSteps(call: ToolCall, command: string | undefined): readonly EntryStep[] {
  if (command === undefined) return []
  return isPatch(command) ? patchSteps(command, call.callId) : [{ did: 'ran', ...id(call), command }]
}

function editSteps(call: ToolCall, path: string, input: JsonRecord): readonly EntryStep[] {
  const edits = [input, ...asList(input['edits']).map((edit) => asRecord(edit) ?? {})]
  const steps = edits.flatMap((edit): readonly EntryStep[] => {
    const before = firstText(edit, beforeNames)
    const after = firstText(edit, afterNames)
    return before === undefined ? [] : [{ did: 'replaced', ...id(call), path, before, ...(after === undefined ? {} : { after }) }]
  })
  return steps.length > 0 ? steps : [{ did: 'wrote', ...id(call), path }]
}

const pathNames = ['path', 'file_path', 'filePath', 'absolute_path', 'notebook_path', 'filename']
const writtenNames = ['content', 'file_text', 'new_source', 'text']
const beforeNames = ['oldText', 'old_string', 'oldString', 'old_str']
const afterNames = ['newText', 'new_string', 'newString', 'new_str']

function pathIn(input: JsonRecord): string | undefined {
  return pathNames.map((name) => asName(input[name])).find((path) => path !== undefined)
}

/** A command line; of a list of words that begins with a shell's `-c`, the line that the shell is given. */
function commandIn(input: JsonRecord): string | undefined {
  const text = asName(input['command']) ?? asName(input['cmd'])
  if (text !== undefined) return text
  const words = asList(input['command'] ?? input['cmd']).flatMap((word) => asString(word) ?? [])
  const [, flag, line] = words
  if (words.length === 3 && flag !== undefined && line !== undefined && /^-l?c$/.test(flag)) return line
  return words.length === 0 ? undefined : words.join(' ')
}

function firstText(input: JsonRecord, names: readonly string[]): string | undefined {
  return names.map((name) => asString(input[name])).find((text) => text !== undefined)
}

function recordIn(input: unknown): JsonRecord {
  if (typeof input !== 'string') return asRecord(input) ?? {}
  if (!input.trimStart().startsWith('{')) return {}
  try {
    return asRecord(JSON.parse(input)) ?? {}
  } catch {
    return {}
  }
}

function jsonText(value: unknown): string | undefined {
  try {
    return value === undefined ? undefined : JSON.stringify(value)
  } catch {
    return undefined // nested deeper than the stack
  }
}

function id({ callId }: { readonly callId?: string | undefined }): { callId?: string } {
  return callId === undefined ? {} : { callId }
}
