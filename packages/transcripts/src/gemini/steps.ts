import type { EntryStep, Speaker } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { callSteps, returned, type ToolNames } from '../tool-steps.ts'
import { callsOf, type GeminiMessage, isSessionContext, partsOf, snapshotText } from './format.ts'

const tools: ToolNames = {
  run: ['run_shell_command'],
  read: ['read_file'],
  write: ['write_file'],
  edit: ['replace'],
}

/** What messages say and do. Calls that stand beside a message hold their results. */
export function stepsOfMessages(messages: readonly GeminiMessage[]): readonly EntryStep[] {
  return messages.flatMap((message) => [...thoughtsOf(message.value), ...partSteps(message), ...toolSteps(message.value)])
}

function partSteps(message: GeminiMessage): readonly EntryStep[] {
  const by = speakerOf(message)
  return partsOf(message.value).flatMap((part): readonly EntryStep[] => {
    const response = asRecord(part['functionResponse'])
    if (response !== undefined) return returned(responseText(response), { callId: asName(response['id']), failed: hasError(response) })
    const text = asString(part['text'])
    return text === undefined || text === '' ? [] : [{ did: 'said', by, text }]
  })
}

function toolSteps(value: JsonRecord): readonly EntryStep[] {
  return callsOf(value).flatMap((call) => {
    const callId = asName(call['id'])
    const result = call['result']
    const responses = asList(result).flatMap((part): readonly JsonRecord[] => {
      const response = asRecord(asRecord(part)?.['functionResponse'])
      return response === undefined ? [] : [response]
    })
    const failed = call['status'] === 'error' || responses.some(hasError)
    return [
      ...callSteps({ name: asName(call['name']) ?? '', callId, input: call['args'] }, tools),
      ...returned(asString(result) ?? responses.map(responseText).join('\n'), { callId, failed }),
    ]
  })
}

function thoughtsOf(value: JsonRecord): readonly EntryStep[] {
  return asList(value['thoughts']).flatMap((thought): readonly EntryStep[] => {
    const { subject, description } = asRecord(thought) ?? {}
    const text = [asString(subject), asString(description)].filter((line) => line !== undefined).join('\n')
    return text === '' ? [] : [{ did: 'thought', text }]
  })
}

function speakerOf(message: GeminiMessage): Speaker {
  if (message.value['type'] === 'gemini') return 'assistant'
  const isUsers = message.value['type'] === 'user' && !isSessionContext(message) && snapshotText(message) === undefined
  return isUsers ? 'user' : 'system'
}

function responseText(response: JsonRecord): string {
  const said = asRecord(response['response'])
  return asString(said?.['output']) ?? asString(said?.['error']) ?? ''
}

function hasError(response: JsonRecord): boolean {
  return asRecord(response['response'])?.['error'] !== undefined
}
