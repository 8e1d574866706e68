import { parseLine } from '../lines.ts'
import { rolloutLine, sessionMeta } from './rollout-line.ts'

/**
 * Whether a file begins as a rollout: its first line that parses is a `session_meta` with an id. The head may end within that line, since it holds
 * the base instructions. A compressed file is passed over beside its plain one: Codex writes the one and then removes the other.
 */
export function isRollout(head: Uint8Array, file: { readonly path: string; readonly siblings: ReadonlySet<string> }): boolean {
  if (file.path.endsWith('.jsonl.zst') && file.siblings.has(plainName(file.path))) return false
  for (let start = 0; start < head.length; ) {
    const feed = head.indexOf(0x0a, start)
    const line = head.subarray(start, feed === -1 ? head.length : feed)
    const { value } = parseLine(line)
    if (value !== undefined) return sessionMeta(rolloutLine(value)) !== undefined
    if (feed === -1) return beginsAsMeta(line)
    start = feed + 1
  }
  return false
}

function beginsAsMeta(line: Uint8Array): boolean {
  const beginning = new TextDecoder('utf-8', { ignoreBOM: true }).decode(line.subarray(0, 256))
  return /^\uFEFF?\s*\{\s*"timestamp"\s*:\s*"[^"]*"\s*,\s*(?:"ordinal"\s*:\s*\d+\s*,\s*)?"type"\s*:\s*"session_meta"\s*,/.test(beginning)
}

function plainName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).replace(/\.zst$/, '')
}
