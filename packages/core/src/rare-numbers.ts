import { leadingCount } from './leading-count.ts'

/** Numbers that few of many ascending positions have, at 16 bytes each. */
export interface RareNumbers {
  /** Positions come in ascending order. */
  add(position: number, value: number): void
  /** The number of this very position. */
  at(position: number): number | undefined
  /** The number of the last position up to this one. */
  upTo(position: number): number | undefined
}

/** None yet. */
export function rareNumbers(): RareNumbers {
  const positions: number[] = []
  const values: number[] = []
  const placeUpTo = (position: number) => leadingCount(positions.length, (place) => (positions[place] ?? 0) <= position) - 1
  return {
    add(position, value) {
      positions.push(position)
      values.push(value)
    },
    at(position) {
      const place = placeUpTo(position)
      return positions[place] === position ? values[place] : undefined
    },
    upTo: (position) => values[placeUpTo(position)],
  }
}
