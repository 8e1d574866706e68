import type { EntryRole } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { eventOf, type RolloutLine } from './rollout-line.ts'

/** Before the summary in the message that a compaction writes, up to the first line feed. */
const summaryPreamble = 'Another language model started to solve this problem'

/** Events that say again what an item has said. */
const repeatingEvents: ReadonlySet<string> = new Set(['agent_message', 'agent_reasoning', 'agent_reasoning_raw_content', 'user_message'])
const repeatingItems: ReadonlySet<string> = new Set(['AgentMessage', 'Reasoning', 'UserMessage'])

/** Events and lines in which nothing can be read: counts, settings, baselines. */
const silentEvents: ReadonlySet<string> = new Set([
  'context_compacted',
  'task_started',
  'thread_settings_applied',
  'token_count',
  'turn_started',
])
const silentLines: ReadonlySet<string> = new Set([
  'dynamic_tools_updated',
  'inter_agent_communication_metadata',
  'security_risk_score',
  'token_usage_record',
  'turn_context',
  'world_state',
])

/** Everything readable in a line: messages, thinking, calls with what they were given and gave back, commands with their output, summaries. */
export function lineText(line: RolloutLine): string {
  const { type, payload } = line
  switch (type) {
    case 'response_item':
      return itemText(payload)
    case 'compacted':
      return compactionSummary(payload) ?? ''
    case 'session_meta':
      return asString(payload['cwd']) ?? ''
    case 'event_msg':
      return eventText(eventOf(line), payload)
    default:
      return type !== undefined && silentLines.has(type) ? '' : jsonText(payload)
  }
}

/** The summary that a `compacted` line holds; none where it is encrypted, and where the context was only reset. */
export function compactionSummary(payload: JsonRecord): string | undefined {
  const message = asString(payload['message']) ?? ''
  const feed = message.startsWith(summaryPreamble) ? message.indexOf('\n') : -1
  const summary = message.slice(feed + 1).trim()
  return summary === '' ? undefined : summary
}

/** Whether a text is the message in which a compaction hands its summary over. */
export function isSummaryMessage(text: string): boolean {
  return text.startsWith(summaryPreamble)
}

/** Who speaks in an item, as far as its type says; `context` is what Codex itself puts before a prompt. */
export function itemRole(item: JsonRecord): EntryRole | undefined {
  const type = asString(item['type']) ?? ''
  if (type.endsWith('_output')) return 'tool'
  if (type !== 'message') return type === 'compaction' ? 'system' : 'assistant'
  switch (item['role']) {
    case 'user':
    case 'assistant':
      return item['role']
    case undefined:
      return undefined
    default:
      return 'system'
  }
}

/** The tool that an item calls; its result names only the call. */
export function calledTool(item: JsonRecord): string | undefined {
  const type = asString(item['type']) ?? ''
  if (!type.endsWith('_call')) return undefined
  return asName(item['name']) ?? type.slice(0, -'_call'.length)
}

/** The text of a message's content, its pieces joined by line feeds. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  return joined(asList(content).map((piece) => pieceText(asRecord(piece) ?? {})))
}

function itemText(item: JsonRecord): string {
  switch (item['type']) {
    case 'message':
      return contentText(item['content'])
    case 'reasoning':
      return joined([contentText(item['summary']), contentText(item['content'])])
    case 'function_call':
      return joined([asString(item['name']) ?? '', asString(item['arguments']) ?? ''], ' ')
    case 'custom_tool_call':
      return joined([asString(item['name']) ?? '', asString(item['input']) ?? ''], ' ')
    case 'function_call_output':
    case 'custom_tool_call_output':
      return outputText(item['output'])
    case 'compaction':
    case 'ghost_snapshot':
      return ''
    default: {
      const { type: _type, id: _id, call_id: _callId, status: _status, ...rest } = item
      return jsonText(rest)
    }
  }
}

function outputText(output: unknown): string {
  const record = asRecord(output)
  return record === undefined ? contentText(output) : contentText(record['content'] ?? record['body'])
}

function pieceText(piece: JsonRecord): string {
  const text = asString(piece['text'])
  if (text !== undefined) return text
  return piece['type'] === 'input_image' ? '[image]' : ''
}

function eventText(event: string | undefined, payload: JsonRecord): string {
  if (event === undefined || repeatingEvents.has(event) || silentEvents.has(event)) return ''
  if (event !== 'item_completed') {
    const { type: _type, turn_id: _turnId, thread_id: _threadId, ...rest } = payload
    return event === 'task_complete' ? '' : jsonText(rest)
  }
  const item = asRecord(payload['item']) ?? {}
  if (repeatingItems.has(asString(item['type']) ?? '')) return ''
  const command = asList(item['command']).flatMap((word) => asString(word) ?? [])
  return command.length === 0 ? jsonText(item) : joined([`$ ${command.join(' ')}`, asString(item['aggregated_output']) ?? ''])
}

function jsonText(value: JsonRecord): string {
  try {
    return Object.keys(value).length === 0 ? '' : JSON.stringify(value)
  } catch {
    return '' // nested deeper than the stack
  }
}

function joined(texts: readonly string[], separator = '\n'): string {
  return texts.filter((text) => text !== '').join(separator)
}
