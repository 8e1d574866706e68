import { isRecord, shown } from './json-value.ts'

/** Where two JSON values first differ, in words; `undefined` where they are equal. Keys in `ignoring` are passed over at every depth. */
export function difference(expected: unknown, found: unknown, ignoring: ReadonlySet<string> = new Set(), place = ''): string | undefined {
  if (Array.isArray(expected) && Array.isArray(found)) {
    for (let index = 0; index < Math.max(expected.length, found.length); index++) {
      const inside = difference(expected[index], found[index], ignoring, `${place}[${index}]`)
      if (inside !== undefined) return inside
    }
    return undefined
  }
  if (isRecord(expected) && isRecord(found)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      if (ignoring.has(key)) continue
      const inside = difference(expected[key], found[key], ignoring, `${place}.${key}`)
      if (inside !== undefined) return inside
    }
    return undefined
  }
  if (Object.is(expected, found)) return undefined
  const named = place === '' ? 'the value' : place
  if (typeof expected !== 'string' || typeof found !== 'string') return `${named}: expected ${shown(expected)}, found ${shown(found)}`
  let offset = 0
  while (offset < expected.length && expected[offset] === found[offset]) offset++
  const around = (text: string): string => shown(text.slice(Math.max(0, offset - 60), offset + 160))
  return `${named}, character ${offset}: expected ${around(expected)}, found ${around(found)}`
}

/** Throws where two JSON values differ, naming the first place. */
export function assertSame(expected: unknown, found: unknown, what: string): void {
  const where = difference(expected, found)
  if (where !== undefined) throw new Error(`${what}: ${where}`)
}

/** Throws where two byte sequences differ, naming the first byte. */
export function assertSameBytes(expected: Uint8Array, found: Uint8Array, what: string): void {
  if (Buffer.compare(expected, found) === 0) return
  let offset = 0
  while (offset < expected.length && offset < found.length && expected[offset] === found[offset]) offset++
  const around = (bytes: Uint8Array): string =>
    JSON.stringify(new TextDecoder().decode(bytes.subarray(Math.max(0, offset - 40), offset + 60)))
  throw new Error(
    `${what}: ${found.length} bytes instead of ${expected.length}, the first other one at ${offset}: expected ${around(expected)}, found ${around(found)}`,
  )
}
