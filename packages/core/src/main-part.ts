import { CheckpointError } from './errors.ts'
import { hexDigits } from './packed-text.ts'
import { limitedSource } from './part-bytes.ts'
import type { AbortOptions } from './storage.ts'
import { eachLine, type StructureSink } from './structure-sink.ts'
import { textTable } from './text-table.ts'
import type { Compaction, LineStart, PartName, Transcript, TranscriptReader, TranscriptSource } from './transcript.ts'

/** What the lines of a main part say. */
export interface InspectedLines {
  /** The leaf after the last of them; `undefined` where none of them moves it. */
  readonly leafId: string | undefined
  /** Where each line begins that is no entry, in order, and what is wrong with it. */
  readonly badLines: readonly { readonly start: number; readonly line: number; readonly message: string }[]
  /** How many are entries of a kind that the reader doesn't know. */
  readonly unknownEntries: number
  /** The first of them that may mark a compaction; `undefined` where none can. */
  readonly firstBoundary: LineStart | undefined
}

/** Parses the lines from `from` on. */
export async function inspectLines(
  reader: TranscriptReader,
  transcript: Transcript,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): Promise<InspectedLines> {
  let leafId: string | undefined
  let firstBoundary: LineStart | undefined
  let unknownEntries = 0
  const badLines: { start: number; line: number; message: string }[] = []
  const ids = textTable()
  let leafWord: number | undefined
  const sink: StructureSink = {
    line(entry) {
      if (entry.kind === 'bad') {
        badLines.push({ start: entry.start, line: entry.line, message: entry.message })
        return
      }
      if (reader.structureInto !== undefined) ids.intern(entry.id)
      if (entry.leafId !== undefined) {
        leafId = entry.leafId
        leafWord = undefined
      }
      if (entry.kind === 'unknown') unknownEntries += 1
      if (entry.kind === 'boundary' || entry.kind === 'summary') firstBoundary ??= { line: entry.line, start: entry.start }
    },
    message({ id }) {
      if (!ids.addWord(id)) return false
      leafWord = id
      return true
    },
    has: (id) => ids.find(id) !== undefined,
  }
  await eachLine(reader, transcript, sink, options)
  ids.free()
  return { leafId: leafWord === undefined ? leafId : hexDigits(leafWord), badLines, firstBoundary, unknownEntries }
}

/** Every compaction that the inspected lines record, in file order. */
export async function compactionsOf(
  reader: TranscriptReader,
  transcript: Transcript,
  inspected: InspectedLines,
  options: AbortOptions,
): Promise<readonly Compaction[]> {
  const found: Compaction[] = []
  if (inspected.firstBoundary === undefined) return found
  for await (const compaction of reader.compactions(transcript, { ...options, from: inspected.firstBoundary })) found.push(compaction)
  return found
}

/** The parts of a transcript by name. Throws `TRANSCRIPT_MALFORMED` without a main part, and for a name that no part can have. */
export async function partsOf(transcript: Transcript): Promise<{
  readonly main: TranscriptSource
  readonly sidecars: readonly { readonly name: PartName; readonly source: TranscriptSource }[]
}> {
  let main: TranscriptSource | undefined
  const sidecars: { name: PartName; source: TranscriptSource }[] = []
  for await (const part of transcript.parts()) {
    if (part.name === 'main') main = part.source
    else if (isPartName(part.name)) sidecars.push({ name: part.name, source: part.source })
    else {
      throw new CheckpointError(
        'TRANSCRIPT_MALFORMED',
        `${JSON.stringify(part.name)} can't be the name of a part: names of A-Z a-z 0-9 . _ - joined by /. Leave it out, or name it otherwise.`,
        pathDetails(transcript),
      )
    }
  }
  if (main === undefined) throw new CheckpointError('TRANSCRIPT_MALFORMED', 'This transcript has no main part.', pathDetails(transcript))
  return { main, sidecars }
}

function isPartName(name: PartName): boolean {
  // JSON can't hold a field of that one name.
  return (
    name !== '__proto__' && name.split('/').every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && segment !== '.' && segment !== '..')
  )
}

/** A transcript whose main part ends at `endBytes`, for a reader that should see no further. */
export function upTo(transcript: Transcript, endBytes: number): Transcript {
  return {
    ...(transcript.path === undefined ? {} : { path: transcript.path }),
    ...(transcript.companion === undefined
      ? {}
      : { companion: (name: string) => transcript.companion?.(name) ?? Promise.resolve(undefined) }),
    async *parts() {
      for await (const part of transcript.parts()) {
        yield part.name === 'main' ? { name: part.name, source: limitedSource(part.source, endBytes) } : part
      }
    },
  }
}

/** Where a transcript lies, for the details of an error. */
export function pathDetails(transcript: { readonly path?: string | undefined }): { path?: string } {
  return transcript.path === undefined ? {} : { path: transcript.path }
}
