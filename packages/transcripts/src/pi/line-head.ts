import { isUtf8 } from 'node:buffer'
import type { EntryRole } from '@palimpsest/core'
import { fieldRanges, scanObject } from '../object-scan.ts'

/** All that a session's structure needs of a plain message. */
export interface MessageHead {
  readonly id: string
  readonly parentId: string | undefined
  readonly role: EntryRole
}

const headBytes = 256
const messageHead =
  /^\{"type":"message","id":"([0-9a-f]{8})","parentId":(?:"([0-9a-f]{8})"|null),"timestamp":"[^"\\]{0,40}","message":\{"role":"(user|assistant|toolResult|bashExecution)"[,}]/

/**
 * What the beginning of a message line says, in the order in which pi writes its fields, without the parsing of what was said. `undefined` for any other line, and for one that carries OpenClaw's `appendMode` behind the message. Only for
 * lines that are known to parse.
 */
export function lineHead(bytes: Uint8Array): MessageHead | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const match = messageHead.exec(buffer.toString('latin1', 0, Math.min(headBytes, buffer.length)))
  if (match === null) return undefined
  const [, id = '', parentId, role] = match
  const tail = buffer.toString('latin1', Math.max(0, buffer.length - headBytes))
  if (!/\}\}\r?\n?$/.test(tail) || tail.includes('"appendMode"')) return undefined
  return headOf(id, parentId, role)
}

/**
 * The same for a line of which nothing is known: looked through to its end, so that what it gives is what parsing would. `undefined` for a
 * line that isn't a plain message, or isn't valid, for the parser to say what it is.
 */
export function scannedHead(bytes: Uint8Array): MessageHead | undefined {
  if (bytes[0] !== 0x7b || !isUtf8(bytes)) return undefined
  const count = scanObject(bytes, 0, bytes.length, fields) ?? 0
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let isMessage = false
  let messages = 0
  let id: string | undefined
  let parentId: string | null | undefined
  let role: string | undefined
  for (let at = 0; at < count; at += 1) {
    const first = bytes[fields.valueStarts[at] ?? 0]
    if (fields.depths[at] === 2) {
      if (!isNamed(bytes, at, names.role)) continue
      role = simpleString(buffer, at)
      if (role === undefined) return undefined
    } else if (isNamed(bytes, at, names.message)) messages += first === 0x7b ? 1 : 2
    // The fields of another object would be taken for those of the message.
    else if (first === 0x7b) return undefined
    else if (isNamed(bytes, at, names.type)) isMessage = simpleString(buffer, at) === 'message'
    else if (isNamed(bytes, at, names.id)) id = simpleString(buffer, at)
    else if (isNamed(bytes, at, names.parentId)) parentId = first === 0x6e ? null : simpleString(buffer, at)
    else if (!isNamed(bytes, at, names.timestamp) || first !== quote) return undefined
  }
  if (!isMessage || messages !== 1 || id === undefined || parentId === undefined) return undefined
  return headOf(id, parentId ?? undefined, role)
}

/** A head with ids that are none, or with a role that has a meaning of its own, is for the parser. */
function headOf(id: string, parentId: string | undefined, messageRole: string | undefined): MessageHead | undefined {
  const role = messageRole === 'toolResult' || messageRole === 'bashExecution' ? 'tool' : messageRole
  if (id === '' || parentId === '' || (role !== 'user' && role !== 'assistant' && role !== 'tool') || messageRole === 'tool')
    return undefined
  return { id, parentId, role }
}

// Overwritten by each line.
const fields = fieldRanges()
const quote = 0x22
const maxSimpleBytes = 64

const names = {
  type: Buffer.from('type'),
  id: Buffer.from('id'),
  parentId: Buffer.from('parentId'),
  timestamp: Buffer.from('timestamp'),
  message: Buffer.from('message'),
  role: Buffer.from('role'),
}

function isNamed(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  const start = fields.nameStarts[at] ?? 0
  if ((fields.nameEnds[at] ?? 0) - start !== name.length) return false
  for (let index = 0; index < name.length; index += 1) if (bytes[start + index] !== name[index]) return false
  return true
}

/** A short string of ASCII without escapes; other values are for the parser. */
function simpleString(buffer: Buffer, at: number): string | undefined {
  const start = fields.valueStarts[at] ?? 0
  const end = fields.valueEnds[at] ?? 0
  if (buffer[start] !== quote || end - start > maxSimpleBytes) return undefined
  for (let index = start + 1; index < end - 1; index += 1) if (buffer[index] === 0x5c || (buffer[index] ?? 0) >= 0x80) return undefined
  return buffer.toString('latin1', start + 1, end - 1)
}
