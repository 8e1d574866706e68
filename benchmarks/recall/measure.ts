import { performance } from 'node:perf_hooks'
import type { FoundEntry, RecallEngine } from './engine.ts'
import type { RecallQuery } from './recall-query.ts'
import { rankOf } from './scoring.ts'

/** How many hits are asked for. */
const hitLimit = 20

/** How one engine answered one query. */
export interface Answered {
  readonly query: RecallQuery
  /** Place of the first entry that answers, from 1; `undefined` where none was found. */
  readonly entryRank: number | undefined
  /** Place of the first session that holds an answer, among the sessions in the order in which they were found. */
  readonly sessionRank: number | undefined
  readonly ms: number
  readonly found: readonly FoundEntry[]
}

/** Asks an engine everything, one query after the other. */
export async function measure(
  engine: RecallEngine,
  queries: readonly RecallQuery[],
  limit: number = hitLimit,
): Promise<readonly Answered[]> {
  const answered: Answered[] = []
  for (const query of queries) {
    const start = performance.now()
    const found = await engine.search(query.text, limit)
    const ms = performance.now() - start
    answered.push({
      query,
      entryRank: rankOf(
        found.map(({ key }) => key),
        (key) => query.answers.has(key),
      ),
      sessionRank: rankOf(
        found.map(({ session }) => session),
        (session) => query.answerSessions.has(session),
      ),
      ms,
      found,
    })
  }
  return answered
}
