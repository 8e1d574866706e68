import type { IndexedSession } from './corpus.ts'
import type { Answered } from './measure.ts'

/** What was not found first, for whoever improves the ranking: what was asked, where the answer was, and what stood before it. */
export function missesMarkdown(answered: readonly Answered[], sessions: readonly IndexedSession[], most: number): string {
  const entries = new Map(sessions.flatMap((session) => [...session.entries]))
  const missed = answered.filter(({ entryRank }) => entryRank !== 1)
  const lines = missed
    .slice(0, most)
    .flatMap(({ query, entryRank, found }) => [
      `- ${query.kind}, rank ${entryRank ?? 'none'}: ${JSON.stringify(query.text)}`,
      ...[...query.answers].slice(0, 2).map((key) => `    - answer: ${shown(entries.get(key)?.text, query.text)}`),
      ...found.slice(0, 3).map(({ text }, at) => `    - hit ${at + 1}: ${shown(text, query.text)}`),
    ])
  return [`${missed.length} of ${answered.length} not first${missed.length > most ? `; ${most} of them` : ''}`, '', ...lines, ''].join('\n')
}

/** The part of a text around the first of the query's words that stands in it. */
function shown(text: string | undefined, query: string): string {
  if (text === undefined) return '(nothing)'
  const at = query
    .split(/\s+/)
    .map((word) => text.indexOf(word))
    .find((place) => place >= 0)
  const start = Math.max(0, (at ?? 0) - 60)
  return JSON.stringify(text.slice(start, start + 220))
}
