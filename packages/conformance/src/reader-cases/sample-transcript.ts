import {
  type BadLine,
  type Compaction,
  type ContextView,
  type Entry,
  entryIndexOf,
  type IndexedEntry,
  type Problem,
  type Transcript,
  type TranscriptReader,
} from '@palimpsest/core'
import type { ReaderSample } from '../reader-case.ts'

/** A sample as a transcript in memory, with another main part where one is given. */
export function sampleTranscript(sample: ReaderSample, main: Uint8Array = sample.main()): Transcript {
  const parts = [{ name: 'main', bytes: main }, ...Object.entries(sample.sidecars ?? {}).map(([name, make]) => ({ name, bytes: make() }))]
  return {
    path: sample.path,
    async *parts() {
      for (const { name, bytes } of parts) {
        yield { name, source: { sizeBytes: bytes.byteLength, read: async (start, end) => bytes.slice(start, end) } }
      }
    },
  }
}

/** Every entry and bad line of the main part. */
export async function linesOf(
  reader: TranscriptReader,
  transcript: Transcript,
  from?: { line: number; start: number },
): Promise<readonly (Entry | BadLine)[]> {
  const lines: (Entry | BadLine)[] = []
  for await (const line of reader.entries(transcript, from === undefined ? {} : { from })) lines.push(line)
  return lines
}

/** Every compaction of the main part. */
export async function compactionsOf(reader: TranscriptReader, transcript: Transcript): Promise<readonly Compaction[]> {
  const found: Compaction[] = []
  for await (const compaction of reader.compactions(transcript)) found.push(compaction)
  return found
}

/** The entries among lines. */
export function entriesOf(lines: readonly (Entry | BadLine)[]): readonly Entry[] {
  return lines.filter((line) => line.kind !== 'bad')
}

/** The ids of the entries of a view, and what could not be followed. */
export function contextOf(
  reader: TranscriptReader,
  entries: readonly IndexedEntry[],
  leafId: string,
  view: ContextView,
): { readonly entryIds: readonly string[]; readonly problems: readonly Problem[] } {
  const { positions, problems } = reader.context(entryIndexOf(entries), leafId, view)
  return { entryIds: Array.from(positions, (position) => entries[position]?.id ?? ''), problems }
}

/** The leaf after the last line. */
export function leafOf(lines: readonly (Entry | BadLine)[]): string | undefined {
  return entriesOf(lines).findLast((entry) => entry.leafId !== undefined)?.leafId
}

/** A sample's main part with a line put in after its `after`th line. */
export function withLine(main: Uint8Array, after: number, line: Uint8Array): Uint8Array {
  let at = 0
  for (let left = after; left > 0; left -= 1) at = main.indexOf(10, at) + 1
  return Buffer.concat([main.subarray(0, at), line, Buffer.from('\n'), main.subarray(at)])
}
