import { isDeepStrictEqual } from 'node:util'
import { parse, type TomlTable, type TomlValue } from 'smol-toml'
import { SettingsRefused } from './json-entries.ts'

/** The first and the last line of what is ours in a file of TOML. */
const firstLine = '# palimpsest begins here (palimpsest uninstall takes this block out)'
const lastLine = '# palimpsest ends here'

/** A text of TOML after an edit. */
export interface EditedToml {
  readonly text: string
  /** What was put at the end of the text; absent where nothing was. */
  readonly written?: string | undefined
  /** Whether a block of ours was edited by hand; it is left as it is. */
  readonly edited: boolean
}

/**
 * Settings with a block of ours at their end; everything before it stays byte for byte. Where the block is there already, the text is the same.
 * `history` are blocks that were written before. Throws `SettingsRefused`, also where the block doesn't go with what is there.
 */
export function withBlock(text: string, body: string, history: readonly string[]): EditedToml {
  const before = parseToml(text)
  if (text.includes(blockOf(body))) return { text, edited: false }
  const without = withoutBlock(text, body, history)
  if (without.edited) return { text, edited: true }
  const base = without.text
  const separator = base === '' ? '' : base.endsWith('\n') ? '\n' : '\n\n'
  const written = `${separator}${blockOf(body)}`
  const after = parseToml(base + written, 'with the block of palimpsest ')
  if (!isDeepStrictEqual(plain(after), plain(merged(base === text ? before : parseToml(base), parse(body))))) {
    throw new SettingsRefused('the block of palimpsest would change the meaning of what is there')
  }
  return { text: base + written, written, edited: false }
}

/** Settings without the block of ours, exactly as they were before it. Throws `SettingsRefused`. */
export function withoutBlock(text: string, body: string, history: readonly string[]): EditedToml {
  parseToml(text)
  const found = [...history, `\n${blockOf(body)}`, blockOf(body)].find((written) => written !== '' && text.includes(written))
  if (found === undefined) return { text, edited: text.includes(firstLine) }
  const at = text.indexOf(found)
  const after = text.slice(0, at) + text.slice(at + found.length)
  parseToml(after)
  return { text: after, edited: false }
}

function blockOf(body: string): string {
  return `${firstLine}\n${body}${lastLine}\n`
}

function parseToml(text: string, what = ''): TomlTable {
  try {
    return parse(text)
  } catch (error) {
    const [first] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new SettingsRefused(`${what}it is not TOML (${first})`)
  }
}

/** What two texts say one behind the other: tables are merged, lists of tables go on. */
function merged(first: TomlTable, second: TomlTable): TomlTable {
  const result: TomlTable = { ...first }
  for (const [name, value] of Object.entries(second)) {
    const there = result[name]
    if (there === undefined) result[name] = value
    else if (Array.isArray(there) && Array.isArray(value)) result[name] = [...there, ...value]
    else if (isTable(there) && isTable(value)) result[name] = merged(there, value)
    else throw new SettingsRefused(`${name} is there already`)
  }
  return result
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)
}

/** The same without prototypes, which parsing makes differently. */
function plain(table: TomlTable): unknown {
  return structuredClone({ ...table })
}
