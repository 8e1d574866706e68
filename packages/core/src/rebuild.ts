import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { PlacedChunk } from './findings.ts'
import { foundChunks } from './found-chunks.ts'
import { agentOf } from './keys.ts'
import { emptyLedger, type Ledger } from './ledger.ts'
import { replaceDamagedLedger } from './ledger-store.ts'
import { epochOf, objectsOf } from './named-objects.ts'
import { agreeing, type Chain, chainTo, holds, streamsFrom } from './rebuild-streams.ts'
import { rowOfRecord } from './row.ts'
import { withRows } from './rows.ts'
import { sealedStream } from './segment-writer.ts'
import type { AbortOptions, Key } from './storage.ts'
import { type StoredRecord, storedRecords } from './stored-records.ts'
import { segmentChunks, streamsOf, withStream } from './stream.ts'
import { fenced } from './sweep.ts'
import { orProblem } from './verify-object.ts'

/** What became of a session whose ledger was lost. */
export interface RebuiltSession {
  /** Checkpoints whose records lie there, and whose bytes don't all. */
  readonly lostIds: readonly string[]
}

/**
 * Makes a ledger from the objects of a session, for one that is lost or damaged: its rows from the records, its streams from the chunks that the
 * objects' headers name. Only checkpoints of which every byte is found become rows. Pins, labels, the trash and what was removed stood in the
 * ledger alone: they are gone, and what had been deleted within the last day is there again.
 */
export async function rebuildLedger(environment: Environment, name: Key, options: AbortOptions): Promise<RebuiltSession> {
  // One that the store can't give at all may still be whole.
  if (typeof (await orProblem(async () => ({ ref: await environment.storage.refs.read(name, options) }), options)) === 'string')
    return { lostIds: [] }
  const objects = await objectsOf(environment, name, options)
  const records = await storedRecords(environment, name, objects, options)
  const [newest] = [...records].reverse()
  if (newest === undefined) return { lostIds: [] }
  const { sessionKey, sessionId, cwd } = newest.facts
  const epoch = Math.max(0, ...[...objects.keys()].map((object) => epochOf(object) ?? 0))
  const empty = { ...emptyLedger({ agent: agentOf(name), sessionKey, sessionId, cwd }), epoch }
  const chunks = await foundChunks(environment, name, objects, options)
  const chains = await chainsOf(environment, name, empty, records, chunks, options)
  const placed = records.filter(({ facts }) =>
    facts.parts.every((position) => {
      const chain = chains.get(position.name)?.get(position.stream)
      return chain !== undefined && holds(chain, position)
    }),
  )
  const lostIds = records.filter((record) => !placed.includes(record)).map(({ facts }) => facts.id)
  if (placed.length === 0) return { lostIds }
  const ledger = await withStreams(environment, name, empty, placed, chains, options)
  const laidOut = await withRows(environment, name, ledger, rowsOf(placed), options)
  // A catalogue keeps the entry with the larger count, and the old one is not known any more.
  const commitCount = Math.max(placed.length, environment.now())
  const isReplaced = await replaceDamagedLedger(environment, name, fenced({ ...laidOut.ledger, commitCount }), options)
  return { lostIds: isReplaced ? lostIds : [] }
}

/** By part and stream, the chunks that lead to the last byte on which a record stands. */
async function chainsOf(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  records: readonly StoredRecord[],
  chunks: readonly PlacedChunk[],
  options: AbortOptions,
): Promise<ReadonlyMap<string, ReadonlyMap<number, Chain>>> {
  const needed = new Map<string, Map<number, number>>()
  for (const { name: part, stream, bytes } of records.flatMap(({ facts }) => facts.parts)) {
    const streams = needed.get(part) ?? new Map<number, number>()
    streams.set(stream, Math.max(bytes, streams.get(stream) ?? 0))
    needed.set(part, streams)
  }
  const byPart = Map.groupBy(chunks, ({ part }) => part)
  const agree = agreeing({ environment, name, ledger }, options)
  const chains = new Map<string, Map<number, Chain>>()
  for (const [part, streams] of needed) {
    const ofPart = new Map<number, Chain>()
    for (const [stream, bytes] of streams) ofPart.set(stream, await chainTo(byPart.get(part) ?? [], stream, bytes, agree))
    chains.set(part, ofPart)
  }
  return chains
}

async function withStreams(
  environment: Environment,
  name: Key,
  empty: Ledger,
  placed: readonly StoredRecord[],
  chains: ReadonlyMap<string, ReadonlyMap<number, Chain>>,
  options: AbortOptions,
): Promise<Ledger> {
  let ledger = empty
  const parts = new Set(placed.flatMap(({ facts }) => facts.parts.map((part) => part.name)))
  for (const part of parts) {
    ledger = { ...ledger, parts: { ...ledger.parts, [part]: { streams: streamsFrom(chains.get(part) ?? new Map()) } } }
    const streams = streamsOf(ledger, part)
    for (const [index, stream] of streams.entries()) {
      const isOutgrown = index < streams.length - 1 && stream.open.length > 1
      if (!isOutgrown && stream.open.length < segmentChunks) continue
      ledger = withStream(ledger, part, index, await sealedStream(environment, name, ledger, stream, options))
    }
  }
  return ledger
}

/** Rows in the order of their time. Waiting ones count as committed first, so that abandoning one takes no bytes from another. */
function rowsOf(placed: readonly StoredRecord[]): readonly CheckpointRow[] {
  const isPending = ({ facts }: StoredRecord): boolean => facts.status === 'pending'
  const inOrder = [...placed.filter(isPending), ...placed.filter((record) => !isPending(record))]
  return inOrder.map(({ object, facts }, commit) => rowOfRecord(facts, object, commit, {}))
}
