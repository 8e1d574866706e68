/** A growing set of entry ids. */
export interface IdSet {
  /** Whether the id was not in it before; it is afterwards. */
  add(id: string): boolean
}

/** An empty set. pi's own ids have eight hex digits: as numbers they take 8 to 16 bytes each, which counts where a file has a million. */
export function idSet(): IdSet {
  const others = new Set<string>()
  let slots = new Int32Array(1024)
  let count = 0
  let hasZero = false

  const grow = () => {
    const old = slots
    slots = new Int32Array(old.length * 2)
    for (const number of old) if (number !== 0) slots[slotOf(slots, number)] = number
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

/** Where a number stands, or the free slot where it belongs. Mixed, since ids that were counted up would lie in one row. */
function slotOf(slots: Int32Array, number: number): number {
  const mask = slots.length - 1
  let slot = (Math.imul(number, 0x9e3779b1) >>> 8) & mask
  while (slots[slot] !== 0 && slots[slot] !== number) slot = (slot + 1) & mask
  return slot
}
