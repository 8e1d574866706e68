/** How many of `count` places in a row, from 0 on, hold, where all that hold stand before all that don't. Asks for few of them. */
export function leadingCount(count: number, holds: (place: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}
