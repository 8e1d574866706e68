import { byteCountExpected, CheckpointError, durationExpected, parseByteCount, parseDurationMs, type Retention } from '@palimpsest/core'
import { z } from 'zod'

const countExpected = 'a whole number of at least 1'

/** The retention in the user's file: times as `"90d"` or milliseconds, sizes as `"10GB"` or bytes. */
export const retentionSchema = z.strictObject({
  maxCheckpoints: z.int().min(1).optional(),
  maxAge: quantity(parseDurationMs, durationExpected).optional(),
  maxBytes: quantity(parseByteCount, byteCountExpected).optional(),
})

/** The retention, each limit from its variable where that is set, else from the file; the source is the highest of them. */
export function resolveRetention(
  env: Readonly<Record<string, string | undefined>>,
  fromFile: z.infer<typeof retentionSchema> | undefined,
): { readonly retention: Retention; readonly retentionSource: 'environment' | 'file' | 'default' } {
  const counted = variable(env, 'PALIMPSEST_MAX_CHECKPOINTS', parseCount, countExpected)
  const age = variable(env, 'PALIMPSEST_MAX_AGE', parseDurationMs, durationExpected)
  const bytes = variable(env, 'PALIMPSEST_MAX_BYTES', parseByteCount, byteCountExpected)
  const maxCheckpoints = counted ?? fromFile?.maxCheckpoints
  const maxAgeMs = age ?? fromFile?.maxAge
  const maxBytes = bytes ?? fromFile?.maxBytes
  const retention: Retention = {
    ...(maxCheckpoints === undefined ? {} : { maxCheckpoints }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  }
  if ((counted ?? age ?? bytes) !== undefined) return { retention, retentionSource: 'environment' }
  return { retention, retentionSource: Object.keys(retention).length > 0 ? 'file' : 'default' }
}

function quantity(parse: (text: string) => number | undefined, expected: string) {
  return z.union([z.string(), z.int()]).transform((value, context) => {
    const parsed = typeof value === 'number' && value < 0 ? undefined : parse(String(value))
    if (parsed !== undefined && parsed > 0) return parsed
    context.addIssue({ code: 'custom', message: `it must be ${expected}` })
    return z.NEVER
  })
}

function variable(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  parse: (text: string) => number | undefined,
  expected: string,
): number | undefined {
  const text = (env[name] ?? '').trim()
  if (text === '') return undefined
  const value = parse(text)
  if (value !== undefined && value > 0) return value
  const message = `${name} is ${JSON.stringify(text)}, not ${expected}. Unset it to go without this limit.`
  throw new CheckpointError('ARGUMENT_INVALID', message, { argument: name, expected })
}

function parseCount(text: string): number | undefined {
  const count = Number(text)
  return /^[0-9]+$/.test(text) && Number.isSafeInteger(count) ? count : undefined
}
