import { CheckpointError } from './errors.ts'

/** A text without the white space around it; absent when nothing is left. */
export function trimmed(text: string | undefined): string | undefined {
  const rest = text?.trim()
  return rest === undefined || rest === '' ? undefined : rest
}

/** A whole number, at least 0, or absent. Throws `ARGUMENT_INVALID` for any other number. */
export function wholeNumber(argument: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new CheckpointError('ARGUMENT_INVALID', `${argument} must be a whole number of at least 0, not ${String(value)}.`, {
    argument,
    expected: 'a whole number of at least 0',
  })
}

/** A limit within its bounds, or the default. Throws `ARGUMENT_INVALID`. */
export function limitWithin(value: number | undefined, bounds: { readonly default: number; readonly most: number }): number {
  const limit = value ?? bounds.default
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= bounds.most) return limit
  throw new CheckpointError('ARGUMENT_INVALID', `limit must be a whole number from 1 to ${bounds.most}, not ${String(value)}.`, {
    argument: 'limit',
    expected: `1 to ${bounds.most}`,
  })
}
