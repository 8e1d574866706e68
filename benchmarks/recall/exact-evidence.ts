import type { Host } from '@palimpsest/host'
import { entryKey, type IndexedSession, type RecallEntry } from './corpus.ts'
import { commandLine, type Evidence, errorLines, pathsIn } from './evidence.ts'
import type { PlainEngine } from './plain-engine.ts'
import { type RecallQuery, sampled } from './recall-query.ts'

/** Beyond that a large corpus only takes longer. */
const mostOfAKind = 2000
/** Entries that are looked through for a second occurrence. */
const mostOccurrences = 50

/**
 * Every error line, command and path that stood in one entry of the corpus alone, in one that a compaction dropped, and not in that compaction's summary:
 * exactly what nobody but a search gives back. An entry answers what stood in it.
 */
export async function exactEvidence(host: Host, sessions: readonly IndexedSession[], plain: PlainEngine): Promise<readonly RecallQuery[]> {
  const entries = new Map(sessions.flatMap((session) => [...session.entries].map(([key, entry]) => [key, { session, entry }] as const)))
  const queries = new Map<string, RecallQuery>()
  for (const [key, summaries] of await droppedEntries(host, sessions)) {
    const found = entries.get(key)
    if (found === undefined || found.entry.ambiguous) continue
    for (const { kind, text } of evidenceIn(found.entry)) {
      if (queries.has(`${kind}\n${text}`) || summaries.some((summary) => summary.includes(text))) continue
      const others = plain.phrase(text, mostOccurrences).filter((other) => other !== key)
      if (others.some((other) => entries.get(other)?.entry.text.includes(text) === true)) continue
      queries.set(`${kind}\n${text}`, {
        kind,
        text,
        session: found.session.name,
        turn: found.entry.turn,
        answers: new Set([key]),
        answerSessions: new Set([found.session.name]),
      })
    }
  }
  const all = [...queries.values()]
  return ['error', 'command', 'path'].flatMap((kind) =>
    sampled(
      all.filter((query) => query.kind === kind),
      mostOfAKind,
      ({ text }) => text,
    ),
  )
}

/** What of an entry would be looked for: error lines of tools' results, commands that were run, paths anywhere. */
function evidenceIn(entry: Pick<RecallEntry, 'role' | 'text' | 'calls'>): readonly Evidence[] {
  const errors = entry.role === 'tool' ? errorLines(entry.text) : []
  const commands = entry.calls.map(({ command }) => commandLine(command)).filter((command) => command !== undefined)
  return [
    ...errors.map((text) => ({ kind: 'error', text }) as const),
    ...commands.map((text) => ({ kind: 'command', text }) as const),
    ...pathsIn(entry.text).map((text) => ({ kind: 'path', text }) as const),
  ]
}

/** By key, the entries that a compaction dropped, with the summaries of the compactions that did. */
async function droppedEntries(host: Host, sessions: readonly IndexedSession[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const dropped = new Map<string, string[]>()
  for (const { name, agent, sessionKey } of sessions) {
    for (const id of await completeCheckpoints(host, agent, sessionKey)) {
      const { summary = '' } = await host.checkpoints.get(id)
      for (let from: number | undefined = 0; from !== undefined; ) {
        const page: Awaited<ReturnType<typeof host.checkpoints.read>> = await host.checkpoints.read(id, {
          view: 'context',
          dropped: true,
          from,
          limit: 1000,
        })
        for (const entry of page.entries) {
          const key = entryKey(name, 'main', entry.id)
          dropped.set(key, [...(dropped.get(key) ?? []), summary])
        }
        from = page.next
      }
    }
  }
  return dropped
}

async function completeCheckpoints(host: Host, agent: string, sessionKey: string): Promise<readonly string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await host.checkpoints.list({ agent, sessionKey, limit: 100, ...(cursor === undefined ? {} : { cursor }) })
    for (const { id, status } of page.checkpoints) if (status === 'complete') ids.push(id)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return ids
}
