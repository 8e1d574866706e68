import { leadingCount } from './leading-count.ts'
import { textTable } from './text-table.ts'
import type { BadLine } from './transcript.ts'

/** The lines of a part that are no entries, in file order, packed: a file of ten million of them is still indexed. */
export interface BadLines {
  readonly size: number
  /** How many entries stand before the `number`th bad line. */
  entriesBefore(number: number): number
  at(number: number): BadLine | undefined
  /** The number of the one on a line of the file. */
  onLine(line: number): number | undefined
}

/** Bad lines that are added in file order, each with the number of entries before it. */
export interface GrowingBadLines extends BadLines {
  add(line: BadLine, entriesBefore: number): void
}

interface Page {
  readonly starts: Float64Array
  readonly ends: Float64Array
  readonly lines: Float64Array
  readonly entriesBefore: Uint32Array
  readonly messages: Uint32Array
}

const pageBits = 10
const pageSize = 1 << pageBits

/** An empty list. */
export function growingBadLines(): GrowingBadLines {
  const pages: Page[] = []
  const messages = textTable()
  let part = 'main'
  let size = 0
  const lineAt = (number: number) => pages[number >>> pageBits]?.lines[number & (pageSize - 1)] ?? 0
  return {
    get size() {
      return size
    },
    add(line, entriesBefore) {
      const page = pages[size >>> pageBits] ?? emptyPage()
      pages[size >>> pageBits] = page
      const at = size & (pageSize - 1)
      part = line.part
      page.starts[at] = line.start
      page.ends[at] = line.end
      page.lines[at] = line.line
      page.entriesBefore[at] = entriesBefore
      page.messages[at] = messages.intern(line.message)
      size++
    },
    entriesBefore: (number) => pages[number >>> pageBits]?.entriesBefore[number & (pageSize - 1)] ?? 0,
    at(number) {
      const page = number < size ? pages[number >>> pageBits] : undefined
      if (page === undefined) return undefined
      const at = number & (pageSize - 1)
      return {
        part,
        kind: 'bad',
        line: page.lines[at] ?? 0,
        start: page.starts[at] ?? 0,
        end: page.ends[at] ?? 0,
        message: messages.at(page.messages[at] ?? 0),
      }
    },
    onLine(line) {
      const at = leadingCount(size, (place) => lineAt(place) < line)
      return at < size && lineAt(at) === line ? at : undefined
    },
  }
}

function emptyPage(): Page {
  return {
    starts: new Float64Array(pageSize),
    ends: new Float64Array(pageSize),
    lines: new Float64Array(pageSize),
    entriesBefore: new Uint32Array(pageSize),
    messages: new Uint32Array(pageSize),
  }
}
