/** A value as a line of JSON. */
export function jsonLine(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`)
}
