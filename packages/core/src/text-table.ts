import { freeBytes } from './free-bytes.ts'
import { keyedHash } from './keyed-hash.ts'
import { textPacker } from './packed-text.ts'
import { textStore } from './text-store.ts'

/** Texts, numbered from 0 as they were added. Made for a million ids: eight hex digits take about 12 bytes, a UUID about 28. */
export interface TextTable {
  readonly size: number
  /** Adds a text, an equal one too, of which `find` then gives the first. Gives whether this is the first. */
  add(text: string): boolean
  /** The number of the first equal text, which is added where there is none. */
  intern(text: string): number
  find(text: string): number | undefined
  /** Adds the eight hex digits of 32 bits, unless there is an equal text. Gives whether it did. */
  addWord(word: number): boolean
  /** The number of the first text that is the eight hex digits of these 32 bits. */
  findWord(word: number): number | undefined
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
  const numberIn = (slot: number) => {
    const found = slots[slot] ?? 0
    return found === 0 ? undefined : found - 1
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
  const put = (slot: number, text: string): number => {
    const number = texts.append(packer, text)
    slots[slot] = number + 1
    taken++
    if (taken * 4 > slots.length * 3) grow()
    return number
  }
  return {
    get size() {
      return texts.size
    },
    add(text) {
      packer.pack(text)
      const slot = slotOf(text)
      const isFirst = slots[slot] === 0
      if (isFirst) put(slot, text)
      else texts.append(packer, text)
      return isFirst
    },
    intern(text) {
      packer.pack(text)
      return numberIn(slotOf(text)) ?? put(slotOf(text), text)
    },
    find(text) {
      packer.pack(text)
      return numberIn(slotOf(text))
    },
    addWord(word) {
      packer.packWord(word)
      const slot = slotOf('')
      if (slots[slot] !== 0) return false
      put(slot, '')
      return true
    },
    findWord(word) {
      packer.packWord(word)
      return numberIn(slotOf(''))
    },
    at: texts.at,
    free() {
      freeBytes(new Uint8Array(slots.buffer))
      texts.free()
    },
  }
}
