import type { DroppedFact } from './fact.ts'
import { partsOf } from './fact-parts.ts'
import { phraseFinder } from './phrase-finder.ts'

const mostPartText = 500_000

/**
 * What is left of a fact in the context after a compaction. `whole`: its text stands there verbatim, between the ends of words · `part`: only a part
 * of it does, or it stands only in longer words · `none`: neither. Nothing is guessed: what is said there in other words has not survived.
 */
export type Survives = 'whole' | 'part' | 'none'

/** What is left of a fact, and where. */
export interface Survival {
  readonly survives: Survives
  /** Where it stands; of both, the summary. */
  readonly standsIn?: 'summary' | 'kept' | undefined
  /** With `part`: what stands there. */
  readonly part?: string | undefined
}

/** Looks for facts in the texts of the context after a compaction, each text in one pass. */
export interface SurvivalCheck {
  /** A text of the context after: of its summary, or of an entry that was kept. */
  after(source: 'summary' | 'kept', text: string): void
  /** A text that a user wrote in the context before. */
  users(text: string): void
  /** What is left of a fact, by its place among the facts. */
  survival(fact: number): Survival
  /** Whether a user's words hold the fact, or its shortest part, such as the name of the file. */
  isInUsersWords(fact: number): boolean
}

/** A check of facts. `cwd` is the session's folder: a path relative to it is a part of its path. */
export function survivalCheck(facts: readonly DroppedFact[], cwd: string | undefined): SurvivalCheck {
  const phrases: string[] = facts.map(({ text }) => text)
  let partText = 0
  const parts = facts.map((fact): readonly number[] => {
    const texts = partText < mostPartText ? partsOf(fact, cwd) : []
    return texts.map((text) => {
      partText += text.length
      return phrases.push(text) - 1
    })
  })
  const finders = new Map<'summary' | 'kept' | 'users', ReturnType<typeof foundIn>>()
  const { read, reset, found } = phraseFinder(phrases)
  let reading: 'summary' | 'kept' | 'users' | undefined
  const finish = (): void => {
    if (reading !== undefined) finders.set(reading, foundIn(phrases.length, found, finders.get(reading)))
    reset()
  }
  const readAs = (source: 'summary' | 'kept' | 'users', text: string): void => {
    if (source !== reading) {
      finish()
      reading = source
    }
    read(text)
  }
  const stands = (source: 'summary' | 'kept' | 'users', phrase: number): number => {
    if (reading !== undefined) finish()
    reading = undefined
    return finders.get(source)?.[phrase] ?? 0
  }
  return {
    after: readAs,
    users: (text) => readAs('users', text),
    survival(fact) {
      const { isCut, text } = facts[fact] ?? { isCut: false, text: '' }
      for (const source of ['summary', 'kept'] as const) {
        if (stands(source, fact) === 2)
          return isCut ? { survives: 'part', standsIn: source, part: text } : { survives: 'whole', standsIn: source }
      }
      for (const source of ['summary', 'kept'] as const) {
        const part = stands(source, fact) === 1 ? fact : parts[fact]?.find((phrase) => stands(source, phrase) === 2)
        if (part !== undefined) return { survives: 'part', standsIn: source, part: phrases[part] }
      }
      return { survives: 'none' }
    },
    isInUsersWords(fact) {
      const shortest = parts[fact]?.at(-1)
      return stands('users', fact) === 2 || (shortest !== undefined && stands('users', shortest) === 2)
    },
  }
}

/** How each phrase stands in what was read: 2 whole, 1 inside longer words, 0 not at all; the best of this and of `before`. */
function foundIn(count: number, found: (phrase: number) => 'whole' | 'inside' | 'none', before: Uint8Array | undefined): Uint8Array {
  const marks = before ?? new Uint8Array(count)
  for (let phrase = 0; phrase < count; phrase++) {
    const now = found(phrase)
    marks[phrase] = Math.max(marks[phrase] ?? 0, now === 'whole' ? 2 : now === 'inside' ? 1 : 0)
  }
  return marks
}
