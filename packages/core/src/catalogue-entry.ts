import type { CataloguedSession } from './catalogue.ts'
import type { Environment } from './environment.ts'
import type { Ledger } from './ledger.ts'
import type { SessionSummary } from './list.ts'
import { allRows } from './rows.ts'
import type { Key } from './storage.ts'

/** What a catalogue holds of a session, from its ledger. */
export async function catalogueEntry(environment: Environment, name: Key, ledger: Ledger): Promise<CataloguedSession> {
  const rows = await allRows(environment, name, ledger, {})
  return { name, commitCount: ledger.commitCount, summary: summaryOf(ledger, rows), rows }
}

/** What is kept of a session, in numbers. Each byte of a stream counts once, however many checkpoints stand on it. */
export function summaryOf(ledger: Ledger, rows: readonly { readonly createdAt: number }[]): SessionSummary {
  let rawBytes = 0
  let storedBytes = 0
  for (const part of Object.values(ledger.parts)) {
    for (const stream of part.streams) {
      for (const segment of stream.segments) {
        rawBytes += segment.rawBytes
        storedBytes += segment.storedBytes
      }
      for (const [, , stored, raw] of stream.open) {
        rawBytes += raw
        storedBytes += stored
      }
    }
  }
  return {
    agent: ledger.agent,
    sessionKey: ledger.sessionKey,
    sessionId: ledger.sessionId,
    ...(ledger.cwd === undefined ? {} : { cwd: ledger.cwd }),
    checkpointCount: rows.length,
    oldestAt: rows.at(-1)?.createdAt ?? 0,
    newestAt: rows[0]?.createdAt ?? 0,
    rawBytes,
    storedBytes,
  }
}
