/** Numbers that few of many ascending positions have, at 16 bytes each. */
export interface RareNumbers {
  /** Positions come in ascending order. */
  add(position: number, value: number): void
  /** The number of the last position up to this one. */
  upTo(position: number): { readonly position: number; readonly value: number } | undefined
}

/** None yet. */
export function rareNumbers(): RareNumbers {
  const positions: number[] = []
  const values: number[] = []
  const at = (place: number) => {
    const [position, value] = [positions[place], values[place]]
    return position === undefined || value === undefined ? undefined : { position, value }
  }
  return {
    add(position, value) {
      positions.push(position)
      values.push(value)
    },
    upTo(position) {
      let low = 0
      let high = positions.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((positions[middle] ?? 0) <= position) low = middle + 1
        else high = middle
      }
      return at(low - 1)
    },
  }
}
