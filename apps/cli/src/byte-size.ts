const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A size for people, in powers of 1024, three digits at most: `812 B`, `4.1 KiB`, `60 MiB`. */
export function byteSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1
  return `${value.toFixed(digits)} ${units[unit]}`
}
