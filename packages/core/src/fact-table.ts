import { Buffer } from 'node:buffer'
import { type DroppedFact, type FactCategory, type FoundFact, factCategories, longestFact } from './fact.ts'

/** The facts of many entries, each once, in bounded memory. */
export interface FactTable {
  /** Adds the facts of the entry at a place of the context. Places go up. */
  add(place: number, facts: readonly FoundFact[]): void
  /** In the order of the categories, within one by their first mention. */
  all(): readonly DroppedFact[]
  /** How many were left out because there were too many of their category: those that were mentioned least, and longest ago. */
  readonly leftOut: number
}

/** How many facts of a category are held, and how many code units of text they have together. */
export interface FactBounds {
  readonly mostFacts: number
  readonly mostText: number
}

const defaultBounds: FactBounds = { mostFacts: 3000, mostText: 150_000 }

interface HeldFact extends DroppedFact {
  lastPlace: number
  mentions: number
}

/** An empty table. A file that was written counts as written alone, however often it was read. */
export function factTable(bounds: FactBounds = defaultBounds): FactTable {
  const byCategory = new Map<FactCategory, CategoryFacts>(factCategories.map((category) => [category, categoryFacts(category, bounds)]))
  const written = byCategory.get('file-written')
  return {
    add(place, facts) {
      for (const { category, text } of facts) byCategory.get(category)?.add(place, text)
    },
    all() {
      return factCategories.flatMap((category) => {
        const facts = byCategory.get(category)?.best() ?? []
        return category === 'file-read' ? facts.filter(({ text }) => written?.has(text) !== true) : facts
      })
    },
    get leftOut() {
      return [...byCategory.values()].reduce((sum, facts) => sum + facts.leftOut, 0)
    },
  }
}

interface CategoryFacts {
  add(place: number, text: string): void
  has(text: string): boolean
  best(): readonly DroppedFact[]
  readonly leftOut: number
}

function categoryFacts(category: FactCategory, { mostFacts, mostText }: FactBounds): CategoryFacts {
  let held = new Map<string, HeldFact>()
  let textLength = 0
  let leftOut = 0
  /** Leaves out what is beyond the bounds. Twice as much is held in between, so that it is seldom done. */
  const shrink = (): void => {
    const ranked = [...held.values()].sort((one, other) => other.mentions - one.mentions || other.lastPlace - one.lastPlace)
    const kept = new Set<HeldFact>()
    textLength = 0
    for (const fact of ranked) {
      if (kept.size >= mostFacts || textLength + fact.text.length > mostText) break
      kept.add(fact)
      textLength += fact.text.length
    }
    leftOut += held.size - kept.size
    held = new Map([...held].filter(([, fact]) => kept.has(fact)))
  }
  const isBeyond = (factor: number) => held.size > factor * mostFacts || textLength > factor * mostText
  return {
    add(place, whole) {
      const key = whole.slice(0, longestFact)
      const known = held.get(key)
      if (known !== undefined) {
        if (known.lastPlace !== place) known.mentions += 1
        known.lastPlace = place
        return
      }
      const text = ownText(key)
      textLength += text.length
      held.set(text, { category, text, isCut: whole.length > longestFact, firstPlace: place, lastPlace: place, mentions: 1 })
      if (isBeyond(2)) shrink()
    },
    has: (text) => held.has(text.slice(0, longestFact)),
    best() {
      if (isBeyond(1)) shrink()
      return [...held.values()]
    },
    get leftOut() {
      return leftOut
    },
  }
}

/** A copy of a text: a piece of a string keeps all of it in memory. */
function ownText(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
