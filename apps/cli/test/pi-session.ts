/** A pi session written by hand: messages, one compaction after them, one message more. */
export interface PiSession {
  readonly sessionId: string
  /** The whole file. */
  readonly text: string
  /** What stood before the compaction's line. */
  readonly beforeCompaction: string
  readonly messageIds: readonly string[]
}

export function piSession(
  options: { readonly number?: number; readonly messages?: number; readonly textOf?: (index: number) => string } = {},
): PiSession {
  const { number = 1, messages = 4, textOf = (index: number) => `message ${index}` } = options
  const sessionId = `0b0c0d0e-0000-4000-8000-${String(number).padStart(12, '0')}`
  const time = (second: number) => new Date(Date.UTC(2026, 7, 1, 10) + second * 1000).toISOString()
  const lines: object[] = [{ type: 'session', version: 3, id: sessionId, timestamp: time(0), cwd: '/work/project' }]
  const messageIds: string[] = []
  for (let index = 0; index < messages; index += 1) {
    const id = (0x10000000 + index).toString(16)
    const role = index % 2 === 0 ? 'user' : 'assistant'
    const message = { role, content: [{ type: 'text', text: textOf(index) }] }
    lines.push({ type: 'message', id, parentId: messageIds.at(-1) ?? null, timestamp: time(index + 1), message })
    messageIds.push(id)
  }
  const last = messageIds.at(-1) ?? null
  const beforeCompaction = jsonLines(lines)
  const after = [
    {
      type: 'compaction',
      id: 'c0000001',
      parentId: last,
      timestamp: time(messages + 1),
      summary: 'We counted messages.',
      firstKeptEntryId: last,
      tokensBefore: 175_004,
    },
    {
      type: 'message',
      id: 'a0000001',
      parentId: 'c0000001',
      timestamp: time(messages + 2),
      message: { role: 'user', content: [{ type: 'text', text: 'go on' }] },
    },
  ]
  return { sessionId, text: beforeCompaction + jsonLines(after), beforeCompaction, messageIds }
}

function jsonLines(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
