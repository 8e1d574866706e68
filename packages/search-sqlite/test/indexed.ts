import {
  fingerprintOf,
  type IndexHit,
  parseKey,
  parseSearchQuery,
  type SearchableEntry,
  type SearchIndex,
  type SearchRequest,
} from '@palimpsest/core'
import { createSqliteSearchIndex } from '../src/index.ts'

/** An entry as a test tells it: 100 bytes of its stream, from its line on. */
export interface Said extends Pick<SearchableEntry, 'text' | 'role' | 'tool' | 'createdAt'> {
  readonly id: string
}

interface AddOptions {
  readonly session?: string
  readonly stream?: number
  readonly at?: number
  readonly bytesOfEntry?: number
}

export function newIndex(): SearchIndex {
  return createSqliteSearchIndex({ sqlite: () => process.getBuiltinModule('node:sqlite') })
}

/** Lets a stream of a session have these entries, from its `at`th on, in one batch. */
export async function add(
  index: SearchIndex,
  said: readonly Said[],
  { session = 's', stream = 0, at = 0, bytesOfEntry = 100 }: AddOptions = {},
): Promise<void> {
  const name = parseKey(session)
  const known = (await index.session(name))?.streams.find((progress) => progress.part === 'main' && progress.stream === stream)
  const entries = said.map(({ id, ...entry }, place) => ({
    ...entry,
    part: 'main' as const,
    stream,
    line: at + place,
    start: (at + place) * bytesOfEntry,
    end: (at + place + 1) * bytesOfEntry,
    entryId: id,
    kind: entry.role === undefined ? ('state' as const) : ('message' as const),
    fingerprint: fingerprintOf(entry.text),
  }))
  const bytes = (at + said.length) * bytesOfEntry
  const to = { part: 'main' as const, stream, bytes, resume: { start: bytes, line: at + said.length }, digest: 'digest' }
  await index.add({ session: { name, agent: 'claude-code', sessionKey: session, cwd: `/${session}` }, entries, from: known, to })
}

export function find(index: SearchIndex, query: string, request: Partial<SearchRequest> = {}): Promise<readonly IndexHit[]> {
  return index.find({ ...parseSearchQuery(query, Date.now()), limit: 20, ...request })
}
