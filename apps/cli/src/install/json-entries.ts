import { isDeepStrictEqual } from 'node:util'
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'

/** A value of JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** Something of ours in an agent's settings: a property, where it has a name, else an element of a list. */
export interface JsonEntry {
  /** The names that lead to the object or list which it is in; what is missing of them is made. */
  readonly at: readonly string[]
  readonly name?: string | undefined
  readonly value: JsonValue
}

/** What is found of an entry: nothing, exactly it, one that an earlier installation wrote, or one that was changed by hand. */
export type EntryState = { readonly kind: 'absent' | 'edited' } | { readonly kind: 'present' | 'earlier'; readonly node: Node }

/** Settings that can't be edited without doing harm; they are left as they are. */
export class SettingsRefused extends Error {
  override readonly name = 'SettingsRefused'
}

/** What only commands of ours say, however they were changed. */
const mark = 'palimpsest-hook.cjs'

/** The tree of a text of JSON with comments and trailing commas. Throws `SettingsRefused` for anything else, and where the text is no object. */
export function parseSettings(text: string): Node {
  const errors: ParseError[] = []
  const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, { allowTrailingComma: true })
  const [error] = errors
  if (error !== undefined) {
    const line = text.slice(0, error.offset).split('\n').length
    throw new SettingsRefused(`it is not JSON (${printParseErrorCode(error.error)} in line ${line})`)
  }
  if (root?.type !== 'object') throw new SettingsRefused('it is JSON, but no object')
  return root
}

/** Looks for an entry; `earlier` are values that were written before. Throws `SettingsRefused` where something else stands in its place. */
export function entryState(root: Node, entry: JsonEntry, earlier: readonly JsonValue[]): EntryState {
  const container = containerOf(root, entry)
  if (container === undefined) return { kind: 'absent' }
  const candidates = entry.name === undefined ? (container.children ?? []) : properties(container, entry.name)
  const found = (values: readonly JsonValue[]): Node | undefined =>
    candidates.find((node) => values.some((value) => isDeepStrictEqual(plainValue(valueNode(node)), value)))
  const present = found([entry.value])
  if (present !== undefined) return { kind: 'present', node: present }
  const old = found(earlier)
  if (old !== undefined) return { kind: 'earlier', node: old }
  const isEdited = entry.name !== undefined ? candidates.length > 0 : candidates.some((node) => isForSameEvent(node, entry))
  return { kind: isEdited ? 'edited' : 'absent' }
}

/** The object or list at the names; `undefined` where it is missing. Throws `SettingsRefused` where something else is there. */
export function containerOf(root: Node, { at, name }: Pick<JsonEntry, 'at' | 'name'>): Node | undefined {
  let node = root
  for (const [index, step] of at.entries()) {
    const next = properties(node, step)[0]?.children?.[1]
    if (next === undefined) return undefined
    const wanted = index === at.length - 1 && name === undefined ? 'array' : 'object'
    if (next.type !== wanted) {
      throw new SettingsRefused(`${at.slice(0, index + 1).join('.')} is ${next.type}, where ${wanted} is expected`)
    }
    node = next
  }
  return node
}

/** The value of a node, its keys in plain objects. */
function plainValue(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(plainValue)
  if (node.type !== 'object') return node.value
  return Object.fromEntries(
    (node.children ?? []).map(({ children }) => [String(children?.[0]?.value), children?.[1] && plainValue(children[1])]),
  )
}

function valueNode(node: Node): Node {
  return node.type === 'property' ? (node.children?.[1] ?? node) : node
}

function properties(object: Node, name: string): readonly Node[] {
  const found = (object.children ?? []).filter(({ children }) => children?.[0]?.value === name)
  if (found.length > 1) throw new SettingsRefused(`${JSON.stringify(name)} is in it twice`)
  return found
}

function isForSameEvent(node: Node, { value }: JsonEntry): boolean {
  return JSON.stringify(value).includes(mark) && JSON.stringify(plainValue(node)).includes(mark)
}
