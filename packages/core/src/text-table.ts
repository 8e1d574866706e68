import { freeBytes } from './free-bytes.ts'
import { keyedHash } from './keyed-hash.ts'
import { textPacker } from './packed-text.ts'
import { textStore } from './text-store.ts'

/** Texts, numbered from 0 as they were added. Made for a million ids: eight hex digits take about 12 bytes, a UUID about 28. */
export interface TextTable {
  readonly size: number
  /** The number of the new text. Of equal texts each gets one of its own, and `find` gives the first. */
  add(text: string): number
  /** The number of the first equal text, which is added where there is none. */
  intern(text: string): number
  find(text: string): number | undefined
  /** The text of a number that was given. */
  at(number: number): string
  /** Gives the memory back now, instead of when it is noticed that nobody holds the table any more. It is not to be used afterwards. */
  free(): void
}

/** An empty table. Slots are open-addressed under a keyed hash, so that no choice of texts makes it slow. */
export function textTable(): TextTable {
  const hash = keyedHash()
  const packer = textPacker()
  const texts = textStore()
  /** Numbers + 1; at most three quarters of them are taken. */
  let slots = new Int32Array(256)
  let taken = 0
  /** The slot of the packed text, or the free one where it belongs. */
  const slotOf = (text: string): number => {
    const mask = slots.length - 1
    for (let slot = hash(packer.words, packer.count) & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot] ?? 0
      if (found === 0 || texts.equals(found - 1, packer, text)) return slot
    }
  }
  const grow = () => {
    const old = slots
    slots = new Int32Array(old.length * 2)
    const mask = slots.length - 1
    for (const found of old) {
      if (found === 0) continue
      let slot = texts.hashOf(found - 1, hash) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = found
    }
    freeBytes(new Uint8Array(old.buffer))
  }
  const placed = (text: string, isNew: boolean): number => {
    packer.pack(text)
    const slot = slotOf(text)
    const found = slots[slot] ?? 0
    if (found !== 0 && !isNew) return found - 1
    const number = texts.append(packer, text)
    if (found !== 0) return number
    slots[slot] = number + 1
    taken++
    if (taken * 4 > slots.length * 3) grow()
    return number
  }
  return {
    get size() {
      return texts.size
    },
    add: (text) => placed(text, true),
    intern: (text) => placed(text, false),
    find(text) {
      packer.pack(text)
      const found = slots[slotOf(text)] ?? 0
      return found === 0 ? undefined : found - 1
    },
    at: (number) => texts.at(number),
    free() {
      freeBytes(new Uint8Array(slots.buffer))
      texts.free()
    },
  }
}
