import { hash } from 'node:crypto'

/** A growing set of entry ids. */
export interface IdSet {
  /** Whether the id was not in it before; it is afterwards. */
  add(id: string): boolean
  has(id: string): boolean
}

/** The four words of a UUID, as they stand in a slot. A free slot is all zero. */
type Words = readonly [number, number, number, number]

/**
 * An empty set. An id takes 32 to 64 bytes in it, so that the ids of a transcript of a gigabyte fit into bounded memory: a UUID as it is, any
 * other by 128 bits of its SHA-256.
 */
export function idSet(): IdSet {
  let slots = new Uint32Array(4 * 1024)
  let count = 0

  const grow = () => {
    const old = slots
    slots = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += 4) {
      if (isFree(old, at)) continue
      const words: Words = [old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0, old[at + 3] ?? 0]
      slots.set(words, slotOf(slots, words))
    }
  }
  return {
    add(id) {
      const words = wordsOf(id) ?? digestWords(id)
      const at = slotOf(slots, words)
      if (!isFree(slots, at)) return false
      slots.set(words, at)
      count++
      if (count * 8 > slots.length) grow()
      return true
    },
    has(id) {
      return !isFree(slots, slotOf(slots, wordsOf(id) ?? digestWords(id)))
    },
  }
}

/** The words of a UUID in lower case that is not nil; other ids have none. */
function wordsOf(id: string): Words | undefined {
  if (id.length !== 36) return undefined
  const words: [number, number, number, number] = [0, 0, 0, 0]
  let digits = 0
  for (let at = 0; at < 36; at++) {
    const code = id.charCodeAt(at)
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (code !== 0x2d) return undefined
      continue
    }
    const digit = digitOf(code)
    if (digit === undefined) return undefined
    const word = digits++ >> 3
    words[word] = ((words[word] ?? 0) << 4) | digit
  }
  const [a, b, c, d] = words
  return (a | b | c | d) === 0 ? undefined : [a >>> 0, b >>> 0, c >>> 0, d >>> 0]
}

function digestWords(id: string): Words {
  const digest = hash('sha256', id, 'buffer')
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12)]
}

function digitOf(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : undefined
}

/** Where the words stand, or the free slot where they belong. At least half of the slots are always free. */
function slotOf(slots: Uint32Array, [a, b, c, d]: Words): number {
  const mask = slots.length / 4 - 1
  for (let slot = (a ^ b ^ c ^ d) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * 4
    if (isFree(slots, at) || (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d)) return at
  }
}

function isFree(slots: Uint32Array, at: number): boolean {
  return slots[at] === 0 && slots[at + 1] === 0 && slots[at + 2] === 0 && slots[at + 3] === 0
}
