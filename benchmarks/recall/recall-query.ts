import { createHash } from 'node:crypto'
import type { Origin } from './split.ts'

/** Something to look for, and what answers it. */
export interface RecallQuery extends Origin {
  readonly kind: string
  readonly text: string
  /** The keys of entries that answer it. */
  readonly answers: ReadonlySet<string>
  /** The sessions in which an answer lies. */
  readonly answerSessions: ReadonlySet<string>
}

/** At most so many of a list, the same ones on every machine: those whose hashes come first. */
export function sampled<Item>(items: readonly Item[], most: number, nameOf: (item: Item) => string): readonly Item[] {
  if (items.length <= most) return items
  return items
    .map((item) => ({ item, hash: createHash('sha256').update(nameOf(item)).digest('hex') }))
    .sort((left, right) => (left.hash < right.hash ? -1 : 1))
    .slice(0, most)
    .map(({ item }) => item)
}
