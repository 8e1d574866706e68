import { readFile } from 'node:fs/promises'
import { parse } from 'jsonc-parser'

/** What a file of JSON with comments says, as far as it can be read: an object, else an empty one. */
export async function readJsonSettings(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const value: unknown = parse(text.replace(/^\uFEFF/, ''), [], { allowTrailingComma: true })
  return isRecord(value) ? value : {}
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
