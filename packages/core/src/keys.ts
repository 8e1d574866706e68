import { sha256Hex } from './digest.ts'
import { CheckpointError } from './errors.ts'
import { type Key, StorageError } from './storage.ts'

const maxKeyBytes = 200
const segmentPattern = /^[a-z0-9._-]+$/
const agentPattern = /^[a-z][a-z0-9-]{0,31}$/
const reservedNames = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/

/** Accepts a key, or throws a `key` error that says what a key may be. */
export function parseKey(value: string): Key {
  if (!isKey(value))
    throw new StorageError('key', `${quoted(value)} is not a key: segments of a-z 0-9 . _ - joined by /, at most ${maxKeyBytes} bytes.`)
  return value
}

/** Accepts the beginning of a key, which may be empty or end inside a segment, or throws a `key` error. */
export function parsePrefix(value: string): string {
  if (typeof value === 'string' && (value === '' || isKey(value) || isKey(`${value}0`))) return value
  throw new StorageError('key', `${quoted(value)} can't be the beginning of a key.`)
}

/** The name of a session's ledger, and the prefix of its objects: `sessions/<digest>-<agent>`. Throws `ARGUMENT_INVALID` for an agent that can't be one. */
export function sessionName(agent: string, sessionKey: string): Key {
  if (!agentPattern.test(agent)) {
    throw new CheckpointError(
      'ARGUMENT_INVALID',
      `${quoted(agent)} can't be the name of an agent: letters a-z, digits and hyphens, at most 32.`,
      {
        argument: 'agent',
        expected: 'a name such as pi or claude-code',
      },
    )
  }
  return parseKey(`sessions/${sessionDigest(agent, sessionKey)}-${agent}`)
}

/** The agent that a session's name ends in. */
export function agentOf(name: Key): string {
  return name.slice(name.indexOf('-') + 1)
}

/** SHA-256 of agent and session key, 64 hex digits. Its first 10 stand in every checkpoint id of the session. */
export function sessionDigest(agent: string, sessionKey: string): string {
  return sha256Hex(new TextEncoder().encode(`${agent}\0${sessionKey}`))
}

function isKey(value: unknown): value is Key {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxKeyBytes) return false
  return value.split('/').every((segment) => segmentPattern.test(segment) && !segment.endsWith('.') && !reservedNames.test(segment))
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
