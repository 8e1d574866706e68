import type { JsonRecord } from '../json-fields.ts'

const headBytes = 256
const messageHead =
  /^\{"type":"message","id":"([0-9a-f]{8})","parentId":(?:"([0-9a-f]{8})"|null),"timestamp":"[^"\\]{0,40}","message":\{"role":"(user|assistant|toolResult|bashExecution)"[,}]/

/**
 * What the beginning of a message line says, in the order in which pi writes its fields: all that a session's structure needs of it, without
 * the parsing of what was said. `undefined` for any other line, and for one that carries OpenClaw's `appendMode` behind the message. Only for
 * lines that are known to parse.
 */
export function lineHead(bytes: Uint8Array): JsonRecord | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const match = messageHead.exec(buffer.toString('latin1', 0, Math.min(headBytes, buffer.length)))
  if (match === null) return undefined
  const [, id, parentId, role] = match
  const tail = buffer.toString('latin1', Math.max(0, buffer.length - headBytes))
  if (!/\}\}\r?\n?$/.test(tail) || tail.includes('"appendMode"')) return undefined
  return { type: 'message', id, parentId: parentId ?? null, message: { role } }
}
