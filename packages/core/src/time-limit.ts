/**
 * How long something may go on that is done in steps: it stops between two of them, but not before the first, so that every call gets further,
 * however short its time.
 */
export interface TimeLimit {
  /** A step was done, and stays done. */
  stepped(): void
  /** Whether it is to stop here. */
  isOver(): boolean
  /** A part of the time that is left, for one of several that wait. */
  share(part: number): TimeLimit
}

/** From now on; without milliseconds there is no limit. */
export function timeLimit(milliseconds: number = Number.POSITIVE_INFINITY): TimeLimit {
  const end = performance.now() + milliseconds
  let isBegun = false
  return {
    stepped() {
      isBegun = true
    },
    isOver: () => isBegun && performance.now() >= end,
    share(part) {
      const own = timeLimit(Math.max(0, end - performance.now()) * part)
      return {
        ...own,
        stepped() {
          isBegun = true
          own.stepped()
        },
      }
    },
  }
}
