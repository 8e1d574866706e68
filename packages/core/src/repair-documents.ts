import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { Finding, SessionCheck } from './findings.ts'
import { foundChunks } from './found-chunks.ts'
import type { Chunk, Ledger, Stream } from './ledger.ts'
import { changeLedger } from './ledger-store.ts'
import type { SizedObjects } from './named-objects.ts'
import { agreeing, chainTo } from './rebuild-streams.ts'
import { rowOfRecord } from './row.ts'
import { allRows, byNewest, withRows } from './rows.ts'
import { writeSegment } from './segment-writer.ts'
import { writeDocument } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { recordsOfPage, type StoredRecord } from './stored-records.ts'
import { streamsOf, withStream } from './stream.ts'
import { fenced } from './sweep.ts'
import { allTrash, pagesOf, withTrash } from './trash.ts'

type FindingOf<Kind extends Finding['kind']> = Extract<Finding, { kind: Kind }>

/** Writes a page anew, from its own rows or from the records of its time. Gives how many rows it has; 0 when nothing could be done. */
export async function repairPage(
  environment: Environment,
  name: Key,
  check: SessionCheck,
  finding: FindingOf<'page'>,
  records: readonly StoredRecord[],
  options: AbortOptions,
): Promise<number> {
  return changeLedger(environment, name, options, async (ledger) => {
    const span = ledger === undefined ? undefined : pagesOf(ledger).find((page) => page.object === finding.object)
    if (ledger === undefined || span === undefined) return { result: span?.checkpoints ?? 0 }
    // What stood in a page of the trash is deleted once more, as of now.
    const deleted = ledger.pages.includes(span) ? {} : { deletedAt: environment.now() }
    const found = recordsOfPage(records, ledger, finding.object, check.rows).map((record) => ({ ...rowOfStored(record), ...deleted }))
    const rows = finding.value ?? found.sort(byNewest)
    if (rows.length === 0) return { result: 0 }
    const object = await writeDocument(environment, ledger, name, 'page', rows, options)
    const renamed = (pages: Ledger['pages']): Ledger['pages'] =>
      pages.map((page) => (page === span ? { ...span, object, checkpoints: rows.length } : page))
    const trashPages = ledger.trashPages === undefined ? {} : { trashPages: renamed(ledger.trashPages) }
    return { ledger: fenced({ ...ledger, pages: renamed(ledger.pages), ...trashPages }), result: rows.length, unnamed: [finding.object] }
  })
}

/** Writes a segment anew, from its own chunks or from the headers of the objects that hold them. */
export async function repairSegment(
  environment: Environment,
  name: Key,
  finding: FindingOf<'segment'>,
  objects: SizedObjects,
  options: AbortOptions,
): Promise<void> {
  await changeLedger(environment, name, options, async (ledger) => {
    const stream = ledger === undefined ? undefined : streamsOf(ledger, finding.part)[finding.stream]
    const span = stream?.segments.find((segment) => segment.object === finding.object)
    if (ledger === undefined || stream === undefined || span === undefined) return { result: undefined }
    const chunks = finding.value ?? (await chunksOfSegment(environment, name, ledger, finding, span, objects, options))
    if (chunks === undefined) return { result: undefined }
    const segment = await writeSegment(environment, name, ledger, chunks, options)
    const segments = stream.segments.map((candidate) => (candidate === span ? segment : candidate))
    const repaired = withStream(ledger, finding.part, finding.stream, { ...stream, segments })
    return { ledger: fenced(repaired), result: undefined, unnamed: [finding.object] }
  })
}

/** Writes a record anew, of which the header alone is damaged. */
export async function repairRecord(
  environment: Environment,
  name: Key,
  finding: FindingOf<'record'>,
  options: AbortOptions,
): Promise<void> {
  const { value } = finding
  if (value === undefined) return
  await changeLedger(environment, name, options, async (ledger) => {
    if (ledger === undefined) return { result: undefined }
    const isOf = (row: CheckpointRow): boolean => row.record === finding.object
    const rows = await allRows(environment, name, ledger, options)
    const trash = await allTrash(environment, name, ledger, options)
    if (!rows.some(isOf) && !trash.some(isOf)) return { result: undefined }
    const record = await writeDocument(environment, ledger, name, 'record', value, options)
    const renamed = (row: CheckpointRow): CheckpointRow => (isOf(row) ? { ...row, record } : row)
    const changed = await withTrash(environment, name, ledger, trash.map(renamed), options)
    const next = await withRows(environment, name, changed.ledger, rows.map(renamed), options)
    return { ledger: fenced(next.ledger), result: undefined, unnamed: [finding.object, ...changed.unnamed, ...next.unnamed] }
  })
}

/** The chunks that a segment had: a run of as many, as long, as large and with as many lines as the ledger says, or none. */
async function chunksOfSegment(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  finding: FindingOf<'segment'>,
  span: Stream['segments'][number],
  objects: SizedObjects,
  options: AbortOptions,
): Promise<readonly Chunk[] | undefined> {
  const ofPart = (await foundChunks(environment, name, objects, options))
    .filter(({ part }) => part === finding.part)
    .map((placed) => ({ ...placed, firstByte: placed.firstByte - finding.firstByte }))
    .filter(({ firstByte, chunk: [, , , rawBytes] }) => firstByte >= 0 && firstByte + rawBytes <= span.rawBytes)
  const agree = agreeing({ environment, name, ledger }, options)
  const { chunks, endBytes } = await chainTo(ofPart, finding.stream, span.rawBytes, agree)
  const sum = (field: 2 | 4): number => chunks.reduce((total, { chunk }) => total + chunk[field], 0)
  const isSame = endBytes === span.rawBytes && chunks.length === span.chunks && sum(2) === span.storedBytes && sum(4) === span.lines
  return isSame ? chunks.map(({ chunk }) => chunk) : undefined
}

function rowOfStored({ object, facts }: StoredRecord): CheckpointRow {
  return rowOfRecord(facts, object, 0, {})
}
