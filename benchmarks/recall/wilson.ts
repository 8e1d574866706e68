/** Bounds of a share, from 0 to 1. */
export interface Interval {
  readonly low: number
  readonly high: number
}

const z95 = 1.959963984540054

/** Wilson's 95 % interval of a share: `hits` of `count`. Unlike the normal approximation it holds near 0 and 1 and for few; of none it is [0, 1]. */
export function wilson(hits: number, count: number): Interval {
  if (!Number.isInteger(hits) || !Number.isInteger(count) || hits < 0 || hits > count) {
    throw new TypeError(`${hits} of ${count} is no share`)
  }
  if (count === 0) return { low: 0, high: 1 }
  const share = hits / count
  const z2 = z95 ** 2
  const centre = share + z2 / (2 * count)
  const margin = z95 * Math.sqrt((share * (1 - share) + z2 / (4 * count)) / count)
  const whole = 1 + z2 / count
  // Exact at the ends, where the subtraction leaves rounding behind.
  return { low: hits === 0 ? 0 : (centre - margin) / whole, high: hits === count ? 1 : (centre + margin) / whole }
}
