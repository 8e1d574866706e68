import type { CheckpointRow, PartPosition } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { Finding, SessionCheck } from './findings.ts'
import type { Ledger } from './ledger.ts'
import { objectsOf } from './named-objects.ts'
import { readRecord } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { recordsOfPage, storedRecords } from './stored-records.ts'
import { chainOf } from './stream.ts'

/** The ids of the checkpoints that stand on what each finding is about, in the order of the findings. */
export async function touchedCheckpoints(
  environment: Environment,
  name: Key,
  check: SessionCheck,
  options: AbortOptions,
): Promise<readonly (readonly string[])[]> {
  const { ledger } = check
  const touched = check.findings.map((finding) => new Set(finding.kind === 'record' ? [finding.id] : []))
  for (const [index, ids] of (await idsFromRecords(environment, name, check, options)).entries())
    touched[index] = new Set([...(touched[index] ?? []), ...ids])
  if (ledger === undefined || !check.findings.some(isOfBytes)) return touched.map((ids) => [...ids])
  for (const row of check.rows) {
    const positions = await positionsOf(environment, name, row, check.findings, options)
    check.findings.forEach((finding, index) => {
      if (positions.some((position) => isTouched(ledger, finding, position))) touched[index]?.add(row.id)
    })
  }
  return touched.map((ids) => [...ids])
}

/** For a ledger or a page that can't be read: the checkpoints whose records lie there. */
async function idsFromRecords(
  environment: Environment,
  name: Key,
  { findings, ledger, rows }: SessionCheck,
  options: AbortOptions,
): Promise<readonly (readonly string[])[]> {
  if (!findings.some(({ kind }) => kind === 'ledger' || kind === 'page')) return []
  const records = await storedRecords(environment, name, await objectsOf(environment, name, options), options)
  return findings.map((finding) => {
    if (finding.kind === 'ledger') return records.map(({ facts }) => facts.id)
    if (finding.kind !== 'page' || ledger === undefined) return []
    const own = finding.value?.map(({ id }) => id)
    return own ?? recordsOfPage(records, ledger, finding.object, rows).map(({ facts }) => facts.id)
  })
}

function isOfBytes(finding: Finding): boolean {
  return finding.kind === 'chunks' || finding.kind === 'segment'
}

/** The main part's position is in the row; others are in the record, which is read only where one of them is in question. */
async function positionsOf(
  environment: Environment,
  name: Key,
  row: CheckpointRow,
  findings: readonly Finding[],
  options: AbortOptions,
): Promise<readonly PartPosition[]> {
  const main = { name: 'main', stream: row.stream, bytes: row.bytes, lines: row.lines }
  const isMainOnly = findings.every((finding) => {
    if (finding.kind === 'segment') return finding.part === 'main'
    return finding.kind !== 'chunks' || [...finding.damaged, ...finding.intact].every(({ part }) => part === 'main')
  })
  if (isMainOnly) return [main]
  const record = await readRecord(environment, name, row, options).catch(() => undefined)
  return record?.parts ?? [main]
}

function isTouched(ledger: Ledger, finding: Finding, position: PartPosition): boolean {
  switch (finding.kind) {
    case 'segment':
      return reaches(ledger, position, finding)
    case 'chunks':
      return (finding.damaged.length > 0 ? finding.damaged : finding.intact).some((placed) => reaches(ledger, position, placed))
    case 'ledger':
    case 'page':
    case 'record':
      return false
    default:
      return finding satisfies never
  }
}

/** Whether a position lies behind the first byte of something, on the stream that it belongs to. */
function reaches(
  ledger: Ledger,
  position: PartPosition,
  place: { readonly part: string; readonly stream: number; readonly firstByte: number },
): boolean {
  if (position.name !== place.part || position.bytes <= place.firstByte) return false
  return chainOf(ledger, position.name, position.stream).some(({ index, endBytes }) => index === place.stream && place.firstByte < endBytes)
}
