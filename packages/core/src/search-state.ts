import type { Environment } from './environment.ts'
import type { SessionProgress } from './search-index.ts'
import { requireSearchIndex } from './search-indexing.ts'
import type { AbortOptions } from './storage.ts'

/** What a search index holds. */
export interface SearchIndexState {
  /** Sessions of which anything is indexed. */
  readonly sessions: number
  readonly entries: number
  /** What the index takes. */
  readonly indexBytes: number
  /** The transcripts of these sessions, as far as they are indexed; of one that was rewritten, its longest state. */
  readonly transcriptBytes: number
}

/** How large the index is, and what it is of. Reads the index alone. Throws `ARGUMENT_INVALID` where there is none, `STORAGE_UNAVAILABLE`, `STORAGE_REFUSED`. */
export async function searchIndexState(environment: Environment, options: AbortOptions = {}): Promise<SearchIndexState> {
  const index = requireSearchIndex(environment)
  const names = await index.sessions(options)
  let transcriptBytes = 0
  for (const name of names) transcriptBytes += longestBytes(await index.session(name, options))
  const { entries, sizeBytes } = await index.size()
  return { sessions: names.length, entries, indexBytes: sizeBytes, transcriptBytes }
}

/** Of each part its longest stream: streams share what they have in common. */
function longestBytes(progress: SessionProgress | undefined): number {
  const byPart = new Map<string, number>()
  for (const { part, bytes } of progress?.streams ?? []) byPart.set(part, Math.max(bytes, byPart.get(part) ?? 0))
  return [...byPart.values()].reduce((sum, bytes) => sum + bytes, 0)
}
