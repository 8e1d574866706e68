import { parseTime } from './point-in-time.ts'

/** A value of the command line that can't be used: an `ARGUMENT_INVALID` that is known before the program's core is loaded. */
export class OptionInvalid extends Error {
  override readonly name = 'OptionInvalid'
  readonly details: { readonly argument: string; readonly expected?: string }

  constructor(message: string, details: OptionInvalid['details']) {
    super(message)
    this.details = details
  }
}

/** A parser of whole numbers from `minimum` to `maximum`. It throws `OptionInvalid`, as all parsers here do. */
export function wholeNumber(flag: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const expected =
    maximum === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${minimum}` : `a whole number from ${minimum} to ${maximum}`
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= minimum && value <= maximum)) throw invalid(flag, text, expected)
    return value
  }
}

/** A parser of a quantity with a unit. */
export function quantity(flag: string, parse: (text: string) => number | undefined, expected: string): (text: string) => number {
  return (text) => {
    const value = parse(text)
    if (value === undefined) throw invalid(flag, text, expected)
    return value
  }
}

/** How many a page holds. */
export const pageLimit = wholeNumber('--limit', 1, 1000)

/** A parser of one of a few words. */
export function oneOf<Word extends string>(flag: string, words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text)
    if (found === undefined) throw invalid(flag, text, `one of ${words.join(', ')}`)
    return found
  }
}

/** A parser of a point in time, to milliseconds since the epoch. */
export function pointInTime(flag: string): (text: string) => number {
  return (text) => {
    const time = parseTime(text)
    if (time === undefined)
      throw invalid(flag, text, 'an ISO date such as 2026-08-01 or 2026-08-01T14:03:00Z, or milliseconds since the epoch')
    return time
  }
}

/** Refuses options that don't go together. `flags` are those that were given. */
export function refuseTogether(flag: string, flags: readonly string[], why: string): void {
  const [other] = flags
  if (other === undefined) return
  throw new OptionInvalid(`${flag} and ${other} don't go together: ${why}`, { argument: other })
}

function invalid(flag: string, text: string, expected: string): OptionInvalid {
  return new OptionInvalid(`${flag} is ${JSON.stringify(text)}; it must be ${expected}.`, { argument: flag, expected })
}
