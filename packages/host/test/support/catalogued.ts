import { type CataloguedSession, type CheckpointRow, type SessionSummary, sessionName } from '@palimpsest/core'

/** A session as core reports it, with a checkpoint at each of `times`. */
export function catalogued(
  sessionKey: string,
  times: readonly number[],
  options: { readonly commitCount?: number; readonly agent?: string; readonly cwd?: string; readonly label?: string } = {},
): CataloguedSession {
  const { agent = 'pi', commitCount = times.length, cwd, label } = options
  const rows = times.toSorted((left, right) => right - left).map((createdAt) => checkpointRow(sessionKey, createdAt, label))
  const summary: SessionSummary = {
    agent,
    sessionKey,
    sessionId: sessionKey,
    ...(cwd === undefined ? {} : { cwd }),
    checkpointCount: rows.length,
    oldestAt: rows.at(-1)?.createdAt ?? 0,
    newestAt: rows[0]?.createdAt ?? 0,
    rawBytes: 100,
    storedBytes: 10,
  }
  return { name: sessionName(agent, sessionKey), commitCount, summary, rows }
}

/** The id of the checkpoint that `catalogued` makes. */
export function idAt(sessionKey: string, createdAt: number): string {
  return `${createdAt.toString(16).padStart(12, '0')}-${sessionName('pi', sessionKey).slice('sessions/'.length, 'sessions/'.length + 12)}`
}

function checkpointRow(sessionKey: string, createdAt: number, label: string | undefined): CheckpointRow {
  return {
    id: idAt(sessionKey, createdAt),
    createdAt,
    status: 'complete',
    reason: 'manual',
    origin: 'capture',
    ...(label === undefined ? {} : { label }),
    leafId: 'leaf',
    commit: 1,
    stream: 0,
    bytes: 1,
    lines: 1,
    record: 'record',
  }
}
