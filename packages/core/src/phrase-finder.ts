/** Finds which of many phrases stand in texts, each text in one pass whatever their number. Exact: by code units, case and all. */
export interface PhraseFinder {
  /** Looks through a text; a phrase is found within it alone, never across two texts. */
  read(text: string): void
  /** How a phrase, by its number, stands in what was read since the last `reset`. */
  found(phrase: number): PhraseFound
  /** Forgets what was found. */
  reset(): void
}

/** `whole`: between the ends of words · `inside`: only in longer words, as `5 ms` does in `15 ms` · `none`: not at all. */
type PhraseFound = 'whole' | 'inside' | 'none'

const isInside = 1
const isWhole = 2

/**
 * A finder of phrases, none of them empty (Aho and Corasick 1975). A text costs a look-up for each of its code units, and a step for each phrase that ends
 * there and was not found yet. Memory is about 50 bytes for a code unit of the phrases.
 */
export function phraseFinder(phrases: readonly string[]): PhraseFinder {
  const trie = trieOf(phrases)
  const { links, phraseAt } = withSuffixLinks(trie)
  const lengths = Int32Array.from(phrases, ({ length }) => length)
  const numberOf = Int32Array.from(phrases, (phrase) => phraseAt[trie.find(phrase)] ?? -1)
  const state = new Uint8Array(phrases.length)
  // Links that pass over phrases about which nothing more can be learnt.
  let wholeLinks = links.outputs.slice()
  let insideLinks = links.outputs.slice()
  const next = (outputs: Int32Array, node: number, done: number): number => {
    let target = outputs[node] ?? 0
    while (target !== 0 && (state[phraseAt[target] ?? 0] ?? 0) >= done) target = outputs[target] ?? 0
    outputs[node] = target
    return target
  }
  const note = (node: number, end: number, text: string, endsWord: boolean): void => {
    const outputs = endsWord ? wholeLinks : insideLinks
    const done = endsWord ? isWhole : isInside
    for (let at = (phraseAt[node] ?? -1) === -1 ? next(outputs, node, done) : node; at !== 0; at = next(outputs, at, done)) {
      const phrase = phraseAt[at] ?? -1
      const start = end - (lengths[phrase] ?? 0)
      const startsWord = start === 0 || !isWordUnit(text.charCodeAt(start)) || !isWordUnit(text.charCodeAt(start - 1))
      state[phrase] = Math.max(state[phrase] ?? 0, endsWord && startsWord ? isWhole : isInside)
    }
  }
  return {
    read(text) {
      let node = 0
      for (let at = 0; at < text.length; at++) {
        const unit = text.charCodeAt(at)
        let child = trie.child(node, unit)
        while (child === 0 && node !== 0) {
          node = links.suffixes[node] ?? 0
          child = trie.child(node, unit)
        }
        node = child
        if (node === 0) continue
        const isEnd = (phraseAt[node] ?? -1) !== -1 || (links.outputs[node] ?? 0) !== 0
        if (isEnd) note(node, at + 1, text, at + 1 === text.length || !isWordUnit(unit) || !isWordUnit(text.charCodeAt(at + 1)))
      }
    },
    found(phrase) {
      const found = state[numberOf[phrase] ?? -1] ?? 0
      return found === isWhole ? 'whole' : found === isInside ? 'inside' : 'none'
    },
    reset() {
      state.fill(0)
      wholeLinks = links.outputs.slice()
      insideLinks = links.outputs.slice()
    },
  }
}

/** Whether a code unit is part of a word: letters of ASCII, Latin, Greek and Cyrillic, digits, the underscore. */
function isWordUnit(unit: number): boolean {
  if (unit < 128) return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90) || (unit >= 48 && unit <= 57) || unit === 95
  return unit >= 0xc0 && unit <= 0x52f && unit !== 0xd7 && unit !== 0xf7
}

/** The phrases as paths of code units from the root, which is 0. Children are found by hash: a node may have 65,536 of them. */
interface Trie {
  readonly size: number
  /** 0 where there is none. */
  child(node: number, unit: number): number
  find(phrase: string): number
  readonly parents: Int32Array
  readonly units: Uint16Array
  readonly depths: Int32Array
  /** The number of the first phrase that ends at a node, or -1. */
  readonly phraseAt: Int32Array
}

function trieOf(phrases: readonly string[]): Trie {
  const most = phrases.reduce((sum, { length }) => sum + length, 1)
  const bits = Math.max(4, Math.ceil(Math.log2(most * 2)))
  const mask = 2 ** bits - 1
  const slots = new Int32Array(2 ** bits)
  const parents = new Int32Array(most)
  const units = new Uint16Array(most)
  const depths = new Int32Array(most)
  const phraseAt = new Int32Array(most).fill(-1)
  let size = 1
  const slotOf = (node: number, unit: number): number => {
    let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit + 1, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    let slot = (hash ^ (hash >>> 13)) & mask
    for (let found = slots[slot] ?? 0; found !== 0; found = slots[slot] ?? 0) {
      if (parents[found] === node && units[found] === unit) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }
  const child = (node: number, unit: number): number => slots[slotOf(node, unit)] ?? 0
  for (const [number, phrase] of phrases.entries()) {
    let node = 0
    for (let at = 0; at < phrase.length; at++) {
      const unit = phrase.charCodeAt(at)
      const slot = slotOf(node, unit)
      let found = slots[slot] ?? 0
      if (found === 0) {
        found = size++
        slots[slot] = found
        parents[found] = node
        units[found] = unit
        depths[found] = at + 1
      }
      node = found
    }
    if (phraseAt[node] === -1) phraseAt[node] = number
  }
  const find = (phrase: string): number => {
    let node = 0
    for (let at = 0; at < phrase.length; at++) node = child(node, phrase.charCodeAt(at))
    return node
  }
  return { size, child, find, parents, units, depths, phraseAt }
}

/** Where to go on when a node has no child, and the nearest shorter phrase that ends where a node does. */
interface SuffixLinks {
  readonly suffixes: Int32Array
  readonly outputs: Int32Array
}

function withSuffixLinks(trie: Trie): { readonly links: SuffixLinks; readonly phraseAt: Int32Array } {
  const { size, parents, units, phraseAt } = trie
  const suffixes = new Int32Array(size)
  const outputs = new Int32Array(size)
  for (const node of byDepth(trie)) {
    const parent = parents[node] ?? 0
    const unit = units[node] ?? 0
    let suffix = parent === 0 ? 0 : (suffixes[parent] ?? 0)
    let target = parent === 0 ? 0 : trie.child(suffix, unit)
    while (target === 0 && suffix !== 0) {
      suffix = suffixes[suffix] ?? 0
      target = trie.child(suffix, unit)
    }
    suffixes[node] = target
    outputs[node] = (phraseAt[target] ?? -1) === -1 ? (outputs[target] ?? 0) : target
  }
  return { links: { suffixes, outputs }, phraseAt }
}

/** The nodes but the root, shorter paths first. */
function byDepth({ size, depths }: Trie): Int32Array {
  const deepest = depths.subarray(0, size).reduce((most, depth) => Math.max(most, depth), 0)
  const starts = new Int32Array(deepest + 2)
  for (let node = 1; node < size; node++) starts[(depths[node] ?? 0) + 1] = (starts[(depths[node] ?? 0) + 1] ?? 0) + 1
  for (let depth = 1; depth < starts.length; depth++) starts[depth] = (starts[depth] ?? 0) + (starts[depth - 1] ?? 0)
  const order = new Int32Array(size - 1)
  for (let node = 1; node < size; node++) {
    const depth = depths[node] ?? 0
    const at = starts[depth] ?? 0
    order[at] = node
    starts[depth] = at + 1
  }
  return order
}
