/** A growing set of entry ids. */
export interface IdSet {
  /** Whether the id was not in it before; it is afterwards. */
  add(id: string): boolean
  /** Gives its memory back at once. It is empty afterwards. */
  free(): void
}

const smallest = 1024
const factor = (Math.random() * 2 ** 32) | 1

/** An empty set. pi's own ids have eight hex digits: as numbers they take 8 to 16 bytes each, which counts where a file has a million. */
export function idSet(): IdSet {
  const others = new Set<string>()
  let slots = new Int32Array(smallest)
  let count = 0
  let hasZero = false

  const grow = () => {
    const old = slots
    slots = new Int32Array(old.length * 2)
    for (const number of old) if (number !== 0) slots[slotOf(slots, number)] = number
    old.buffer.transfer(0)
  }
  return {
    add(id) {
      const number = numberOf(id)
      if (number === undefined) return others.size !== others.add(id).size
      // A free slot is zero.
      if (number === 0) {
        const isNew = !hasZero
        hasZero = true
        return isNew
      }
      const slot = slotOf(slots, number)
      if (slots[slot] === number) return false
      slots[slot] = number
      count += 1
      if (count * 2 > slots.length) grow()
      return true
    },
    free() {
      slots.buffer.transfer(0)
      slots = new Int32Array(smallest)
      others.clear()
      count = 0
      hasZero = false
    },
  }
}

/** The number of an id of eight hex digits in lower case; others have none. */
function numberOf(id: string): number | undefined {
  if (id.length !== 8) return undefined
  let number = 0
  for (let at = 0; at < 8; at += 1) {
    const code = id.charCodeAt(at)
    if (code >= 0x30 && code <= 0x39) number = (number << 4) | (code - 0x30)
    else if (code >= 0x61 && code <= 0x66) number = (number << 4) | (code - 0x57)
    else return undefined
  }
  return number
}

/** Where a number stands, or the free slot where it belongs. Nobody knows the factor, so that no file can be made in which all fall on one slot. */
function slotOf(slots: Int32Array, number: number): number {
  const mask = slots.length - 1
  let slot = (Math.imul(number, factor) >>> 8) & mask
  while (slots[slot] !== 0 && slots[slot] !== number) slot = (slot + 1) & mask
  return slot
}
