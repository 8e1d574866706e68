const maxDepth = 24

/** Fields that name things and say nothing. */
const namingFields: ReadonlySet<string> = new Set([
  'agentId',
  'call_id',
  'encrypted_content',
  'id',
  'leafUuid',
  'logicalParentUuid',
  'messageId',
  'model',
  'parentId',
  'parentToolUseID',
  'parentUuid',
  'promptId',
  'requestId',
  'role',
  'sessionId',
  'signature',
  'slug',
  'sourceToolAssistantUUID',
  'textSignature',
  'thinkingSignature',
  'timestamp',
  'toolCallId',
  'toolUseID',
  'tool_use_id',
  'type',
  'uuid',
  'version',
])

/** Longer words are pictures and signatures. */
const longestWord = 2000

/**
 * The strings in a record that say something, in their order: so the benchmark looks at what an agent wrote, not at what our readers make of it.
 * JSON within a string is looked into too.
 */
export function readableStrings(value: unknown): readonly string[] {
  const strings: string[] = []
  collect(value, strings, 0)
  return strings
}

function collect(value: unknown, strings: string[], depth: number): void {
  if (typeof value === 'string') {
    if (value.length > longestWord && !/\s/.test(value.slice(0, longestWord))) return
    strings.push(value)
  } else if (typeof value === 'object' && value !== null && depth <= maxDepth) {
    for (const [name, field] of Object.entries(value)) {
      if (!Array.isArray(value) && namingFields.has(name)) continue
      const inner = name === 'arguments' && typeof field === 'string' ? objectOf(field) : undefined
      collect(inner ?? field, strings, depth + 1)
    }
  }
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
