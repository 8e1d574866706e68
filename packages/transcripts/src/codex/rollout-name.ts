const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const namePattern = new RegExp(`^rollout-(.+)-(${uuid})(?:_(${uuid}))?\\.jsonl(\\.zst)?$`, 'i')

/** What the name of a rollout says. */
export interface RolloutName {
  /** The session's id; a session that was reverted has several rollouts. */
  readonly sessionId: string
  /** The rollout's own id, by which others refer to it: that of its segment after a revert, else the session's. */
  readonly rolloutId: string
  readonly isCompressed: boolean
}

/** Reads the name in a path; `undefined` when it is none that Codex gives. */
export function rolloutName(path: string): RolloutName | undefined {
  const [, , sessionId, segmentId, compressed] = namePattern.exec(path.slice(lastSeparator(path) + 1)) ?? []
  if (sessionId === undefined) return undefined
  return { sessionId: sessionId.toLowerCase(), rolloutId: (segmentId ?? sessionId).toLowerCase(), isCompressed: compressed !== undefined }
}

/** The name of a new rollout: the time is the machine's own, as Codex writes it. */
export function newRolloutName(sessionId: string, createdAt: number): string {
  const { year, month, day, time } = localTime(createdAt)
  return `rollout-${year}-${month}-${day}T${time}-${sessionId}.jsonl`
}

/** The folders below `sessions` for a rollout of this moment: year, month and day where the machine is. */
export function dayFolders(createdAt: number): readonly string[] {
  const { year, month, day } = localTime(createdAt)
  return [year, month, day]
}

function localTime(at: number): { year: string; month: string; day: string; time: string } {
  const date = new Date(at)
  const digits = (number: number, length = 2) => String(number).padStart(length, '0')
  return {
    year: digits(date.getFullYear(), 4),
    month: digits(date.getMonth() + 1),
    day: digits(date.getDate()),
    time: [date.getHours(), date.getMinutes(), date.getSeconds()].map((number) => digits(number)).join('-'),
  }
}

function lastSeparator(path: string): number {
  return Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
}
