import { z } from 'zod'
import { boundedMap } from './bounded-map.ts'
import { type CheckpointRow, recordSchema, rowSchema } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import type { DamageProblem, Finding, PlacedChunk, SessionCheck } from './findings.ts'
import { decodeLedger, type Ledger } from './ledger.ts'
import { objectsOf, type SizedObjects } from './named-objects.ts'
import { readHeader } from './object-header.ts'
import type { AbortOptions, Key } from './storage.ts'
import { segmentSchema, streamsOf } from './stream.ts'
import { checkChunks, checkDocument, orProblem } from './verify-object.ts'

const documentsAtOnce = 8
const maxAttempts = 5

/** Counts while a session is read. */
export type OnRead = (read: { readonly chunks: number; readonly bytes: number }) => void

/**
 * Reads everything that a session's ledger names and checks every byte of it. What seems damaged while others write is looked at again, so that
 * an object which was rightly deleted meanwhile is not called missing.
 */
export async function checkSession(environment: Environment, name: Key, options: AbortOptions, onRead?: OnRead): Promise<SessionCheck> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await readRef(environment, name, options)
    const check = await checkOnce(environment, name, before, options, onRead)
    if (check.findings.length === 0 || attempt === maxAttempts) return check
    if ((await readRef(environment, name, options)).version === before.version) return check
  }
}

interface ReadRef {
  readonly value: Uint8Array | undefined
  readonly version: string | undefined
  readonly isUnreadable: boolean
}

async function readRef(environment: Environment, name: Key, options: AbortOptions): Promise<ReadRef> {
  const found = await orProblem(async () => ({ ref: await environment.storage.refs.read(name, options) }), options)
  if (typeof found === 'string') return { value: undefined, version: undefined, isUnreadable: true }
  return { value: found.ref?.value, version: found.ref?.version, isUnreadable: false }
}

async function checkOnce(
  environment: Environment,
  name: Key,
  { value, isUnreadable }: ReadRef,
  options: AbortOptions,
  onRead: OnRead | undefined,
): Promise<SessionCheck> {
  const nothing = { ledger: undefined, rows: [], checkpoints: 0, chunks: 0, bytes: value?.byteLength ?? 0 }
  if (isUnreadable) return { ...nothing, findings: [{ kind: 'ledger', problem: 'unreadable' }] }
  if (value === undefined) {
    const isLost = await hasRecords(environment, name, options)
    return { ...nothing, findings: isLost ? [{ kind: 'ledger', problem: 'missing' }] : [] }
  }
  const decoded = decodedLedger(name, value)
  if (typeof decoded === 'string') return { ...nothing, findings: [{ kind: 'ledger', problem: decoded }] }
  const objects = await objectsOf(environment, name, options)
  const findings: Finding[] = []
  let bytes = value.byteLength
  const pages = await checkPages(environment, name, decoded.pages, findings, options)
  const trashPages = await checkPages(environment, name, decoded.trashPages ?? [], findings, options)
  const live = [...decoded.checkpoints, ...pages.rows]
  const rows = [...live, ...trashPages.rows, ...decoded.trash]
  bytes += pages.bytes + trashPages.bytes + (await checkRecords(environment, name, rows, findings, options))
  const placed = await checkSegments(environment, name, decoded, findings, options)
  bytes += placed.bytes
  onRead?.({ chunks: 0, bytes })
  let chunks = 0
  // One after the other: raw chunks take memory faster than it is given back.
  for (const [object, named] of placed.byObject) {
    const checked = await checkChunks({ environment, name, ledger: decoded }, object, objects.get(object), named, options)
    const { problem, damaged, intact } = checked
    if (problem !== undefined) findings.push({ kind: 'chunks', object, problem, damaged, intact })
    chunks += named.length
    bytes += checked.bytes
    onRead?.({ chunks: named.length, bytes: checked.bytes })
  }
  return { findings, ledger: decoded, rows, checkpoints: live.length, chunks, bytes }
}

/** The ledger, or what is wrong with it. One of a newer version is an error: it is not damaged. */
function decodedLedger(name: Key, value: Uint8Array): Ledger | DamageProblem {
  try {
    return decodeLedger(name, value)
  } catch (error) {
    if (isCheckpointError(error, 'CHECKPOINT_CORRUPT')) return error.details.problem
    throw error
  }
}

async function checkPages(
  environment: Environment,
  name: Key,
  pages: Ledger['pages'],
  findings: Finding[],
  options: AbortOptions,
): Promise<{ readonly rows: readonly CheckpointRow[]; readonly bytes: number }> {
  const rows: CheckpointRow[] = []
  let bytes = 0
  for (const { object } of pages) {
    const page = await checkDocument(environment, name, object, 'page', z.array(rowSchema), options)
    if (page.problem !== undefined) findings.push({ kind: 'page', object, problem: page.problem, value: page.value })
    rows.push(...(page.value ?? []))
    bytes += page.bytes
  }
  return { rows, bytes }
}

async function checkRecords(
  environment: Environment,
  name: Key,
  rows: readonly CheckpointRow[],
  findings: Finding[],
  options: AbortOptions,
): Promise<number> {
  let bytes = 0
  await boundedMap(rows, documentsAtOnce, async (row) => {
    const record = await checkDocument(environment, name, row.record, 'record', recordSchema, options)
    const isOther = record.value !== undefined && record.value.id !== row.id
    const problem = record.problem ?? (isOther ? 'unreadable' : undefined)
    if (problem !== undefined) {
      findings.push({ kind: 'record', object: row.record, problem, value: isOther ? undefined : record.value, id: row.id })
    }
    bytes += record.bytes
  })
  return bytes
}

/** Reads the segments, and gathers every chunk by its object, so that each object is read once. */
async function checkSegments(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  findings: Finding[],
  options: AbortOptions,
): Promise<{ readonly byObject: ReadonlyMap<string, readonly PlacedChunk[]>; readonly bytes: number }> {
  const byObject = new Map<string, PlacedChunk[]>()
  let bytes = 0
  for (const part of Object.keys(ledger.parts)) {
    for (const [index, stream] of streamsOf(ledger, part).entries()) {
      let firstByte = stream.base?.bytes ?? 0
      const place = (chunk: PlacedChunk['chunk']): void => {
        const placed = byObject.get(chunk[0]) ?? []
        placed.push({ part, stream: index, firstByte, chunk })
        byObject.set(chunk[0], placed)
        firstByte += chunk[3]
      }
      for (const { object, rawBytes } of stream.segments) {
        const next = firstByte + rawBytes
        const segment = await checkDocument(environment, name, object, 'segment', segmentSchema, options)
        if (segment.problem !== undefined) {
          findings.push({ kind: 'segment', object, part, stream: index, firstByte, problem: segment.problem, value: segment.value })
        }
        for (const chunk of segment.value ?? []) place(chunk)
        bytes += segment.bytes
        firstByte = next
      }
      for (const chunk of stream.open) place(chunk)
    }
  }
  return { byObject, bytes }
}

/** Whether a record lies under a session's name: without one nothing was ever kept of it, and what lies there is left from a crash. */
async function hasRecords(environment: Environment, name: Key, options: AbortOptions): Promise<boolean> {
  const objects: SizedObjects = await objectsOf(environment, name, options)
  for (const [object, sizeBytes] of objects) {
    if ((await readHeader(environment, name, object, sizeBytes, options))?.header.kind === 'record') return true
  }
  return false
}
