import { createHash, randomBytes } from 'node:crypto'

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const highestTimeMs = 2 ** 48 - 1

/**
 * A checkpoint id: a UUIDv7 of `createdAt` (milliseconds since the epoch) that carries the first 40 bits of its session's digest, so that it
 * leads to its ledger. The last 34 bits are random, or taken from `seed`, so that two importers of one boundary make the same id.
 */
export function makeCheckpointId(options: {
  readonly createdAt: number
  readonly sessionDigest: string
  readonly seed?: string | undefined
}): string {
  const digest = BigInt(`0x${options.sessionDigest.slice(0, 10)}`)
  const time = BigInt(Math.min(Math.max(Math.trunc(options.createdAt), 0), highestTimeMs))
  const tail = tail34(
    options.seed === undefined ? randomBytes(5) : createHash('sha256').update(`${options.sessionDigest}\0${options.seed}`).digest(),
  )
  const bits = (time << 80n) | (7n << 76n) | ((digest >> 28n) << 64n) | (2n << 62n) | ((digest & 0xfffffffn) << 34n) | tail
  const hex = bits.toString(16).padStart(32, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The first 10 hex digits of the session digest that an id carries; `undefined` when it is no whole checkpoint id. */
export function digestPrefixOf(id: string): string | undefined {
  if (!isWholeCheckpointId(id)) return undefined
  const bits = BigInt(`0x${id.replaceAll('-', '')}`)
  const high = (bits >> 64n) & 0xfffn
  const low = (bits >> 34n) & 0xfffffffn
  return ((high << 28n) | low).toString(16).padStart(10, '0')
}

/** Whether a text is a whole checkpoint id. */
export function isWholeCheckpointId(id: string): boolean {
  return idPattern.test(id)
}

function tail34(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes.subarray(0, 5)) value = (value << 8n) | BigInt(byte)
  return value & ((1n << 34n) - 1n)
}
