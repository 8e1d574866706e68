import { parseLine } from '../lines.ts'
import { sessionStart } from './format.ts'

/** Whether a file begins as the events of a Copilot CLI session: its first line that parses is `session.start`. The head may end within a line. */
export function isCopilotSession(head: Uint8Array): boolean {
  for (let start = 0; start < head.length; ) {
    const feed = head.indexOf(0x0a, start)
    const line = head.subarray(start, feed === -1 ? head.length : feed)
    const { value } = parseLine(line)
    if (value !== undefined) return sessionStart(value) !== undefined
    if (feed === -1) return beginsAsStart(line)
    start = feed + 1
  }
  return false
}

/** For a first line that is longer than the head. */
function beginsAsStart(line: Uint8Array): boolean {
  return /^\uFEFF?\{"type":"session\.start","data":\{"sessionId":"/.test(
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(line.subarray(0, 256)),
  )
}
