/**
 * Gives the memory of bytes back now. V8 lets 64 MB of dead ones gather before it looks for them, which is more than all that we may take.
 * Only for bytes that nobody else holds: they are gone for everybody afterwards. Bytes that are less than half of their buffer stay, since they
 * may share it: what Node cuts from its pool is always less.
 */
export function freeBytes({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array | Int32Array): void {
  if (!(buffer instanceof ArrayBuffer) || byteOffset !== 0) return
  if (byteLength > 0 && byteLength * 2 >= buffer.byteLength) buffer.transfer(0)
}

/**
 * Gives a buffer that zlib fills piece by piece back with the piece that ends it. A shorter one stays: what is made next may begin behind it. All
 * pieces of the buffer must have been used.
 */
export function freeEnded({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteOffset + byteLength === buffer.byteLength && !buffer.detached) buffer.transfer(0)
}
