import type { AbortOptions } from './storage.ts'
import type { BadLine, EntryRole, IndexedEntry, PartName, Transcript, TranscriptReader } from './transcript.ts'

/** An entry of kind `message` that moves the leaf to itself, and of which nothing else is to be said. */
export interface PlainMessage {
  readonly part: PartName
  readonly line: number
  readonly start: number
  readonly end: number
  /** The id: eight hex digits in lower case, as 32 bits with a sign. */
  readonly id: number
  readonly hasParent: boolean
  /** The parent's id in the same form; of no meaning without a parent. */
  readonly parent: number
  readonly role: EntryRole
}

/** Takes the structure of a part line by line, in file order. */
export interface StructureSink {
  line(line: IndexedEntry | BadLine): void
  /**
   * Takes the next line where it is a plain message. `false` where an entry before has its id: nothing is taken then. The object is the
   * reader's, which fills it anew for the next line: a million of them would be garbage.
   */
  message(message: PlainMessage): boolean
  /** Whether an entry that was taken has this id. */
  has(id: string): boolean
}

/** Hands over the structure of a part: the one place where core walks lines. Readers that can, spare an object for each. */
export async function eachLine(
  reader: TranscriptReader,
  transcript: Transcript,
  sink: StructureSink,
  options: Parameters<TranscriptReader['structure']>[1] & AbortOptions,
): Promise<void> {
  if (reader.structureInto !== undefined) return await reader.structureInto(transcript, sink, options)
  for await (const batch of reader.structure(transcript, options)) for (const line of batch) sink.line(line)
}
