import { basename, resolve, sep } from 'node:path'
import { parseLine } from '../lines.ts'
import { checkpointCopy, piHeader } from './format.ts'

/** Whether a file begins as a session of pi's format, the header being its first line that parses. The head may end within a line. */
export function isPiFormat(head: Uint8Array): boolean {
  for (let start = 0; start < head.length; ) {
    const feed = head.indexOf(0x0a, start)
    const line = head.subarray(start, feed === -1 ? head.length : feed)
    const { value } = parseLine(line)
    if (value !== undefined) return piHeader(value) !== undefined
    if (feed === -1) return beginsAsHeader(line)
    start = feed + 1
  }
  return false
}

/** Whether a session of pi's format is OpenClaw's: below a folder named `.openclaw` or its own one, beside its `sessions.json`, or a copy that it alone makes. */
export function isOpenClawPlace(file: { readonly path: string; readonly siblings: ReadonlySet<string> }, stateFolder?: string): boolean {
  const path = resolve(file.path)
  if (checkpointCopy(basename(path)) !== undefined) return true
  if (path.split(sep).slice(0, -1).includes('.openclaw')) return true
  return file.siblings.has('sessions.json') || (stateFolder !== undefined && path.startsWith(resolve(stateFolder) + sep))
}

/** For a header that is longer than the head: pi writes its type first. */
function beginsAsHeader(line: Uint8Array): boolean {
  return /^\uFEFF?\s*\{\s*"type"\s*:\s*"session"\s*,/.test(new TextDecoder('utf-8', { ignoreBOM: true }).decode(line.subarray(0, 256)))
}
