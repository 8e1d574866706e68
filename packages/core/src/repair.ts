import type { Environment } from './environment.ts'
import type { DamageProblem, Finding, SessionCheck } from './findings.ts'
import { objectsOf } from './named-objects.ts'
import { rebuildLedger } from './rebuild.ts'
import { repairChunks } from './repair-chunks.ts'
import { repairPage, repairRecord, repairSegment } from './repair-documents.ts'
import { objectKey } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { type StoredRecord, storedRecords } from './stored-records.ts'
import { openTranscriptBytes } from './transcript-bytes.ts'
import { pagesOf } from './trash.ts'
import { checkSession } from './verify-session.ts'

/** Something that a repair had to leave out, so that no later look finds it. */
export interface LeftOut {
  readonly key: string
  readonly problem: DamageProblem
  readonly checkpointIds: readonly string[]
}

/**
 * Mends what can be mended, each thing in a swap of its own: a lost ledger, then pages, segments and records, then chunks, which are taken from
 * other objects or from the agent's transcript where that still has exactly these bytes. Everything goes under new names. What can't be mended
 * stays as it is.
 */
export async function repairSession(
  environment: Environment,
  name: Key,
  found: SessionCheck,
  options: AbortOptions,
): Promise<readonly LeftOut[]> {
  const leftOut: LeftOut[] = []
  let check = found
  const lost = check.findings.find((finding) => finding.kind === 'ledger')
  if (lost !== undefined) {
    const { lostIds } = await rebuildLedger(environment, name, options)
    if (lostIds.length > 0) leftOut.push({ key: name, problem: lost.problem, checkpointIds: lostIds })
    check = await checkSession(environment, name, options)
  }
  if (check.ledger === undefined || check.findings.length === 0) return leftOut
  const objects = await objectsOf(environment, name, options)
  const records = await storedRecords(environment, name, objects, options)
  for (const finding of ofKind(check.findings, 'page')) {
    const rows = await repairPage(environment, name, check, finding, records, options)
    if (rows < (pagesOf(check.ledger).find((page) => page.object === finding.object)?.checkpoints ?? 0)) {
      leftOut.push({ key: objectKey(name, finding.object), problem: finding.problem, checkpointIds: [] })
    }
  }
  for (const finding of ofKind(check.findings, 'segment')) await repairSegment(environment, name, finding, objects, options)
  for (const finding of ofKind(check.findings, 'record')) await repairRecord(environment, name, finding, options)
  // With pages and segments in place again more may be known to be damaged.
  const now = await checkSession(environment, name, options)
  await repairAllChunks(environment, name, now, records, options)
  return leftOut
}

async function repairAllChunks(
  environment: Environment,
  name: Key,
  check: SessionCheck,
  records: readonly StoredRecord[],
  options: AbortOptions,
): Promise<void> {
  const damaged = ofKind(check.findings, 'chunks')
  const { ledger } = check
  if (damaged.length === 0 || ledger === undefined) return
  const paths = new Set<string>()
  for (const { facts } of records.toReversed()) {
    for (const path of [facts.preCompaction.sessionFile, facts.postCompaction?.sessionFile]) if (path !== undefined) paths.add(path)
  }
  const transcripts = await openTranscriptBytes(environment, ledger.agent, [...paths], options)
  try {
    const objects = await objectsOf(environment, name, options)
    for (const finding of damaged) await repairChunks({ environment, name, ledger }, finding, transcripts, objects, options)
  } finally {
    await transcripts.close()
  }
}

function ofKind<Kind extends Finding['kind']>(findings: readonly Finding[], kind: Kind): readonly Extract<Finding, { kind: Kind }>[] {
  return findings.filter((finding): finding is Extract<Finding, { kind: Kind }> => finding.kind === kind)
}
