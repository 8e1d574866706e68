import type { IndexedSession, RecallEntry } from './corpus.ts'
import { type RecallQuery, sampled } from './recall-query.ts'

const mostQueries = 4000
const fewestWords = 3

/**
 * What a shell call was for, in the agent's own words, which are not in the index: the entry that holds the call is the answer. Copies of the call, as
 * a sub-agent's progress has them, answer too, and so does every call that was described in the same words.
 */
export function purposeToCommand(sessions: readonly IndexedSession[]): readonly RecallQuery[] {
  const byPurpose = new Map<string, { readonly session: IndexedSession; readonly entry: RecallEntry }[]>()
  for (const session of sessions) {
    for (const entry of session.entries.values()) {
      for (const { description } of entry.calls) {
        const purpose = description?.trim() ?? ''
        if (purpose.split(/\s+/).length < fewestWords) continue
        byPurpose.set(purpose, [...(byPurpose.get(purpose) ?? []), { session, entry }])
      }
    }
  }
  const queries = [...byPurpose].flatMap(([text, found]): readonly RecallQuery[] => {
    const [first] = found
    if (first === undefined) return []
    return [
      {
        kind: 'purpose',
        text,
        session: first.session.name,
        turn: first.entry.turn,
        answers: new Set(found.map(({ entry }) => entry.key)),
        answerSessions: new Set(found.map(({ session }) => session.name)),
      },
    ]
  })
  return sampled(queries, mostQueries, ({ text }) => text)
}
