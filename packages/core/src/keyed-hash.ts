import { randomBytes } from 'node:crypto'

/**
 * HalfSipHash-1-3 of the first `count` words, as an unsigned number of 32 bits, under a key of its own: whoever writes ids into a transcript
 * can't choose them so that they all fall into one slot of a table.
 */
export function keyedHash(): (words: Uint32Array, count: number) => number {
  const key = randomBytes(8)
  const first = key.readInt32LE(0)
  const second = key.readInt32LE(4)
  return (words, count) => {
    let v0 = first
    let v1 = second
    let v2 = 0x6c796765 ^ first
    let v3 = 0x74656462 ^ second
    for (let at = 0; at < count + 4; at++) {
      const word = at < count ? (words[at] ?? 0) : at === count ? count : 0
      if (at <= count) v3 ^= word
      else if (at === count + 1) v2 ^= 0xff
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      if (at <= count) v0 ^= word
    }
    return (v1 ^ v3) >>> 0
  }
}
