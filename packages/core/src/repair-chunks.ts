import { compress } from './compression.ts'
import { wholeFrame } from './compressor.ts'
import type { DamagedChunks, PlacedChunk } from './findings.ts'
import { foundChunks } from './found-chunks.ts'
import type { Chunk, Ledger, Stream } from './ledger.ts'
import { changeLedger } from './ledger-store.ts'
import type { SizedObjects } from './named-objects.ts'
import { writeSegment } from './segment-writer.ts'
import { readSegment, writeObject } from './session-objects.ts'
import type { StoredSession } from './snapshot.ts'
import type { AbortOptions } from './storage.ts'
import { type PackedChunk, packChunks } from './stored-object.ts'
import { streamsOf, withStream } from './stream.ts'
import { fenced } from './sweep.ts'
import type { TranscriptBytes } from './transcript-bytes.ts'
import { readPlacedChunk } from './verify-object.ts'

/**
 * Stores what can be had of a damaged object in a new one, and names that instead: its intact chunks, and damaged ones whose bytes lie in another
 * object or still stand in the agent's transcript. The digest decides. What can't be had stays named where it was.
 */
export async function repairChunks(
  session: StoredSession,
  finding: DamagedChunks,
  transcripts: TranscriptBytes,
  objects: SizedObjects,
  options: AbortOptions,
): Promise<void> {
  const { environment, name } = session
  const packed: PackedChunk[] = []
  const moved: PlacedChunk[] = []
  const pack = async (placed: PlacedChunk, raw: Uint8Array): Promise<void> => {
    const { part, stream, firstByte, chunk } = placed
    const [, , , rawBytes, lines, digest] = chunk
    packed.push({ part, stream, firstByte, rawBytes, lines, digest, frame: wholeFrame(await compress(raw)) })
    moved.push(placed)
  }
  const copies = finding.damaged.length === 0 ? [] : await foundChunks(environment, name, objects, options)
  for (const placed of finding.damaged) {
    const raw = (await copyOf(session, placed, copies, options)) ?? (await transcripts.bytesOf(placed))
    if (raw !== undefined) await pack(placed, raw)
  }
  // Nothing can be had back, and what is intact is well where it is.
  if (finding.damaged.length > 0 && packed.length === 0) return
  for (const placed of finding.intact) {
    const raw = await readPlacedChunk(session, placed, options).catch(() => undefined)
    if (raw !== undefined) await pack(placed, raw)
  }
  const { bytes, offsets } = packChunks(name, packed)
  const isWhole = moved.length === finding.damaged.length + finding.intact.length
  await changeLedger(environment, name, options, async (ledger) => {
    if (ledger === undefined) return { result: undefined }
    const object = await writeObject(environment, name, ledger.epoch, bytes, options)
    const rows = new Map<string, Chunk>()
    packed.forEach(({ frame, rawBytes, lines, digest }, index) => {
      const [from, at] = moved[index]?.chunk ?? []
      rows.set(`${from}@${at}`, [object, offsets[index] ?? 0, frame.sizeBytes, rawBytes, lines, digest])
    })
    const changed = await withChunks({ ...session, ledger }, rows, new Set(moved.map(({ part }) => part)), options)
    const unnamed = isWhole ? [finding.object, ...changed.segments] : changed.segments
    return changed.isChanged ? { ledger: fenced(changed.ledger), result: undefined, unnamed } : { result: undefined }
  })
}

/** The bytes of a chunk from another object of the session that holds the same. */
async function copyOf(
  session: StoredSession,
  placed: PlacedChunk,
  copies: readonly PlacedChunk[],
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  const [object, offset, , rawBytes, , digest] = placed.chunk
  for (const copy of copies) {
    const [otherObject, otherOffset, , otherBytes, , otherDigest] = copy.chunk
    if (otherDigest !== digest || otherBytes !== rawBytes || (otherObject === object && otherOffset === offset)) continue
    const raw = await readPlacedChunk(session, copy, options).catch(() => undefined)
    if (raw !== undefined) return raw
  }
  return undefined
}

/** The ledger with some chunks in other places, in segments too; `segments` are those that it names no more. */
async function withChunks(
  session: StoredSession,
  rows: ReadonlyMap<string, Chunk>,
  parts: ReadonlySet<string>,
  options: AbortOptions,
): Promise<{ readonly ledger: Ledger; readonly isChanged: boolean; readonly segments: readonly string[] }> {
  const { environment, name } = session
  const inPlace = (chunk: Chunk): Chunk => rows.get(`${chunk[0]}@${chunk[1]}`) ?? chunk
  const left: string[] = []
  let { ledger } = session
  let isChanged = false
  for (const part of parts) {
    for (const [index, stream] of streamsOf(ledger, part).entries()) {
      const open = stream.open.map(inPlace)
      const segments: Stream['segments'] = []
      for (const segment of stream.segments) {
        const chunks = await readSegment(environment, name, segment.object, options)
        const changed = chunks.map(inPlace)
        const isSame = changed.every((chunk, at) => chunk === chunks[at])
        segments.push(isSame ? segment : await writeSegment(environment, name, ledger, changed, options))
        if (!isSame) left.push(segment.object)
      }
      if (segments.every((segment, at) => segment === stream.segments[at]) && open.every((chunk, at) => chunk === stream.open[at])) continue
      ledger = withStream(ledger, part, index, { ...stream, segments, open })
      isChanged = true
    }
  }
  return { ledger, isChanged, segments: left }
}
