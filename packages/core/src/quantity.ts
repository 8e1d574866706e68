const secondMs = 1000
const durationUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['ms', 1],
  ['s', secondMs],
  ['m', 60 * secondMs],
  ['h', 3600 * secondMs],
  ['d', 86_400 * secondMs],
  ['w', 7 * 86_400 * secondMs],
])
const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ...['k', 'm', 'g', 't'].flatMap((letter, index): [string, number][] => [
    [`${letter}b`, 1000 ** (index + 1)],
    [`${letter}ib`, 1024 ** (index + 1)],
  ]),
])

/** What `parseDurationMs` accepts, for messages. */
export const durationExpected = 'a time such as 90d, 12h or 30m, or milliseconds'

/** What `parseByteCount` accepts, for messages. */
export const byteCountExpected = 'a size such as 10GB or 512MiB, or bytes'

/** `90d`, `12h`, `30m`, `45s`, `2w`, `1.5d`, or a number of milliseconds, as milliseconds; `undefined` for anything else. */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, durationUnits)
}

/** `10GB` (powers of 1000), `512MiB` (powers of 1024), `2048`, in any case, as bytes; `undefined` for anything else. */
export function parseByteCount(text: string): number | undefined {
  return parseQuantity(text, sizeUnits)
}

function parseQuantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,16}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = units.get(unit.toLowerCase())
  if (digits === '' || factor === undefined || (factor === 1 && digits.includes('.'))) return undefined
  const value = Math.round(Number(digits) * factor)
  return Number.isSafeInteger(value) ? value : undefined
}
