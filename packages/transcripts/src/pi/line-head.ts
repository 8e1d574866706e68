import { isUtf8 } from 'node:buffer'
import type { EntryRole } from '@palimpsest/core'
import { type ObjectScan, scanning } from '../object-scan.ts'

/** All that a session's structure needs of a plain message. */
export interface MessageHead {
  readonly id: string
  readonly parentId: string | undefined
  readonly role: EntryRole
}

/** The same with ids of eight hex digits, as 32 bits with a sign: filled anew for each line. */
export interface WordHead {
  id: number
  hasParent: boolean
  parent: number
  role: EntryRole
}

const tailBytes = 256
const longestTimestamp = 40
const quote = 0x22
const backslash = 0x5c

/**
 * What the beginning of a message line says, in the order in which pi writes its fields, without the parsing of what was said: fills `head`
 * from the line at these bytes. `false` for any other line, for one with other ids, and for one that carries OpenClaw's `appendMode` behind the
 * message. Only for lines that are known to parse.
 */
export function readLineHead(bytes: Uint8Array, start: number, end: number, head: WordHead): boolean {
  let at = after(bytes, start, end, parts.type)
  if (at < 0 || !isWord(bytes, at)) return false
  head.id = wordAt(bytes, at)
  at = after(bytes, at + 8, end, parts.parent)
  if (at < 0) return false
  head.hasParent = bytes[at] === quote
  if (head.hasParent) {
    if (!isWord(bytes, at + 1) || bytes[at + 9] !== quote) return false
    head.parent = wordAt(bytes, at + 1)
    at += 10
  } else at = after(bytes, at, end, parts.none)
  at = at < 0 ? at : after(bytes, at, end, parts.timestamp)
  if (at < 0) return false
  const timestampEnd = Math.min(end, at + longestTimestamp)
  while (at < timestampEnd && bytes[at] !== quote) {
    if (bytes[at] === backslash) return false
    at += 1
  }
  at = after(bytes, at, end, parts.role)
  if (at < 0) return false
  const role = roleAt(bytes, at, end)
  if (role === undefined) return false
  const next = bytes[at + role.text.length]
  if ((next !== 0x2c && next !== 0x7d) || at + role.text.length >= end) return false
  head.role = role.role
  return endsPlainly(bytes, start, end)
}

/**
 * The same for a line of which no more is known than that it is UTF-8, at these places of a scan's text: looked through to its end, so that what it
 * gives is what parsing would. `false` for a line that isn't a plain message, or isn't valid, for the parser to say what it is.
 */
export function scanLineHead(scan: ObjectScan, start: number, end: number, head: WordHead): boolean {
  if (!scanFields(scan, start, end)) return false
  if (!isWordField(scan, found.id)) return false
  head.hasParent = found.parentId !== nullField
  if (head.hasParent && !isWordField(scan, found.parentId)) return false
  head.id = wordAt(scan.bytes, startOf(scan, found.id) + 1)
  if (head.hasParent) head.parent = wordAt(scan.bytes, startOf(scan, found.parentId) + 1)
  head.role = found.role
  return true
}

/** The same for any line and ids of any form; `undefined` for what is left to the parser. */
export function scannedHead(bytes: Uint8Array): MessageHead | undefined {
  const scan = isUtf8(bytes) ? scanning(bytes) : undefined
  if (scan === undefined || !scanFields(scan, scan.start, scan.start + bytes.length)) return undefined
  const id = simpleString(scan, found.id)
  const parentId = found.parentId === nullField ? undefined : simpleString(scan, found.parentId)
  if (id === undefined || id === '' || parentId === '' || (parentId === undefined && found.parentId !== nullField)) return undefined
  return { id, parentId, role: found.role }
}

/** A head of words as one of strings. */
export function headOf({ id, hasParent, parent, role }: WordHead): MessageHead {
  return { id: digitsOf(id), parentId: hasParent ? digitsOf(parent) : undefined, role }
}

/** The eight hex digits of 32 bits. */
export function digitsOf(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}

/** The 32 bits of an id of eight hex digits; other ids have none. */
export function wordOf(id: string): number | undefined {
  return /^[0-9a-f]{8}$/.test(id) ? Number.parseInt(id, 16) | 0 : undefined
}

// Overwritten by each line.
const nullField = -1
const found: { id: number; parentId: number; role: EntryRole } = { id: 0, parentId: 0, role: 'user' }
const maxSimpleBytes = 64

const parts = {
  type: Buffer.from('{"type":"message","id":"'),
  parent: Buffer.from('","parentId":'),
  none: Buffer.from('null'),
  timestamp: Buffer.from(',"timestamp":"'),
  role: Buffer.from('","message":{"role":'),
  appendMode: Buffer.from('"appendMode"'),
}

/** Roles that have no meaning of their own. */
const roles: readonly { readonly text: Uint8Array; readonly role: EntryRole }[] = [
  { text: Buffer.from('"user"'), role: 'user' },
  { text: Buffer.from('"assistant"'), role: 'assistant' },
  { text: Buffer.from('"toolResult"'), role: 'tool' },
  { text: Buffer.from('"bashExecution"'), role: 'tool' },
]

/** The role whose text stands at a place. A closure in a loop over fields would make an object for each of them, which was most of a capture's garbage. */
function roleAt(bytes: Uint8Array, at: number, end: number): (typeof roles)[number] | undefined {
  for (const role of roles) if (after(bytes, at, end, role.text) >= 0) return role
  return undefined
}

const names = {
  type: Buffer.from('type'),
  id: Buffer.from('id'),
  parentId: Buffer.from('parentId'),
  timestamp: Buffer.from('timestamp'),
  message: Buffer.from('message'),
  role: Buffer.from('role'),
}
const messageType = Buffer.from('"message"')

/** Finds the fields of a plain message; `false` for any other line. */
function scanFields(scan: ObjectScan, start: number, end: number): boolean {
  const { bytes, fields } = scan
  if (bytes[start] !== 0x7b) return false
  const count = scan.count(start, end) ?? 0
  let isMessage = false
  let messages = 0
  let hasRole = false
  let id: number | undefined
  let parentId: number | undefined
  for (let at = 0; at < count; at += 1) {
    const first = bytes[startOf(scan, at)]
    if (fields[at * numbersOfField] === 2) {
      if (!isNamed(scan, at, names.role)) continue
      const role = roleAt(bytes, startOf(scan, at), endOf(scan, at))
      if (role === undefined) return false
      found.role = role.role
      hasRole = true
    } else if (isNamed(scan, at, names.message)) messages += first === 0x7b ? 1 : 2
    // The fields of another object would be taken for those of the message.
    else if (first === 0x7b) return false
    else if (isNamed(scan, at, names.type)) isMessage = isValue(scan, at, messageType)
    else if (isNamed(scan, at, names.id)) id = at
    else if (isNamed(scan, at, names.parentId)) parentId = first === 0x6e ? nullField : at
    else if (!isNamed(scan, at, names.timestamp) || first !== quote) return false
  }
  if (!isMessage || messages !== 1 || !hasRole || id === undefined || parentId === undefined) return false
  found.id = id
  found.parentId = parentId
  return true
}

/** The place behind a text that stands at a place; -1 where another one does. */
function after(bytes: Uint8Array, at: number, end: number, text: Uint8Array): number {
  if (at + text.length > end) return -1
  for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text[index]) return -1
  return at + text.length
}

/** How far behind its last byte a text could end, by the byte that stands there (after Horspool). */
const appendModeSkips = new Uint8Array(256).fill(parts.appendMode.length)
for (const [at, byte] of parts.appendMode.subarray(0, -1).entries()) appendModeSkips[byte] = parts.appendMode.length - 1 - at

/** Whether a line ends with the message, and nothing behind that says how it is appended. */
function endsPlainly(bytes: Uint8Array, start: number, end: number): boolean {
  let last = end - 1
  if (bytes[last] === 0x0a) last -= 1
  if (bytes[last] === 0x0d) last -= 1
  if (last - 1 < start || bytes[last] !== 0x7d || bytes[last - 1] !== 0x7d) return false
  const { length } = parts.appendMode
  for (let at = Math.max(start, end - tailBytes); at + length <= end; at += appendModeSkips[bytes[at + length - 1] ?? 0] ?? 1) {
    if (after(bytes, at, end, parts.appendMode) >= 0) return false
  }
  return true
}

// The value of each byte that is a hex digit in lower case, 16 for all others.
const digits = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : 16,
)

function isWord(bytes: Uint8Array, at: number): boolean {
  let all = 0
  for (let index = at; index < at + 8; index += 1) all |= digits[bytes[index] ?? 0] ?? 16
  return all < 16
}

function wordAt(bytes: Uint8Array, at: number): number {
  let word = 0
  for (let index = at; index < at + 8; index += 1) word = (word << 4) | (digits[bytes[index] ?? 0] ?? 0)
  return word
}

// Depth, then where the name starts and ends and where the value starts and ends.
const numbersOfField = 5

function startOf({ fields }: ObjectScan, at: number): number {
  return fields[at * numbersOfField + 3] ?? 0
}

function endOf({ fields }: ObjectScan, at: number): number {
  return fields[at * numbersOfField + 4] ?? 0
}

function isWordField(scan: ObjectScan, at: number): boolean {
  const start = startOf(scan, at)
  return endOf(scan, at) - start === 10 && scan.bytes[start] === quote && isWord(scan.bytes, start + 1)
}

function isNamed({ bytes, fields }: ObjectScan, at: number, name: Uint8Array): boolean {
  return isText(bytes, fields[at * numbersOfField + 1] ?? 0, fields[at * numbersOfField + 2] ?? 0, name)
}

function isValue(scan: ObjectScan, at: number, value: Uint8Array): boolean {
  return isText(scan.bytes, startOf(scan, at), endOf(scan, at), value)
}

function isText(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  return end - start === text.length && after(bytes, start, end, text) >= 0
}

/** A short string of ASCII without escapes; other values are for the parser. */
function simpleString(scan: ObjectScan, at: number): string | undefined {
  const { bytes } = scan
  const start = startOf(scan, at)
  const end = endOf(scan, at)
  if (bytes[start] !== quote || end - start > maxSimpleBytes) return undefined
  for (let index = start + 1; index < end - 1; index += 1) if (bytes[index] === backslash || (bytes[index] ?? 0) >= 0x80) return undefined
  return bytes.toString('latin1', start + 1, end - 1)
}
