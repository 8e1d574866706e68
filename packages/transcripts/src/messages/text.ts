import type { EntryRole } from '@palimpsest/core'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'

/** Fields that say what kind of thing something is, not what it says. */
const structural: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'status',
  'state',
  'signature',
  'thoughtSignature',
  'encrypted_content',
  'cache_control',
  'mediaType',
  'media_type',
  'mimeType',
  'toolCallId',
  'tool_call_id',
  'tool_use_id',
  'call_id',
  'callId',
  'providerOptions',
  'providerMetadata',
  'providerData',
  'response_metadata',
  'usage_metadata',
  'additional_kwargs',
  'invalid_tool_calls',
  'lc',
  'data',
  'image',
  'image_url',
  'file_data',
  '$value',
  'is',
])
const maxDepth = 12

/** Everything readable in a message of any SDK: text, thinking, calls of tools with their arguments, results. Encoded files and ids are left out. */
export function textOfMessage(message: unknown): string {
  if (typeof message === 'string') return message
  return textIn(fieldsOf(message), 0)
    .filter((text) => text !== '')
    .join('\n')
}

/** Who speaks in a message. A message of results alone is the tool's, whatever role the SDK gives it. */
export function roleOfMessage(message: unknown): EntryRole | undefined {
  const record = asRecord(message)
  const fields = fieldsOf(message)
  const role = asName(fields?.['role']) ?? classOf(record) ?? asName(record?.['type'])
  const blocks = asList(fields?.['content']).map((block) => asName(asRecord(block)?.['type']))
  if (blocks.length > 0 && blocks.every((type) => type === 'tool_result' || type === 'tool-result')) return 'tool'
  switch (role) {
    case 'user':
    case 'human':
      return 'user'
    case 'assistant':
    case 'ai':
    case 'model':
    case 'function_call':
    case 'reasoning':
    case 'hosted_tool_call':
    case 'computer_call':
      return 'assistant'
    case 'tool':
    case 'function':
    case 'function_call_result':
    case 'function_call_output':
    case 'computer_call_result':
      return 'tool'
    case 'system':
    case 'developer':
    case 'compaction':
      return 'system'
    default:
      return undefined
  }
}

/** The tool that a message calls first, or whose result it is. */
export function toolOfMessage(message: unknown): string | undefined {
  const fields = fieldsOf(message)
  const calls = [...asList(fields?.['tool_calls']), ...asList(fields?.['content']), ...asList(fields?.['parts'])]
  const named = asName(fields?.['name']) ?? asName(fields?.['toolName'])
  if (named !== undefined) return named
  return calls.map(toolOfBlock).find((name) => name !== undefined)
}

function toolOfBlock(block: unknown): string | undefined {
  const record = asRecord(block)
  const type = asName(record?.['type']) ?? ''
  if (type.startsWith('tool-') && type !== 'tool-call' && type !== 'tool-result') return type.slice('tool-'.length)
  return (
    asName(record?.['toolName']) ??
    asName(asRecord(record?.['function'])?.['name']) ??
    (type === 'text' ? undefined : asName(record?.['name']))
  )
}

/** `HumanMessage` → `human`, as LangChain's serialised form names its class. */
function classOf(record: JsonRecord | undefined): string | undefined {
  const name = record?.['lc'] === undefined ? undefined : asName(asList(record['id']).at(-1))
  return name?.replace(/Message(Chunk)?$/, '').toLowerCase()
}

/** The fields of a message, wherever its SDK keeps them. */
export function fieldsOf(message: unknown): JsonRecord | undefined {
  const record = asRecord(message)
  return asRecord(record?.['kwargs']) ?? (asName(record?.['type']) === undefined ? undefined : asRecord(record?.['data'])) ?? record
}

function textIn(value: unknown, depth: number): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' || typeof value === 'boolean') return depth > 2 ? [String(value)] : []
  if (depth > maxDepth) return []
  if (Array.isArray(value)) return value.flatMap((item: unknown) => textIn(item, depth + 1))
  return Object.entries(asRecord(value) ?? {}).flatMap(([key, inner]) => {
    if (structural.has(key)) return []
    const isArguments = key === 'input' || key === 'args' || key === 'arguments'
    return isArguments && typeof inner === 'object' ? [JSON.stringify(inner)] : textIn(asString(inner) ?? inner, depth + 1)
  })
}
