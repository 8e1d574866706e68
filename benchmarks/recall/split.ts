import { createHash } from 'node:crypto'

/** Ranking is tuned on `dev` alone; `test` says what that is worth. */
export type Split = 'dev' | 'test'

/** Below so many sessions their hashes would make halves of very different sizes, or leave one empty. */
const fewestSessions = 20

/** Where a query comes from. */
export interface Origin {
  readonly session: string
  /** Within the session. */
  readonly turn: string
}

/** The half of a text, by its hash: the same on every machine and in every run. */
export function splitOf(text: string): Split {
  return (createHash('sha256').update(text).digest()[0] ?? 0) < 128 ? 'dev' : 'test'
}

/** How the queries of a task are split: by session, and by turn where they come from fewer than 20 sessions. */
export function splitter(origins: Iterable<Origin>): { readonly by: 'session' | 'turn'; of(origin: Origin): Split } {
  const sessions = new Set<string>()
  for (const { session } of origins) sessions.add(session)
  if (sessions.size >= fewestSessions) return { by: 'session', of: ({ session }) => splitOf(session) }
  return { by: 'turn', of: ({ session, turn }) => splitOf(`${session}\n${turn}`) }
}
