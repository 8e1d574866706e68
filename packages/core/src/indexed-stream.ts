import { sha256 } from './digest.ts'
import { leadingCount } from './leading-count.ts'
import { growingIndex } from './packed-index.ts'
import { hasLines } from './part-bytes.ts'
import type { IndexedSessionFacts, SearchableEntry, SearchIndex, StreamProgress } from './search-index.ts'
import { fingerprintOf, searchableText } from './search-text.ts'
import { readSegment } from './session-objects.ts'
import { type DamagedRange, type StoredSession, storedSource, storedTranscript } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import { chunksOf, type LocatedChunk, streamsOf } from './stream.ts'
import { eachLine } from './structure-sink.ts'
import type { Entry, EntryIndex, LinePlace, PartName, Transcript, TranscriptReader, TranscriptSource } from './transcript.ts'

/** A batch is written when its texts have so many characters: SQLite holds the event loop meanwhile. */
const batchCharacters = 1_000_000
const batchEntries = 4_000
/** Lines of a part that is plain text go together up to here. */
const plainBytes = 32 * 1024
const lineFeed = 10

/** What is to be indexed: a stream of a part, up to a byte. */
export interface StreamTarget {
  readonly part: PartName
  readonly stream: number
  readonly bytes: number
}

/** What it works with. */
export interface IndexingSession {
  readonly stored: StoredSession
  readonly facts: IndexedSessionFacts
  readonly reader: TranscriptReader
  readonly index: SearchIndex
}

/** What is told after each batch but the last. */
export interface StreamOptions extends AbortOptions {
  /** The stream is indexed up to this byte. `false` stops it there. */
  readonly written: (bytes: number) => boolean
}

/** What came of it. Of the main part the structure is given, from its first byte on. `overtaken`: another process went on with the stream meanwhile. */
export type IndexedStream = { readonly outcome: 'indexed'; readonly entries: EntryIndex } | { readonly outcome: 'paused' | 'overtaken' }

/**
 * Indexes what a stream has between `known` and the target, in batches each of which is there whole or not at all. Where it was stopped between two,
 * the next call goes on from the last.
 */
export async function indexStream(
  session: IndexingSession,
  target: StreamTarget,
  known: StreamProgress | undefined,
  { written, ...options }: StreamOptions,
): Promise<IndexedStream> {
  const { stored, reader } = session
  const { part, stream, bytes } = target
  const damaged: DamagedRange[] = []
  const snapshot = [{ name: part, stream, bytes }]
  const source = await storedSource(stored, { name: part, stream, bytes }, { ...options, damaged })
  const transcript = storedTranscript(stored, snapshot, { ...options, damaged })
  const from = { base: streamsOf(stored.ledger, part)[stream]?.base?.bytes ?? 0, resume: known?.resume ?? { start: 0, line: 0 } }
  const entries = growingIndex()
  const read = isPlain(part)
    ? plainEntries(reader, transcript, source, part, from, options)
    : part === 'main'
      ? mainEntries(reader, transcript, source, entries, from, options)
      : reader.entries(transcript, { ...options, part, from: from.resume })
  const digestOf = await prefixDigests(stored, target, options)
  const writer = batchWriter(session, target, known, (upTo) => digestOf(upTo, damaged))
  for await (const entry of read) {
    options.signal?.throwIfAborted()
    if (entry.kind === 'bad') writer.passed(entry)
    else if (entry.end > from.base && entry.start >= from.resume.start && !isDamaged(entry, damaged)) {
      const added = await writer.add(entry)
      if (added === 'overtaken') return { outcome: added }
      if (added !== 'kept' && !written(added.upTo)) return { outcome: 'paused' }
    }
  }
  const endsLine = bytes === 0 || (await source.read(bytes - 1, bytes, options))[0] === lineFeed
  return (await writer.finish(endsLine)) ? { outcome: 'indexed', entries } : { outcome: 'overtaken' }
}

/** Tells what a stream has before a byte from what it may have there after it was cut and grew again. */
export async function prefixDigests(
  { environment, name, ledger }: StoredSession,
  { part, stream }: Pick<StreamTarget, 'part' | 'stream'>,
  options: AbortOptions,
): Promise<(bytes: number, damaged?: readonly DamagedRange[]) => string> {
  const chunks = await chunksOf(ledger, part, stream, (object) => readSegment(environment, name, object, options))
  return (bytes, damaged = []) => {
    const before: readonly LocatedChunk[] = chunks.filter((chunk) => chunk.start < bytes)
    const holes = damaged.filter((range) => range.start < bytes).map((range) => range.start)
    const text = JSON.stringify([before.map((chunk) => [chunk.start, chunk.digest]), holes])
    return sha256(Buffer.from(text)).slice(0, 22)
  }
}

interface From {
  /** Where the stream begins that is not another one's. */
  readonly base: number
  readonly resume: { readonly start: number; readonly line: number }
}

/** All entries of the main part into `entries`; those from where it goes on with what they say. */
async function* mainEntries(
  reader: TranscriptReader,
  transcript: Transcript,
  source: TranscriptSource,
  entries: ReturnType<typeof growingIndex>,
  from: From,
  options: AbortOptions,
): AsyncGenerator<Entry | (LinePlace & { readonly kind: 'bad' }), void, undefined> {
  const first = Math.max(from.base, from.resume.start)
  if (first === 0) {
    for await (const line of reader.entries(transcript, options)) {
      if (line.kind !== 'bad') entries.add(line)
      yield line
    }
    return
  }
  const bad: (LinePlace & { readonly kind: 'bad' })[] = []
  await eachLine(
    reader,
    transcript,
    {
      line: (line) => {
        if (line.kind !== 'bad') entries.add(line)
        else if (line.end > first) bad.push(line)
      },
      message: (message) => entries.addMessage(message),
      has: (id) => entries.positionOf(id) !== undefined,
    },
    options,
  )
  yield* bad
  for (let position = firstBehind(entries, first); position < entries.size; position += 1) {
    const indexed = entries.entry(position)
    if (indexed !== undefined) yield reader.entry(await source.read(indexed.start, indexed.end, options), indexed)
  }
}

/** Lines of plain text, some KiB of them as one entry, read as one that is read back is. */
async function* plainEntries(
  reader: TranscriptReader,
  transcript: Transcript,
  source: TranscriptSource,
  part: PartName,
  from: From,
  options: AbortOptions,
): AsyncGenerator<Entry | (LinePlace & { readonly kind: 'bad' }), void, undefined> {
  let group: Entry | undefined
  const read = async ({ text: _text, ...indexed }: Entry) => reader.entry(await source.read(indexed.start, indexed.end, options), indexed)
  for await (const line of reader.entries(transcript, { ...options, part, from: from.resume })) {
    if (group !== undefined && (line.kind === 'bad' || line.end - group.start > plainBytes)) {
      yield await read(group)
      group = undefined
    }
    if (line.kind === 'bad') yield line
    else group = group === undefined ? line : { ...group, end: line.end }
  }
  if (group !== undefined) yield await read(group)
}

interface BatchWriter {
  /** A line that is none: it is behind what was read. */
  passed(place: LinePlace): void
  /** Keeps an entry for the next batch; where that was full it is written first, up to where the entry begins. */
  add(entry: Entry): Promise<'kept' | 'overtaken' | { readonly upTo: number }>
  /** Writes what is left. `false` where another process went on with the stream. */
  finish(endsLine: boolean): Promise<boolean>
}

function batchWriter(
  { index, facts, reader }: IndexingSession,
  { part, stream, bytes }: StreamTarget,
  known: StreamProgress | undefined,
  digestOf: (bytes: number) => string,
): BatchWriter {
  let from = known
  let batch: SearchableEntry[] = []
  let characters = 0
  let last: LinePlace | undefined
  const write = async (upTo: number, resume: StreamProgress['resume']): Promise<boolean> => {
    const to = { part, stream, bytes: upTo, resume, digest: digestOf(upTo) }
    const isAdded = await index.add({ session: facts, entries: batch, from, to })
    from = to
    batch = []
    characters = 0
    return isAdded
  }
  return {
    passed(place) {
      if (place.start >= (last?.start ?? 0)) last = place
    },
    async add(entry) {
      const isFull = characters >= batchCharacters || batch.length >= batchEntries
      // What is behind the batch begins with this entry.
      if (isFull && !(await write(entry.start, { start: entry.start, line: entry.line }))) return 'overtaken'
      batch.push(searchable(entry, part, stream, reader.textNeedsNote === true))
      characters += entry.text.length
      if (entry.start >= (last?.start ?? 0)) last = entry
      return isFull ? { upTo: entry.start } : 'kept'
    },
    async finish(endsLine) {
      const resume =
        last === undefined
          ? (known?.resume ?? { start: 0, line: 0 })
          : endsLine
            ? { start: last.end, line: last.line + 1 }
            : { start: last.start, line: last.line }
      return write(bytes, resume)
    },
  }
}

function searchable(entry: Entry, part: PartName, stream: number, withNote: boolean): SearchableEntry {
  const { id: entryId, kind, role, tool, createdAt, line, start, end, note } = entry
  const text = searchableText(entry)
  return {
    part,
    stream,
    line,
    start,
    end,
    entryId,
    kind,
    ...(role === undefined ? {} : { role }),
    ...(tool === undefined ? {} : { tool }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(withNote && note !== undefined ? { note } : {}),
    text,
    fingerprint: fingerprintOf(text),
  }
}

function firstBehind(entries: EntryIndex, start: number): number {
  return leadingCount(entries.size, (position) => (entries.endOf(position) ?? 0) <= start)
}

function isDamaged({ start, end }: LinePlace, damaged: readonly DamagedRange[]): boolean {
  return damaged.some((range) => start < range.end && end > range.start)
}

function isPlain(part: PartName): boolean {
  return !hasLines(part)
}
