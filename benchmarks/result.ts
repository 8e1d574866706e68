/** What a number must reach. */
export type Bar = { readonly atLeast: number } | { readonly atMost: number }

/** A row of the table: something measured, against its bar where it has one. */
interface Measured {
  readonly what: string
  /** What was measured here and at the peer, for people. */
  readonly ours: string
  readonly peer: string
  readonly value: number
  readonly unit: string
  readonly bar?: Bar | undefined
  readonly note?: string | undefined
}

/** A row that could not be measured, and why. */
interface Skipped {
  readonly what: string
  readonly skipped: string
}

/** A case that could not be carried out. */
interface Failed {
  readonly what: string
  readonly failed: string
}

export type Row = Measured | Skipped | Failed

/** How a cost grows. */
export interface GrowthTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What a case gives. */
export interface CaseResult {
  readonly rows: readonly Row[]
  readonly tables?: readonly GrowthTable[] | undefined
}

/** Whether a row misses its bar, or failed. A row without a bar, or one that was skipped, does not. */
export function isMissed(row: Row): boolean {
  if ('failed' in row) return true
  if ('skipped' in row || row.bar === undefined) return false
  // Written so that a NaN misses.
  return 'atLeast' in row.bar ? !(row.value >= row.bar.atLeast) : !(row.value <= row.bar.atMost)
}
