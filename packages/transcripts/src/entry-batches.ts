import type { AbortOptions, BadLine, Entry, IndexedEntry, LineStart, PartName } from '@palimpsest/core'

/** Which lines of a transcript are asked for: of `part`, by default the main one, from `from` on. */
export type LinesWanted = AbortOptions & { readonly part?: PartName | undefined; readonly from?: LineStart | undefined }

/** A line with its place in the session's structure, and what else its reader knows of it. */
interface PlacedLine {
  readonly indexed: IndexedEntry
}

/** Lines of a part as a reader gives them, many at a time: placed, finished entries, or none. */
type LineBatches<Line extends PlacedLine> = AsyncIterable<readonly (Line | Entry | BadLine)[]>

/** The entries and the bad lines, one by one. */
export async function* entriesIn<Line extends PlacedLine>(
  batches: LineBatches<Line>,
  withText: (line: Line) => Entry,
): AsyncGenerator<Entry | BadLine, void, undefined> {
  for await (const batch of batches) {
    for (const line of batch) yield isPlaced(line) ? withText(line) : line
  }
}

/** The same lines without what they say, many at a time. */
export async function* structureIn<Line extends PlacedLine>(
  batches: LineBatches<Line>,
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  for await (const batch of batches) yield batch.map((line) => (isPlaced(line) ? line.indexed : line))
}

function isPlaced<Line extends PlacedLine>(line: Line | Entry | BadLine): line is Line {
  return 'indexed' in line
}
