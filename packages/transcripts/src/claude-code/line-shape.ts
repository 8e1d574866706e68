import { asName, type JsonRecord } from '../json-fields.ts'

/** Types of lines that hang in the chain of a session: they have `uuid` and `parentUuid`. */
const chainTypes: ReadonlySet<string> = new Set(['user', 'assistant', 'system', 'attachment', 'progress'])

/** Types of lines without a uuid that carry `sessionId`. */
const sessionTypes: ReadonlySet<string> = new Set([
  'agent-color',
  'agent-name',
  'agent-setting',
  'ai-title',
  'api-request',
  'api-request-blob',
  'api-request-shape',
  'atis-latch',
  'bridge-session',
  'content-replacement',
  'cost-state',
  'custom-title',
  'history-suppression',
  'last-prompt',
  'mode',
  'permission-mode',
  'pr-link',
  'queue-operation',
  'relocated',
  'session-owner',
  'tag',
  'tools-used',
  'worktree-state',
])

/**
 * Whether an object has the shape of a line that Claude Code writes (2.0.76 to 2.1.330). Every type it is known to write is recognised by its type
 * and the ids that belong to it; lines of other types are part of a transcript, but don't make a file one.
 */
export function isClaudeCodeLine(value: JsonRecord): boolean {
  const type = asName(value['type'])
  if (type === undefined) return false
  if (chainTypes.has(type)) return asName(value['uuid']) !== undefined && (asName(value['sessionId']) !== undefined || isLinked(value))
  if (type === 'summary') return asName(value['leafUuid']) !== undefined
  if (type === 'file-history-snapshot' || type === 'file-history-delta') return asName(value['messageId']) !== undefined
  return sessionTypes.has(type) && asName(value['sessionId']) !== undefined
}

/**
 * The same for a line that is cut off, of which `fields` are the first: `uuid` and `sessionId` follow the message, so that `parentUuid` and
 * `isSidechain` before it must do.
 */
export function isClaudeCodeBeginning(fields: JsonRecord): boolean {
  const type = asName(fields['type'])
  if (isClaudeCodeLine(fields)) return true
  return isLinked(fields) && 'isSidechain' in fields && (type === undefined || chainTypes.has(type))
}

function isLinked(value: JsonRecord): boolean {
  return value['parentUuid'] === null || typeof value['parentUuid'] === 'string'
}
