import { asCount, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'

// Codex's rollout format as the clients 0.101 to 0.169 write it (codex-rs/history/src/{lib,rollout_payload}.rs): one line is
// { timestamp, ordinal?, type, payload, metadata? }. Only paginated rollouts (0.157 and later) have ordinals.

/** A line of a rollout, its fields taken apart. What is missing is empty. */
export interface RolloutLine {
  readonly type: string | undefined
  readonly payload: JsonRecord
  /** Of a `response_item`, since 0.157. */
  readonly metadata: JsonRecord
  readonly timestamp: string | undefined
  readonly ordinal: number | undefined
}

/** Takes a parsed line apart. */
export function rolloutLine(value: JsonRecord): RolloutLine {
  return {
    type: asString(value['type']),
    payload: asRecord(value['payload']) ?? {},
    metadata: asRecord(value['metadata']) ?? {},
    timestamp: asName(value['timestamp']),
    ordinal: asCount(value['ordinal']),
  }
}

/** What a `session_meta` says of its session. */
export interface SessionMeta {
  readonly sessionId: string
  readonly cwd?: string | undefined
  readonly forkedFromId?: string | undefined
  /** The rollout that this one goes on from, by its own id, and how many bytes of it. */
  readonly base?: { readonly rolloutId: string; readonly bytes: number } | undefined
}

/** The session that a line names, or `undefined` for any other line. */
export function sessionMeta({ type, payload }: RolloutLine): SessionMeta | undefined {
  const sessionId = asName(payload['id'])
  if (type !== 'session_meta' || sessionId === undefined) return undefined
  const cwd = asName(payload['cwd'])
  const forkedFromId = asName(payload['forked_from_id'])
  const history = asRecord(payload['history_base'])
  const rolloutId = asName(history?.['thread_id'])
  const bytes = asCount(history?.['end_byte_offset'])
  return {
    sessionId,
    ...(cwd === undefined ? {} : { cwd }),
    ...(forkedFromId === undefined ? {} : { forkedFromId }),
    ...(rolloutId === undefined || bytes === undefined ? {} : { base: { rolloutId, bytes } }),
  }
}

/** The kind of event that a line reports, or `undefined` for a line that is no event. */
export function eventOf({ type, payload }: RolloutLine): string | undefined {
  return type === 'event_msg' ? asString(payload['type']) : undefined
}

/** The tokens of the last request that a `token_count` reports; an estimate of Codex's own has no input tokens. */
export interface TokenCount {
  readonly inputTokens: number
  readonly totalTokens: number
}

/** The count of a `token_count` event; `undefined` for any other line, and for a count without numbers (0.125 writes some). */
export function tokenCount(line: RolloutLine): TokenCount | undefined {
  if (eventOf(line) !== 'token_count') return undefined
  return usageOf(asRecord(line.payload['info'])?.['last_token_usage'])
}

/** The numbers of a usage record. */
export function usageOf(value: unknown): TokenCount | undefined {
  const usage = asRecord(value)
  const inputTokens = asCount(usage?.['input_tokens'])
  const totalTokens = asCount(usage?.['total_tokens'])
  return inputTokens === undefined || totalTokens === undefined ? undefined : { inputTokens, totalTokens }
}

/** The turn that a `task_started` event begins; without an id it is the empty string. */
export function startedTurn(line: RolloutLine): string | undefined {
  return isOneOf(eventOf(line), startEvents) ? (asName(line.payload['turn_id']) ?? '') : undefined
}

/** Whether an event ends a turn. */
export function endsTurn(line: RolloutLine): boolean {
  return isOneOf(eventOf(line), endEvents)
}

/** Whether a line tells that a user spoke, beside the message itself. */
export function reportsPrompt(line: RolloutLine): boolean {
  const event = eventOf(line)
  return event === 'user_message' || (event === 'item_completed' && asRecord(line.payload['item'])?.['type'] === 'UserMessage')
}

const startEvents: ReadonlySet<string> = new Set(['task_started', 'turn_started'])
const endEvents: ReadonlySet<string> = new Set(['task_complete', 'turn_complete', 'turn_aborted'])

function isOneOf(event: string | undefined, events: ReadonlySet<string>): boolean {
  return event !== undefined && events.has(event)
}
