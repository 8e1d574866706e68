import type { ReadEntry } from '@palimpsest/core'
import { cutBefore, oneLine, plainText } from './plain-text.ts'

/** A piece of an entry's text. Characters are counted in the text as it is shown, from 0. */
export interface Slice {
  /** The place of the entry in the view, from 0. */
  readonly position: number
  readonly entry: ReadEntry
  readonly text: string
  readonly start: number
  readonly end: number
  readonly totalCharacters: number
}

/** What is shown of a page, and from where the next one goes on. */
export interface Excerpt {
  /** One after the other, without a hole. */
  readonly slices: readonly Slice[]
  /** Where reading goes on: the next entry, or the rest of a single one. */
  readonly next?: { readonly from: number; readonly textFrom: number } | undefined
}

export interface ExcerptRequest {
  /** Entries of one page, the first at place `from` of a view of `total`. */
  readonly entries: readonly ReadEntry[]
  readonly from: number
  readonly total: number
  /** Characters for all entries together, as they count in JSON. */
  readonly budget: number
  /** The first character of the first entry. */
  readonly textFrom: number
  /** The entry, by its place in the page, that must be there; its neighbours come as far as they fit. */
  readonly anchor: number
  /** One entry is read whole, page by page, instead of the beginnings of several. */
  readonly single: boolean
}

/** Roughly what a heading costs. */
const headingCharacters = 80
/** An entry of which less than this would fit waits for the next page. */
const leastCharacters = 300

/** As many entries of a page as the budget allows, long ones cut, so that one of them never hides all others. */
export function excerptOf(request: ExcerptRequest): Excerpt {
  const { entries, from, total, budget, anchor, single } = request
  const texts = entries.map((entry) => plainText(entry.text))
  const slices = new Map<number, Slice>()
  let left = budget
  const take = (index: number): boolean => {
    const [entry, text] = [entries[index], texts[index]]
    if (entry === undefined || text === undefined) return false
    const first = slices.size === 0
    const share = single ? budget : Math.max(leastCharacters, Math.floor(budget / (first && anchor > 0 ? 2 : 4)))
    const available = Math.min(share, left - headingCharacters)
    if (!first && available <= 0) return false
    const start = index === 0 ? Math.min(request.textFrom, text.length) : 0
    const end = endWithin(text, start, available)
    if (!first && end < text.length && available < Math.min(share, leastCharacters)) return false
    slices.set(index, { position: from + index, entry, text: text.slice(start, end), start, end, totalCharacters: text.length })
    left -= headingCharacters + jsonLength(text.slice(start, end))
    return true
  }
  takeAround(anchor, entries.length, take)
  const shown = [...slices.values()].sort((a, b) => a.position - b.position)
  const last = shown.at(-1)
  if (last === undefined) return { slices: [] }
  if (single && last.end < last.totalCharacters) return { slices: shown, next: { from: last.position, textFrom: last.end } }
  const nextFrom = last.position + 1
  return nextFrom < total ? { slices: shown, next: { from: nextFrom, textFrom: 0 } } : { slices: shown }
}

/** Takes the anchor, then its neighbours in turn, in each direction until one doesn't fit. */
function takeAround(anchor: number, count: number, take: (index: number) => boolean): void {
  let forwards = take(anchor)
  let backwards = forwards
  for (let distance = 1; forwards || backwards; distance++) {
    forwards = forwards && anchor + distance < count && take(anchor + distance)
    backwards = backwards && anchor - distance >= 0 && take(anchor - distance)
  }
}

/** The heading of a slice. Begins with the fence's mark, since everything else of the kind may be quoted. */
export function headingOf(slice: Slice, mark: string): string {
  const { entry, position, start, end, totalCharacters } = slice
  const what = [
    `${mark} #${position}`,
    `id=${oneLine(entry.id, 128)}`,
    entry.role ?? entry.kind,
    entry.tool === undefined ? undefined : `tool=${oneLine(entry.tool, 80)}`,
    entry.createdAt === undefined ? undefined : isoTime(entry.createdAt),
    entry.dropped === true ? 'dropped' : undefined,
    end - start < totalCharacters ? `characters ${start} to ${end} of ${totalCharacters}` : undefined,
  ]
  return what.filter((part) => part !== undefined).join(' ')
}

/** A time as ISO 8601 in seconds; `unknown time` for a number that is none. */
export function isoTime(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? 'unknown time' : `${date.toISOString().slice(0, 19)}Z`
}

/** The end of the longest piece of `text` from `start` that takes at most `budget` characters in JSON. At least one character is taken. */
export function endWithin(text: string, start: number, budget: number): number {
  let end = start
  for (let spent = 0; end < text.length; end++) {
    spent += costInJson(text.charCodeAt(end))
    if (spent > budget && end > start) break
  }
  const cut = cutBefore(text, end)
  return cut > start ? cut : end
}

function jsonLength(text: string): number {
  let length = 0
  for (let index = 0; index < text.length; index++) length += costInJson(text.charCodeAt(index))
  return length
}

/** Quotation mark, backslash, line feed and tab are escaped; other control characters are gone by now. */
function costInJson(code: number): number {
  return code === 0x22 || code === 0x5c || code === 0x0a || code === 0x09 ? 2 : 1
}
