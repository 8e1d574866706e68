import { createHash } from 'node:crypto'

/** The SHA-256 of bytes as 64 hex digits. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The SHA-256 of bytes in base64url without padding (43 characters): a chunk's digest. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}
