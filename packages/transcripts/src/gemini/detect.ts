import { parseLine } from '../lines.ts'
import { isMetadata } from './format.ts'

/**
 * Whether a file begins as a session of Gemini CLI: its first line that parses says session and project. The head may end within a line. A
 * sub-agent's log, which lies in a folder of its session's id, is a part of that session and never one itself.
 */
export function isGeminiSession(head: Uint8Array): boolean {
  for (let start = 0; start < head.length; ) {
    const feed = head.indexOf(0x0a, start)
    const line = head.subarray(start, feed === -1 ? head.length : feed)
    const { value } = parseLine(line)
    if (value !== undefined) return isMetadata(value) && value['kind'] !== 'subagent'
    if (feed === -1) return beginsAsMetadata(line)
    start = feed + 1
  }
  return false
}

/** For a first line that is longer than the head. */
function beginsAsMetadata(line: Uint8Array): boolean {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(line.subarray(0, 1024))
  return /^\uFEFF?\{"sessionId":"[^"]+","projectHash":"/.test(text) && !text.includes('"kind":"subagent"')
}
