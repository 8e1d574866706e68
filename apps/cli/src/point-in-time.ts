const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** When something was, for people: `5 min ago` within a week, else the day and minute in UTC: `2026-08-01 14:03`. */
export function timeAgo(createdAt: number, now: number): string {
  const ageMs = now - createdAt
  if (ageMs < -minuteMs || ageMs >= 7 * dayMs) return utcMinute(createdAt)
  if (ageMs < minuteMs) return 'just now'
  if (ageMs < hourMs) return `${Math.floor(ageMs / minuteMs)} min ago`
  if (ageMs < dayMs) return `${Math.floor(ageMs / hourMs)} h ago`
  const days = Math.floor(ageMs / dayMs)
  return days === 1 ? '1 day ago' : `${days} days ago`
}

/** The whole time, in UTC: `2026-08-01T14:03:11.250Z`. */
export function isoTime(createdAt: number): string {
  return isDate(createdAt) ? new Date(createdAt).toISOString() : String(createdAt)
}

/** Milliseconds since the epoch from an ISO date (a day in UTC, `2026-08-01`; a time without zone is local), or from milliseconds; `undefined` for anything else. */
export function parseTime(text: string): number | undefined {
  const trimmed = text.trim()
  if (/^\d{1,16}$/.test(trimmed) && !isoYear.test(trimmed)) return Number(trimmed)
  if (!isoDate.test(trimmed)) return undefined
  const time = Date.parse(trimmed)
  return Number.isNaN(time) || time < 0 ? undefined : time
}

// Four digits alone are a year rather than four seconds of 1970.
const isoYear = /^\d{4}$/
const isoDate = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/

function utcMinute(time: number): string {
  return isDate(time) ? new Date(time).toISOString().slice(0, 16).replace('T', ' ') : String(time)
}

/** Whether JavaScript's dates reach that far. */
function isDate(time: number): boolean {
  return Math.abs(time) <= 8.64e15
}
