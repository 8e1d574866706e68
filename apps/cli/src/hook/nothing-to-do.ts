import { closeSync, constants, fstatSync, lstatSync, openSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { HookAdapter, HookRequest } from './hook-request.ts'
import { sha256Of } from './sha256-of.ts'
import { readFully, readStoredSession, type StoredLedger, type StoredRow, type StoredSession } from './stored-session.ts'
import { isOfCompaction, newestLooked, waitsForBoundary } from './waiting-rows.ts'

const lineFeed = 10
const tailBytes = 64 * 1024
/** Up to here, and at the end of a session whatever the size, the engine compares every byte. */
const comparedWholeBytes = 64 * 1024 * 1024

/**
 * Whether the engine would leave the store as it is, so that it need not be loaded. It says so only where that is certain; every doubt is `false`.
 * What it promises is what the engine does: a capture that would be `unchanged` without a commit (equal bytes as in `tail`, and no write to the file since
 * that capture began, which is as good as comparing them all), and a session in which nothing waits for its compaction.
 */
export function isNothingToDo(folder: string, adapter: HookAdapter, request: HookRequest): boolean {
  try {
    switch (request.kind) {
      case 'capture':
        return isUnchanged(folder, adapter, request) || (request.mayBeMissing && isMissing(adapter, request.transcript))
      case 'settle':
        return (!request.always && isNothingWaiting(folder, adapter, request.transcript)) || isMissing(adapter, request.transcript)
      case 'complete':
      case 'announce':
        return false
    }
  } catch {
    return false
  }
}

function isMissing(adapter: HookAdapter, transcript: string): boolean {
  return statSync(adapter.fileOf?.(transcript) ?? transcript, { throwIfNoEntry: false }) === undefined
}

function isNothingWaiting(folder: string, adapter: HookAdapter, transcript: string): boolean {
  const session = sessionOf(folder, adapter, transcript)
  if (session === undefined) return false
  const { ledger } = session
  return ledger === undefined || (ledger.pages.length === 0 && !ledger.checkpoints.slice(0, newestLooked).some(waitsForBoundary))
}

function isUnchanged(folder: string, adapter: HookAdapter, request: HookRequest & { readonly kind: 'capture' }): boolean {
  const path = resolve(request.transcript)
  const session = sessionOf(folder, adapter, path)
  const ledger = session?.ledger
  const newest = ledger?.checkpoints[0]
  if (session === undefined || ledger?.tail === undefined || newest === undefined || ledger.pages.length > 0) return false
  // Sub-agents' transcripts and the like are compared by the engine.
  if (Object.keys(ledger.parts).join() !== 'main' || isThere(path.replace(/\.jsonl$/, ''))) return false
  return (
    endsOneStream(ledger) &&
    standsAtEnd(ledger, newest, request.leafId) &&
    keepsItsRow(newest, request) &&
    isFileOfTail(path, ledger.tail, newest, request.reason) &&
    session.recordedParts(newest)?.join() === 'main'
  )
}

function sessionOf(folder: string, adapter: HookAdapter, transcript: string): StoredSession | undefined {
  const sessionKey = adapter.sessionKeyOf(transcript)
  return sessionKey === undefined ? undefined : readStoredSession(folder, adapter.agent, sessionKey)
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** Whether the last capture's file ends where the newest stream does: there the engine finds equal bytes, whichever check it makes. */
function endsOneStream({ parts, tail }: StoredLedger): boolean {
  const streams = parts['main']?.streams ?? []
  const stream = streams.at(-1)
  if (stream === undefined || tail?.stream !== streams.length - 1 || streams.some(({ segments }) => segments.length > 0)) return false
  return stream.open.reduce((sum, [, , , rawBytes]) => sum + rawBytes, stream.base?.bytes ?? 0) === tail.bytes
}

/** Whether the newest checkpoint stands at the end of those bytes, at the leaf that the engine would find there. */
function standsAtEnd({ tail, checkpoints }: StoredLedger, newest: StoredRow, leafId: string | undefined): boolean {
  const there = checkpoints.filter((row) => row.bytes === tail?.bytes)
  if (!there.includes(newest) || there.some((row) => row.stream !== tail?.stream)) return false
  const last = there.reduce((one, other) => (other.commit > one.commit ? other : one))
  return newest.leafId === (leafId?.trim() ?? last.tipId ?? last.leafId)
}

/** Whether the engine would give that checkpoint back as it is: it is of the same compaction or this is of none, and nothing new is known. */
function keepsItsRow(newest: StoredRow, request: HookRequest & { readonly kind: 'capture' }): boolean {
  if (isOfCompaction(request.reason) && (newest.status !== 'pending' || strength(request.reason) > strength(newest.reason))) return false
  return request.tokensBefore === undefined || newest.tokensBefore !== undefined
}

/** As the engine has it: the reason of a compaction replaces any other, and a known one `unknown`. */
function strength(reason: string): number {
  if (!isOfCompaction(reason)) return 0
  return reason === 'unknown' ? 1 : 2
}

/** How much older than it says a time of change may be: of the kernel's clock, or of a file system that knows only seconds. */
function slackMs(changedAtNs: bigint): number {
  return changedAtNs % 1_000_000_000n === 0n ? 2_000 : 20
}

/**
 * Whether the file is the one that was captured last, byte for byte. Its identity, size and last 64 KiB say that it has only been read since then; that
 * nobody wrote into it before them, its time of change says, which no program can set.
 */
function isFileOfTail(path: string, tail: NonNullable<StoredLedger['tail']>, newest: StoredRow, reason: string): boolean {
  const handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(handle, { bigint: true })
    const sizeBytes = Number(stats.size)
    if (!stats.isFile() || sizeBytes !== tail.bytes || sizeBytes === 0) return false
    if (tail.file !== `${hostname()} ${stats.dev} ${stats.ino}`) return false
    // A checkpoint says when its capture began, unless it was told another time.
    if (Number(stats.ctimeMs) + slackMs(stats.ctimeNs) >= newest.createdAt || newest.createdAt > Date.now() || newest.origin !== 'capture')
      return false
    const comparesWhole = sizeBytes <= comparedWholeBytes || !isOfCompaction(reason)
    if (comparesWhole && newest.prefixCheck !== undefined) return false
    const bytes = Buffer.allocUnsafe(Math.min(tailBytes, sizeBytes))
    readFully(handle, bytes, sizeBytes - bytes.byteLength)
    if (bytes.at(-1) !== lineFeed || sha256Of(bytes) !== tail.digest) return false
    const after = statSync(path, { bigint: true })
    return after.ino === stats.ino && after.dev === stats.dev && after.size === stats.size && after.ctimeNs === stats.ctimeNs
  } finally {
    closeSync(handle)
  }
}
