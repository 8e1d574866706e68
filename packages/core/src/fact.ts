/**
 * What kinds of facts a transcript holds that somebody may want back: commands that were run, files that were read or written, error lines, decisions of
 * the model, what the user asked for, URLs, commit ids, numbers with units, names in code, code that was replaced.
 */
export const factCategories = [
  'request',
  'decision',
  'error',
  'file-written',
  'command',
  'commit',
  'number',
  'url',
  'replaced-code',
  'symbol',
  'file-read',
] as const

/** The category of a fact. */
export type FactCategory = (typeof factCategories)[number]

/** A fact as it was found in an entry. */
export interface FoundFact {
  readonly category: FactCategory
  /** Verbatim, without the white space around it, and without the colours of a terminal. */
  readonly text: string
}

/** The longest text of a fact, in UTF-16 code units; of a longer one the beginning is looked for. */
export const longestFact = 2000

/** A fact that the entries dropped by a compaction hold. */
export interface DroppedFact extends FoundFact {
  /** The text is the beginning of a longer one. */
  readonly isCut: boolean
  /** Where the entry that says it first, and the one that says it last, stand in the context, from 0. */
  readonly firstPlace: number
  readonly lastPlace: number
  /** In how many of the entries it is. */
  readonly mentions: number
}
