import { asName, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { fieldsOfObject, textOf } from './json-object-bytes.ts'
import { isClaudeCodeBeginning, isClaudeCodeLine } from './line-shape.ts'

/**
 * Whether a file begins as a session of Claude Code: one of its first lines has the shape of a line that it writes. The head may end within a line.
 * Files of sub-agents (`agent-….jsonl`, or anything below a folder `subagents`) are parts of a session and never one themselves.
 */
export function isClaudeCodeSession(head: Uint8Array, path: string): boolean {
  const segments = path.split(/[\\/]/)
  const fileName = segments.pop() ?? ''
  if (fileName.startsWith('agent-') || segments.includes('subagents')) return false
  for (let start = 0; start < head.length; ) {
    const feed = head.indexOf(0x0a, start)
    const line = head.subarray(start, feed === -1 ? head.length : feed)
    const { value } = parseLine(line)
    if (value === undefined ? feed === -1 && isClaudeCodeBeginning(beginningOf(line)) : isClaudeCodeLine(value)) return true
    if (value !== undefined && isOtherHeader(value)) return false
    if (feed === -1) return false
    start = feed + 1
  }
  return false
}

/** The fields of a line that is cut off, as far as they are strings or null. */
function beginningOf(line: Uint8Array): JsonRecord {
  return Object.fromEntries(
    fieldsOfObject(line).fields.map(({ key, valueStart, valueEnd }) => {
      const bytes = line.subarray(valueStart, valueEnd)
      return [key, bytes[0] === 0x6e ? null : textOf(bytes)]
    }),
  )
}

/** The first line of pi's and of Codex's files. */
function isOtherHeader(value: JsonRecord): boolean {
  return (value['type'] === 'session' || value['type'] === 'session_meta') && asName(value['sessionId']) === undefined
}
