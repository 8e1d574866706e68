/** A field of a JSON object, and where its key and its value lie in the bytes of the line. */
export interface FieldBytes {
  readonly key: string
  readonly valueStart: number
  readonly valueEnd: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a

/**
 * The fields at the top of a JSON object, in order, as byte ranges; `whole` when the object ends where the line does. Nested values are passed
 * over, not looked into, so that a key inside a message is never taken for one of the line. Of a line that is cut off, the fields before the
 * cut are given. Never throws; on bytes that are no object it gives none.
 */
export function fieldsOfObject(bytes: Uint8Array): { readonly fields: readonly FieldBytes[]; readonly whole: boolean } {
  const fields: FieldBytes[] = []
  let at = afterSpace(bytes, afterMark(bytes))
  if (bytes[at] !== 0x7b) return { fields, whole: false }
  at = afterSpace(bytes, at + 1)
  if (bytes[at] === 0x7d) return { fields, whole: afterSpace(bytes, at + 1) === bytes.length }
  for (;;) {
    const keyEnd = afterString(bytes, at)
    const colonAt = keyEnd === undefined ? undefined : afterSpace(bytes, keyEnd)
    const key = keyEnd === undefined ? undefined : textOf(bytes.subarray(at, keyEnd))
    if (key === undefined || colonAt === undefined || bytes[colonAt] !== colon) return { fields, whole: false }
    const valueStart = afterSpace(bytes, colonAt + 1)
    const valueEnd = afterValue(bytes, valueStart)
    if (valueEnd === undefined) return { fields, whole: false }
    fields.push({ key, valueStart, valueEnd })
    at = afterSpace(bytes, valueEnd)
    if (bytes[at] === 0x7d) return { fields, whole: afterSpace(bytes, at + 1) === bytes.length }
    if (bytes[at] !== comma) return { fields, whole: false }
    at = afterSpace(bytes, at + 1)
  }
}

/** The string that a range of bytes holds as a JSON string, or `undefined` when it holds none. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== quote) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function afterMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

function afterSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  return at
}

/** Behind the string that begins at `from`. */
function afterString(bytes: Uint8Array, from: number): number | undefined {
  if (bytes[from] !== quote) return undefined
  for (let end = bytes.indexOf(quote, from + 1); end !== -1; end = bytes.indexOf(quote, end + 1)) {
    let escapes = end - 1
    while (bytes[escapes] === backslash) escapes--
    if ((end - escapes) % 2 === 1) return end + 1
  }
  return undefined
}

/** Behind the value that begins at `from`: a string, a nested object or array, or a bare word. */
function afterValue(bytes: Uint8Array, from: number): number | undefined {
  if (bytes[from] === quote) return afterString(bytes, from)
  let depth = 0
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === quote) {
      const end = afterString(bytes, at)
      if (end === undefined) return undefined
      at = end
      continue
    }
    if (depth === 0 && (byte === comma || byte === 0x7d || byte === 0x5d)) return at === from ? undefined : at
    if (byte === 0x7b || byte === 0x5b) depth++
    if (byte === 0x7d || byte === 0x5d) depth--
    at++
    if (depth === 0 && (byte === 0x7d || byte === 0x5d)) return at
  }
  return undefined
}
