import type { DroppedFact, FactCategory } from './fact.ts'
import type { Survival } from './survival.ts'

/** How much a fact of each category is worth by itself: first what the user and the model said, then what was done, then what can be looked up again. */
const weights: Readonly<Record<FactCategory, number>> = {
  request: 6,
  decision: 4.5,
  error: 4.5,
  'file-written': 4,
  command: 3,
  commit: 3,
  number: 2.5,
  url: 2.5,
  'replaced-code': 2,
  symbol: 1.5,
  'file-read': 1.5,
}

/**
 * How much a fact mattered, as far as the transcript shows it: by its category, more where later entries came back to it, where it stands in the user's
 * words, and where it was said last not long before the compaction; half of it where a part survives. The same input gives the same number.
 */
export function importanceOf(
  fact: DroppedFact,
  about: { readonly entries: number; readonly isInUsersWords: boolean; readonly survival: Survival },
): number {
  const later = Math.min(3, Math.log2(fact.mentions))
  const recent = about.entries <= 1 ? 1 : fact.lastPlace / (about.entries - 1)
  const users = about.isInUsersWords && fact.category !== 'request' ? 2 : 0
  const whole = weights[fact.category] + later + users + 1.5 * recent
  return Math.round((about.survival.survives === 'part' ? whole / 2 : whole) * 100) / 100
}
