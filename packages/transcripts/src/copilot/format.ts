import { asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'

// Copilot CLI's events.jsonl as 1.0.102 was seen to write it: {type, data, id, timestamp, parentId}, never rewritten.

/** What an event says; empty where it says nothing. */
export function dataOf(value: JsonRecord): JsonRecord {
  return asRecord(value['data']) ?? {}
}

/** The type of an event. */
export function typeOf(value: JsonRecord): string | undefined {
  return asName(value['type'])
}

/** The event with which a session begins: its id, its working directory, and the session that we branched it from. */
export interface CopilotStart {
  readonly sessionId: string
  readonly cwd?: string | undefined
  readonly forkedFromId?: string | undefined
}

/** The beginning that an event is; `undefined` for any other. */
export function sessionStart(value: JsonRecord): CopilotStart | undefined {
  const data = dataOf(value)
  const sessionId = asName(data['sessionId'])
  if (typeOf(value) !== 'session.start' || sessionId === undefined) return undefined
  const cwd = asName(asRecord(data['context'])?.['cwd'])
  const forkedFromId = asName(asRecord(data['forkedFrom'])?.['sessionId'])
  return { sessionId, ...(cwd === undefined ? {} : { cwd }), ...(forkedFromId === undefined ? {} : { forkedFromId }) }
}

/**
 * Whether an event is one of a chain of its own beside the session's: `model.…` events, with which a compaction's own request is written down.
 * Their parents are null, or were never written.
 */
export function isBeside(type: string | undefined): boolean {
  return type?.startsWith('model.') === true
}

/** Whether an event is a sub-agent's: it is not in the session's own context. */
export function isSubAgent(value: JsonRecord): boolean {
  return asName(value['agentId']) !== undefined || asName(dataOf(value)['parentToolCallId']) !== undefined
}

/** The attempt of a compaction that an event begins, or that one was made of: applied, not cancelled and not failed. */
export function compactionAttempt(value: JsonRecord): { readonly is: 'begun' | 'applied'; readonly id: string } | undefined {
  const data = dataOf(value)
  const id = asString(data['compactionAttemptId']) ?? ''
  switch (typeOf(value)) {
    case 'session.compaction_start':
      return { is: 'begun', id }
    case 'session.compaction_complete':
      return data['success'] === true ? { is: 'applied', id } : undefined
    default:
      return undefined
  }
}
