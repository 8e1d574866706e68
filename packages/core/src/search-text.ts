import { sha256 } from './digest.ts'
import type { Entry } from './transcript.ts'

/** A line of an entry's text that is a tool's arguments as JSON, behind its name or by itself. */
const callLine = /^(?:[\w.:-]{1,200} )?[{[].*[}\]]$/
const escapePattern = /\\(?:u([0-9a-fA-F]{4})|(.))/g
const unescaped: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
const fingerprintCharacters = 12

/**
 * The text of an entry as it is looked up and shown: arguments of tools without the escapes of JSON, since `\nfoo` would hide the word `foo`, and
 * no command of several lines were found as it was run. Pure.
 */
export function searchableText(entry: Pick<Entry, 'role' | 'text'>): string {
  const { role, text } = entry
  if (role !== 'assistant' || !text.includes('\\')) return text
  if (!text.includes('\n')) return callLine.test(text) ? withoutEscapes(text) : text
  return text
    .split('\n')
    .map((line) => (line.includes('\\') && callLine.test(line) ? withoutEscapes(line) : line))
    .join('\n')
}

/** Equal for equal texts alone, as far as 72 bits tell. */
export function fingerprintOf(text: string): string {
  return sha256(Buffer.from(text)).slice(0, fingerprintCharacters)
}

function withoutEscapes(json: string): string {
  return json.replace(escapePattern, (_all, code: string | undefined, character: string | undefined) =>
    code === undefined ? (unescaped[character ?? ''] ?? character ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
