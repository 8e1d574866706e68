import type { AbortOptions, BadLine, Entry, IndexedEntry, LineStart, PartName, Transcript, TranscriptSource } from '@palimpsest/core'
import { entriesIn, type LinesWanted, structureIn } from '../entry-batches.ts'
import { asTime } from '../json-fields.ts'
import { parseLine, readLineBatches, readLines } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type DecodedEntry, entryDecoder, rolledBackTurns } from './entry-decoder.ts'
import { calledTool, lineText } from './item-text.ts'
import { readNote } from './note.ts'
import { type RolloutLine, rolloutLine } from './rollout-line.ts'

/** The entries and the bad lines of a part, in file order. Nothing for a part that the transcript doesn't have. */
export function codexEntries(transcript: Transcript, options: LinesWanted): AsyncGenerator<Entry | BadLine, void, undefined> {
  return entriesIn(batchesOf(transcript, options), ({ indexed, line }) => withText(indexed, line))
}

/** The same lines without what they say, many at a time. */
export function codexStructure(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (IndexedEntry | BadLine)[], void, undefined> {
  return structureIn(batchesOf(transcript, options))
}

/** What one line says. A line that doesn't parse has no text. */
export function codexEntry(line: Uint8Array, indexed: IndexedEntry): Entry {
  return withText(indexed, rolloutLine(parseLine(line).value ?? {}))
}

/**
 * The lines of a part as entries, many at a time, from `from` on. Ids and tool names before `from` are not known: a repeated id is then found only where both lines
 * lie behind it. Where a rollback behind it reaches back before it, what is before is read too.
 */
export async function* decodedBatches(
  source: TranscriptSource,
  options: AbortOptions & { readonly part: PartName; readonly from?: LineStart | undefined },
): AsyncGenerator<readonly (DecodedEntry | BadLine)[], void, undefined> {
  let decoder = entryDecoder()
  let isWhole = options.from === undefined || options.from.start === 0
  for await (const lines of readLineBatches(source, options)) {
    const batch: (DecodedEntry | BadLine)[] = []
    for (const { place, bytes } of lines) {
      const { value, problem } = parseLine(bytes)
      if (problem !== undefined) {
        batch.push({ ...place, kind: 'bad', message: problem })
        continue
      }
      const turns = isWhole ? 0 : rolledBackTurns(value)
      if (turns > 0 && !decoder.knowsTurns(turns)) {
        decoder = await decoderAt(source, place.start, options)
        isWhole = true
      }
      batch.push(decoder.decode(place, value))
    }
    yield batch
  }
}

/** A decoder that has read a part up to a line. */
async function decoderAt(source: TranscriptSource, end: number, options: AbortOptions & { readonly part: PartName }) {
  const decoder = entryDecoder()
  for await (const { place, bytes } of readLines(source, { part: options.part, signal: options.signal })) {
    if (place.start >= end) break
    const { value } = parseLine(bytes)
    if (value !== undefined) decoder.decode(place, value)
  }
  return decoder
}

async function* batchesOf(
  transcript: Transcript,
  options: LinesWanted,
): AsyncGenerator<readonly (DecodedEntry | BadLine)[], void, undefined> {
  const part = options.part ?? 'main'
  const source = await sourceOf(transcript, part)
  if (source !== undefined) yield* decodedBatches(source, { ...options, part })
}

function withText(indexed: IndexedEntry, line: RolloutLine): Entry {
  const note = readNote(indexed.note)
  const tool = note?.is === 'result' ? note.tool : calledTool(line.payload)
  const createdAt = asTime(line.timestamp)
  return {
    ...indexed,
    text: lineText(line),
    ...(tool === undefined || line.type !== 'response_item' ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
  }
}
