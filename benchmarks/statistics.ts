/** The middle of the values, the mean of the two in the middle of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  if (upper === undefined) throw new TypeError('there is no median of nothing')
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** Median, least and most, with three digits: `63.3 [54.1..80.2] ms`. */
export function spread(values: readonly number[], unit: string): string {
  return `${digits(median(values))} [${digits(Math.min(...values))}..${digits(Math.max(...values))}] ${unit}`
}

/** A number with three digits that count, whole above 100. */
export function digits(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(size >= 10 ? 1 : 2)
}

/** Bytes as MiB. */
export function mebibytes(bytes: number): number {
  return bytes / 1024 ** 2
}

/** The value that a share of the values is at most: of 0.95, the 95th percentile, by nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new TypeError('there is no quantile of nothing')
  return value
}
