import type { PartPosition } from './checkpoint.ts'
import { type ChunkWriter, createChunkWriter } from './chunk-writer.ts'
import type { Environment } from './environment.ts'
import type { Chunk, Ledger, Stream } from './ledger.ts'
import { hasLines, rangeDigests, wholeLinesEnd } from './part-bytes.ts'
import { longestPrefix, type PrefixMatch } from './prefix-match.ts'
import type { PutOptions } from './puts.ts'
import { writeDocument } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { segmentChunks, streamsOf, withStream } from './stream.ts'
import { recogniseTail } from './tail-check.ts'
import type { FileIdentity, PartName, TranscriptSource } from './transcript.ts'

/** A part to store: its first `endBytes` bytes. */
export interface PartContent {
  readonly name: PartName
  readonly source: TranscriptSource
  readonly digestOf: ReturnType<typeof rangeDigests>
  readonly endBytes: number
}

/** A part, how much of it is stored already, and the stream on which it goes on. */
export interface MatchedPart {
  readonly content: PartContent
  readonly match: PrefixMatch
  readonly stream: number
  /** Its prefix was not compared. */
  readonly byTail: boolean
}

/** Where the bytes of each part ended up. */
export interface StoredParts {
  readonly ledger: Ledger
  readonly positions: readonly PartPosition[]
  /** From which byte on each part was new. */
  readonly added: readonly { readonly name: PartName; readonly stream: number; readonly from: number }[]
  /** Whether `stopAfterBytes` was reached before the end. */
  readonly stopped: boolean
}

/** Stores the parts of one capture; survives several tries, storing each chunk once. */
export interface PartStore {
  /** How much of each part is stored already; with `recognised` the main part is taken by its tail where that can be. */
  match(ledger: Ledger, contents: readonly PartContent[], recognised?: FileIdentity): Promise<readonly MatchedPart[]>
  /** Puts what is new of each part into storage and names it in the ledger that comes back. Nothing is committed. */
  store(
    ledger: Ledger,
    matched: readonly MatchedPart[],
    options?: PutOptions & { readonly stopAfterBytes?: number | undefined },
  ): Promise<StoredParts>
  storedBytes(): number
}

/** What to store of a part: whole lines where it has lines, else everything. */
export async function partContent(name: PartName, source: TranscriptSource, options: AbortOptions): Promise<PartContent> {
  const endBytes = hasLines(name) ? await wholeLinesEnd(source, options) : source.sizeBytes
  return { name, source, digestOf: rangeDigests(source), endBytes }
}

/** A store for the parts of one capture. When the ledger's fence has passed its epoch, it begins again under new names. */
export function createPartStore(environment: Environment, name: Key, options: AbortOptions): PartStore {
  let epoch = -1
  let writer: ChunkWriter | undefined
  let earlierBytes = 0
  return {
    storedBytes: () => earlierBytes + (writer?.storedBytes() ?? 0),
    async match(ledger, contents, recognised) {
      const matched: MatchedPart[] = []
      for (const content of contents) {
        const tail = content.name === 'main' ? await recogniseTail(ledger, content, recognised, options) : undefined
        const match = tail ?? (await longestPrefix({ environment, name, ledger }, content.name, content, options))
        const stream = match.kind === 'append' || match.kind === 'whole' ? match.stream : streamsOf(ledger, content.name).length
        matched.push({ content, match, stream, byTail: tail !== undefined })
      }
      return matched
    },
    async store(ledger, matched, { stopAfterBytes = Number.POSITIVE_INFINITY, puts } = {}) {
      const putting = { ...options, puts }
      if (writer === undefined || ledger.fence > epoch) {
        earlierBytes += writer?.storedBytes() ?? 0
        epoch = ledger.epoch
        writer = createChunkWriter(environment, name, epoch)
      }
      const targets: (MatchedPart & { until: number })[] = []
      let budget = stopAfterBytes
      try {
        for (const part of matched) {
          const { content, match, stream } = part
          const until = match.kind === 'whole' ? match.bytes : Math.min(content.endBytes, match.bytes + Math.max(budget, 0))
          if (match.kind !== 'whole') await writer.add(content.name, stream, content.source, { start: match.bytes, end: until }, putting)
          budget -= until - match.bytes
          targets.push({ ...part, until })
        }
        return await placeChunks(environment, name, ledger, targets, await writer.flush(putting), putting)
      } finally {
        await writer.release()
      }
    },
  }
}

async function placeChunks(
  environment: Environment,
  name: Key,
  before: Ledger,
  targets: readonly (MatchedPart & { readonly until: number })[],
  chunks: ReadonlyMap<PartName, readonly Chunk[]>,
  options: PutOptions,
): Promise<StoredParts> {
  let ledger = before
  const positions: PartPosition[] = []
  const added: { name: PartName; stream: number; from: number }[] = []
  for (const { content, match, stream, until } of targets) {
    const fresh = chunks.get(content.name) ?? []
    const lines = match.lines + fresh.reduce((sum, [, , , , lineFeeds]) => sum + lineFeeds, 0)
    if (match.kind !== 'whole') {
      const began = await sealOthers(environment, name, ledger, content.name, stream, options)
      ledger = await extended(environment, name, began, content.name, stream, match, fresh, options)
      if (until > match.bytes) added.push({ name: content.name, stream, from: match.bytes })
    }
    positions.push({ name: content.name, stream, bytes: until, lines })
  }
  return { ledger, positions, added, stopped: targets.some(({ content, until }) => until < content.endBytes) }
}

/** A stream that others will outgrow keeps no chunks in the ledger: before a new one begins, those before it move into segments. */
async function sealOthers(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  part: PartName,
  stream: number,
  options: PutOptions,
): Promise<Ledger> {
  let sealed = ledger
  const streams = streamsOf(ledger, part)
  if (stream < streams.length) return ledger
  for (const [index, other] of streams.entries()) {
    if (other.open.length > 1) sealed = withStream(sealed, part, index, await segmented(environment, name, sealed, other, 1, options))
  }
  return sealed
}

async function extended(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  part: PartName,
  index: number,
  match: PrefixMatch,
  chunks: readonly Chunk[],
  options: PutOptions,
): Promise<Ledger> {
  const existing = streamsOf(ledger, part)[index]
  const base = match.kind === 'rebase' ? { base: { stream: match.stream, bytes: match.bytes, lines: match.lines } } : {}
  const stream: Stream = existing ?? { ...base, segments: [], open: [] }
  const longer: Stream = { ...stream, open: [...stream.open, ...chunks] }
  return withStream(ledger, part, index, await segmented(environment, name, ledger, longer, segmentChunks, options))
}

/** Moves the open chunks into segments while there are at least `atLeast`, at most 256 into each. */
async function segmented(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  stream: Stream,
  atLeast: number,
  options: PutOptions,
): Promise<Stream> {
  const segments = [...stream.segments]
  let open = stream.open
  while (open.length >= Math.max(atLeast, 1)) {
    const run = open.slice(0, segmentChunks)
    open = open.slice(segmentChunks)
    const object = await writeDocument(environment, ledger, name, 'segment', run, options)
    segments.push({
      object,
      chunks: run.length,
      rawBytes: run.reduce((sum, [, , , rawBytes]) => sum + rawBytes, 0),
      storedBytes: run.reduce((sum, [, , storedBytes]) => sum + storedBytes, 0),
      lines: run.reduce((sum, [, , , , lineFeeds]) => sum + lineFeeds, 0),
    })
  }
  return { ...stream, segments, open }
}
