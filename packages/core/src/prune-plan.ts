import { boundedMap } from './bounded-map.ts'
import type { CheckpointRow } from './checkpoint.ts'
import { type CutLedger, cutStreams, type NeededBytes } from './cut-streams.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import type { Chunk, Ledger } from './ledger.ts'
import { namedObjects } from './named-objects.ts'
import { type Retention, retainOf } from './retention.ts'
import { allRows, layoutOf } from './rows.ts'
import { readRecord, readSegment } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import type { LoadSegment } from './stream.ts'
import { allTrash, pagesOf, withTrash } from './trash.ts'

const recordsAtOnce = 8

/** What is to be kept of a session. */
export interface PrunePolicy {
  readonly retention: Retention
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How long the trash is kept. */
  readonly trashMs: number
  /** Whether the session goes as a whole. */
  readonly evict: boolean
}

/** What pruning makes of a session. Nothing has been written yet. */
export interface PrunePlan extends CutLedger {
  /** The rows that stay; those in `ledger` are still the old ones. */
  readonly rows: readonly CheckpointRow[]
  /** Rows that go to the trash, and rows that go for good. */
  readonly trashed: readonly CheckpointRow[]
  readonly purged: readonly CheckpointRow[]
  /** Every present object that stays named. */
  readonly named: ReadonlySet<string>
  /** Whether rows or streams change. */
  readonly isChanged: boolean
}

/**
 * Plans a session: rows that the policy no longer keeps go to the trash, old trash goes for good (its boundaries are remembered), and streams
 * end where no row is left that stands on them. Throws `CHECKPOINT_CORRUPT` when it can't be told what the ledger needs.
 */
export async function planSession(
  environment: Environment,
  name: Key,
  before: Ledger,
  policy: PrunePolicy,
  options: AbortOptions,
): Promise<PrunePlan> {
  const loadSegment = remembering((object) => readSegment(environment, name, object, options))
  const all = await allRows(environment, name, before, options)
  const trashBefore = await allTrash(environment, name, before, options)
  const kept = retainOf(all, [...trashBefore], policy)
  const isOld = (row: CheckpointRow): boolean => (row.deletedAt ?? 0) <= policy.now - policy.trashMs
  const purged = kept.trash.filter(isOld)
  const trash = kept.trash.filter((row) => !isOld(row))
  const needed = await neededBytes(environment, name, before, [...kept.rows, ...trash], options)
  const { ledger, isCut, split } = await cutStreams(before, needed, loadSegment)
  const { ledger: emptied, unnamed } = await withTrash(environment, name, ledger, trash, options)
  const planned = { ...emptied, removed: withBoundaries(ledger.removed, purged) }
  const { pages } = await layoutOf(environment, name, before, kept.rows, options)
  const keptPages = [...pages.flatMap(({ page }) => page ?? []), ...(planned.trashPages ?? [])].map(({ object }) => object)
  return {
    ledger: planned,
    isCut,
    split,
    rows: kept.rows,
    trashed: kept.trash.slice(trashBefore.length),
    purged,
    named: await namedObjects(planned, [...kept.rows, ...trash], keptPages, loadSegment),
    isChanged: isCut || purged.length > 0 || kept.trash.length > trashBefore.length || unnamed.length > 0,
  }
}

/** What a ledger names as it stands; what can't be read of it counts as naming nothing. */
export async function namedNow(environment: Environment, name: Key, ledger: Ledger, options: AbortOptions): Promise<ReadonlySet<string>> {
  const rows = await allRows(environment, name, ledger, options)
  const trash = await allTrash(environment, name, ledger, options)
  const pages = pagesOf(ledger).map((page) => page.object)
  return namedObjects(ledger, [...rows, ...trash], pages, async (object) => {
    try {
      return await readSegment(environment, name, object, options)
    } catch (error) {
      if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return []
      throw error
    }
  })
}

/** Up to which byte rows stand on each stream. Sidecars are known from records alone: where one can't be read, no sidecar is cut. */
async function neededBytes(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  rows: readonly CheckpointRow[],
  options: AbortOptions,
): Promise<(part: string) => NeededBytes | undefined> {
  const needed = new Map<string, Map<number, number>>()
  const need = (part: string, stream: number, bytes: number): void => {
    const streams = needed.get(part) ?? new Map<number, number>()
    streams.set(stream, Math.max(streams.get(stream) ?? 0, bytes))
    needed.set(part, streams)
  }
  let knowsSidecars = true
  for (const row of rows) need('main', row.stream, row.bytes)
  if (Object.keys(ledger.parts).some((part) => part !== 'main')) {
    await boundedMap(rows, recordsAtOnce, async (row) => {
      try {
        for (const part of (await readRecord(environment, name, row, options)).parts) need(part.name, part.stream, part.bytes)
      } catch (error) {
        if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
        knowsSidecars = false
      }
    })
  }
  return (part) => (part === 'main' || knowsSidecars ? (needed.get(part) ?? new Map()) : undefined)
}

function withBoundaries(removed: readonly string[], purged: readonly CheckpointRow[]): string[] {
  const all = new Set(removed)
  for (const { boundaryId } of purged) if (boundaryId !== undefined) all.add(boundaryId)
  return [...all]
}

/** Each segment is read once. */
function remembering(load: LoadSegment): LoadSegment {
  const known = new Map<string, Promise<readonly Chunk[]>>()
  return (object) => {
    const found = known.get(object) ?? load(object)
    known.set(object, found)
    return found
  }
}
