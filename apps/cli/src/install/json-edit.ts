import { createScanner, type Node } from 'jsonc-parser'
import { containerOf, entryState, type JsonEntry, type JsonValue, parseSettings } from './json-entries.ts'

/** What was put into a text: enough to take it out again, whatever else has changed since. */
export interface Insertion {
  readonly text: string
  /** What parts it from what stands before: a comma that was put there, one that was there, or nothing since it was the first. */
  readonly comma: 'added' | 'there' | 'none'
}

/** A text of JSON with an entry more in it. */
export interface Inserted {
  readonly text: string
  readonly insertion: Insertion
  /** The names of the objects and lists that were made for it. */
  readonly created: readonly (readonly string[])[]
}

/**
 * Puts an entry at the end of where it belongs. Nothing that was there changes but for one comma: comments, order, indentation and line ends stay.
 * Throws `SettingsRefused`.
 */
export function insertEntry(text: string, entry: JsonEntry): Inserted {
  const root = parseSettings(text)
  const present = entry.at.findLastIndex((_, index) => exists(root, entry, index + 1)) + 1
  const created = entry.at.slice(present).map((_, index) => entry.at.slice(0, present + index + 1))
  const isWhole = present === entry.at.length
  const name = isWhole ? entry.name : entry.at[present]
  const value = isWhole ? entry.value : wrapped(entry, present + 1)
  const container = containerOf(root, isWhole ? entry : { at: entry.at.slice(0, present), name: '' }) ?? root
  return { ...insertInto(text, container, name, value), created }
}

/** Takes an insertion out again, exactly; `undefined` where it is not there any more as it was. */
export function takeOut(text: string, { text: inserted, comma }: Insertion): string | undefined {
  const start = text.indexOf(inserted)
  if (start === -1 || text.indexOf(inserted, start + 1) !== -1) return undefined
  const end = start + inserted.length
  const isFirst = tokensAround(text, start, end).before?.first !== ','
  // Something else was put before it since.
  if (isFirst !== (comma === 'none')) return undefined
  const without = cut(text, start, end, comma === 'added')
  try {
    parseSettings(without)
    return without
  } catch {
    return undefined
  }
}

/** Takes an entry out by its place in the tree, with the objects and lists in `created` that are empty then. Throws `SettingsRefused`. */
export function removeEntry(
  text: string,
  entry: JsonEntry,
  earlier: readonly JsonValue[],
  created: readonly (readonly string[])[] | undefined,
): string | undefined {
  const state = entryState(parseSettings(text), entry, earlier)
  if (state.kind !== 'present' && state.kind !== 'earlier') return undefined
  let after = cutNode(text, state.node)
  for (let depth = entry.at.length; depth > 0; depth -= 1) {
    const names = entry.at.slice(0, depth)
    const isOurs = created === undefined || created.some((made) => made.join('\0') === names.join('\0'))
    const parent = containerOf(parseSettings(after), { at: names.slice(0, -1), name: '' })
    const property = parent?.children?.find(({ children }) => children?.[0]?.value === names.at(-1))
    if (!isOurs || property?.children?.[1] === undefined || (property.children[1].children ?? []).length > 0) break
    after = cutNode(after, property)
  }
  return after
}

function exists(root: Node, { at, name }: JsonEntry, depth: number): boolean {
  return containerOf(root, { at: at.slice(0, depth), name: depth === at.length ? name : '' }) !== undefined
}

/** The value of the property that is missing first: objects down to what the entry is in. */
function wrapped({ at, name, value }: JsonEntry, from: number): JsonValue {
  const innermost: JsonValue = name === undefined ? [value] : { [name]: value }
  return at.slice(from).reduceRight<JsonValue>((inner, step) => ({ [step]: inner }), innermost)
}

function insertInto(text: string, container: Node, name: string | undefined, value: JsonValue): Omit<Inserted, 'created'> {
  const close = container.offset + container.length - 1
  const children = container.children ?? []
  const last = children.at(-1)
  const inner = text.slice(container.offset + 1, close)
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  const isOneLine = last !== undefined && !inner.includes('\n')
  const outside = indentationAt(text, container.offset)
  const first = children[0]
  const unit = indentationUnit(text)
  const inside = first !== undefined && isFirstOnLine(text, first.offset) ? indentationAt(text, first.offset) : outside + unit
  const key = name === undefined ? '' : `${JSON.stringify(name)}: `
  const at = container.offset + 1 + inner.trimEnd().length
  let added: string
  if (isOneLine) added = ` ${key}${JSON.stringify(value)}`
  else {
    const lines = JSON.stringify(value, undefined, unit).replaceAll('\n', lineEnd + inside)
    const closes = text.slice(at, close).includes('\n') ? '' : lineEnd + outside
    added = `${lineEnd}${inside}${key}${lines}${closes}`
  }
  const lastEnd = last === undefined ? at : last.offset + last.length
  const comma = last === undefined ? 'none' : hasComma(text, lastEnd, close) ? 'there' : 'added'
  const before = comma === 'added' ? `${text.slice(0, lastEnd)},${text.slice(lastEnd, at)}` : text.slice(0, at)
  return { text: before + added + text.slice(at), insertion: { text: added, comma } }
}

function cutNode(text: string, node: Node): string {
  const end = node.offset + node.length
  const start = text.slice(0, node.offset).trimEnd().length
  // What is before may be a comment, which goes up to the end of its line.
  const needsLineEnd = text.slice(start, node.offset).includes('\n') && !/^[ \t]*,?[ \t]*\r?(?:\n|$)/.test(text.slice(end))
  return cut(text, needsLineEnd ? node.offset : start, end, true)
}

/** Cuts a range, and the one comma that is then too many. */
function cut(text: string, start: number, end: number, commaAdded: boolean): string {
  const { before, after } = tokensAround(text, start, end)
  if (after?.first === ',' && ',{['.includes(before?.first ?? '')) {
    return text.slice(0, start) + text.slice(end, after.offset) + text.slice(after.offset + 1)
  }
  if (commaAdded && before?.first === ',' && '}]'.includes(after?.first ?? ' ')) {
    return text.slice(0, before.offset) + text.slice(before.offset + 1, start) + text.slice(end)
  }
  return text.slice(0, start) + text.slice(end)
}

interface Token {
  /** Its first character. */
  readonly first: string
  readonly offset: number
}

/** The last token before a range, and the first behind it; comments are none. */
function tokensAround(text: string, start: number, end: number): { readonly before: Token | undefined; readonly after: Token | undefined } {
  const scanner = createScanner(text.replace(/^\uFEFF/, ' '), true)
  let before: Token | undefined
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    const offset = scanner.getTokenOffset()
    const token = { first: text.charAt(offset), offset }
    if (offset >= end) return { before, after: token }
    if (offset < start) before = token
  }
  return { before, after: undefined }
}

function hasComma(text: string, start: number, end: number): boolean {
  const { after } = tokensAround(text, start, start)
  return after?.first === ',' && after.offset < end
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

function isFirstOnLine(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === ''
}

function indentationAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? ''
}

/** One step of indentation, as the first indented line has it. */
function indentationUnit(text: string): string {
  return /^\uFEFF?\{[^\n]*\n([ \t]+)["/]/.exec(text)?.[1] ?? '  '
}
