import { indexTranscript } from './entry-index.ts'
import { CheckpointError } from './errors.ts'
import type { AbortOptions } from './storage.ts'
import { eachLine } from './structure-sink.ts'
import type { EntryIndex, Transcript, TranscriptReader } from './transcript.ts'

/** From how far back a branch goes on, so that its context has room. At most one of the two. */
export interface RoomWanted {
  /** Before the last turn of the context began. */
  readonly beforeTurn?: boolean | undefined
  /** Before a turn, the last one that leaves so much of the context free: whole percent from 1 to 99. */
  readonly leavePercent?: number | undefined
}

/** Where a branch stands that begins earlier than its checkpoint, and how much of the context it has. */
export interface EarlierLeaf {
  readonly leafId: string
  /** Bytes of the lines in the checkpoint's context, and of those that are still in the branch's. */
  readonly contextBytes: number
  readonly keptBytes: number
}

/** A candidate costs a walk through the index. Readers refuse at most those in what an earlier compaction kept. */
const maxTries = 256

/**
 * The last entry before a turn of the context at `leafId` at which the wanted room is left. The context there is a beginning of the one at the leaf, never
 * empty. Transcripts say the tokens of a whole context alone, so that room is measured by the bytes of its lines. Throws `ARGUMENT_INVALID` for a
 * percentage that is none, for both wishes at once, and where no turn of the context leaves so much.
 */
export async function earlierLeaf(
  reader: TranscriptReader,
  transcript: Transcript,
  leafId: string,
  options: AbortOptions & RoomWanted & { readonly wellFormed?: boolean | undefined },
): Promise<EarlierLeaf> {
  const leavePercent = checkedPercent(options)
  const wanted = { signal: options.signal, wellFormed: options.wellFormed }
  const { index } = await indexTranscript((sink) => eachLine(reader, transcript, sink, wanted))
  const { positions } = reader.context(index, leafId, 'context')
  const before = bytesBefore(index, positions)
  const contextBytes = before.at(-1) ?? 0
  const mostBytes = leavePercent === undefined ? contextBytes : (contextBytes * (100 - leavePercent)) / 100
  let tries = 0
  for (let place = positions.length - 1; place > 0 && tries < maxTries; place--) {
    const keptBytes = before[place] ?? 0
    if (keptBytes > mostBytes) continue
    const earlier = leafBeforeTurn(reader, index, positions[place] ?? -1)
    if (earlier === undefined) continue
    tries++
    const { positions: kept } = reader.context(index, earlier, 'context')
    if (kept.length > 0 && kept.length <= place && kept.every((position, at) => position === positions[at])) {
      return { leafId: earlier, contextBytes, keptBytes: before[kept.length] ?? 0 }
    }
  }
  throw noRoom(leavePercent)
}

/** Whether anything was asked for. */
export function wantsRoom({ beforeTurn, leavePercent }: RoomWanted): boolean {
  return beforeTurn === true || leavePercent !== undefined
}

function checkedPercent({ beforeTurn, leavePercent }: RoomWanted): number | undefined {
  if (leavePercent === undefined) return undefined
  if (beforeTurn === true) {
    throw new CheckpointError('ARGUMENT_INVALID', 'beforeTurn and leavePercent are two different points: choose one.', {
      argument: 'leavePercent',
    })
  }
  if (Number.isInteger(leavePercent) && leavePercent >= 1 && leavePercent <= 99) return leavePercent
  throw new CheckpointError('ARGUMENT_INVALID', `leavePercent must be a whole number from 1 to 99, not ${String(leavePercent)}.`, {
    argument: 'leavePercent',
    expected: 'a whole number from 1 to 99',
  })
}

/** How many bytes stand before each place of a context; last of all how many it has. */
function bytesBefore(index: EntryIndex, positions: Int32Array): readonly number[] {
  const before = [0]
  let bytes = 0
  for (const position of positions) {
    bytes += (index.endOf(position) ?? 0) - (index.startOf(position) ?? 0)
    before.push(bytes)
  }
  return before
}

/** The entry that the turn which an entry begins hangs off; `undefined` for one that begins none, and where nothing comes before. */
function leafBeforeTurn(reader: TranscriptReader, index: EntryIndex, position: number): string | undefined {
  const isUsers = index.roleOf(position) === 'user' && index.kindOf(position) === 'message'
  const start = reader.turnStart === undefined ? (isUsers ? position : undefined) : reader.turnStart(index, position)
  const parent = start === undefined ? undefined : index.parentOf(start)
  return parent === undefined || index.kindOf(parent) === 'header' ? undefined : index.idOf(parent)
}

function noRoom(leavePercent: number | undefined): CheckpointError<'ARGUMENT_INVALID'> {
  if (leavePercent === undefined) {
    return new CheckpointError(
      'ARGUMENT_INVALID',
      'Before the last turn of this context there is nothing to go on from. Branch without it, or choose an earlier checkpoint.',
      { argument: 'beforeTurn' },
    )
  }
  return new CheckpointError(
    'ARGUMENT_INVALID',
    `No turn of this context leaves ${leavePercent} % of it free. Ask for less, or choose an earlier checkpoint.`,
    { argument: 'leavePercent', expected: 'less' },
  )
}
