/** What stands at `path` in a parsed JSON value; `undefined` where nothing does. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value
  for (const step of path) {
    if (Array.isArray(found) && typeof step === 'number') found = found[step]
    else if (isRecord(found) && typeof step === 'string') found = found[step]
    else return undefined
  }
  return found
}

/** The string at `path`, or an error that shows the value. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path)
  if (typeof found !== 'string') throw new Error(`expected a string at ${path.join('.')} of ${shown(value)}`)
  return found
}

/** The array at `path`, or an error that shows the value. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path)
  if (!Array.isArray(found)) throw new Error(`expected a list at ${path.join('.')} of ${shown(value)}`)
  return found
}

/** The objects of a JSONL file; an error for a line that is none. */
export function jsonLines(bytes: Uint8Array): readonly unknown[] {
  return new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): unknown => JSON.parse(line))
}

/** A value as JSON, short enough for a message. */
export function shown(value: unknown, maxCharacters = 240): string {
  const json = JSON.stringify(value) ?? 'undefined'
  return json.length <= maxCharacters ? json : `${json.slice(0, maxCharacters)}… (${json.length} characters)`
}

/** Whether a value is an object with keys. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
