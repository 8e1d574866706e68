import { z } from 'zod'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { foundEntries } from './found-entries.ts'
import { sessionName } from './keys.ts'
import type { IndexHit } from './search-index.ts'
import { type IndexOptions, requireSearchIndex, updateSearchIndex } from './search-indexing.ts'
import { isOfSignsAlone, type ParsedQuery, parseSearchQuery } from './search-query.ts'
import { hasSigns, type SearchHit, type ShownHit, shownHits } from './shown-hits.ts'
import type { AbortOptions, Key } from './storage.ts'
import { limitWithin, wholeNumber } from './text-input.ts'
import type { EntryRole } from './transcript.ts'

const limits = { default: 20, most: 100 }
const snippetDefault = 240
const updateDefaultMs = 5_000
/** Hits are looked at so many at a time: those that hold the query as it was written come first among them. */
const windowHits = 20
/** More of them at first where many hold the words, and signs or capitals tell what is meant from what only has the same words. */
const preciseWindowHits = 80
const mostAsked = 20_000
/** A page has fewer hits than were asked for where so many were looked at, and most say nearly the same. */
const mostLooked = 400
/** So many entries that say the same as a hit whose checkpoints are gone are tried. */
const mostSame = 1_000

/** What is looked for, and which page of what is found. */
export interface SearchQuery extends AbortOptions {
  /** Words, "phrases", `-word`, `role:`, `tool:`, `agent:`, `path:`, `before:`, `after:`, `dropped:true`; all else is taken literally. */
  readonly query: string
  /** 1 to 100, by default 20. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
  /** Only sessions of this project folder. */
  readonly cwd?: string | undefined
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** Only what compactions dropped, or only what they didn't. */
  readonly dropped?: boolean | undefined
  /** About how long a snippet is, by default 240; 0 gives none, and nothing is read back. */
  readonly snippetCharacters?: number | undefined
  /** How long to index first what is not indexed yet, by default 5,000; 0 answers from what is. */
  readonly updateMs?: number | undefined
  /** Called while it indexes. */
  readonly onProgress?: IndexOptions['onProgress']
}

/** A page of what was found, best first. */
export interface SearchPage {
  readonly hits: readonly SearchHit[]
  readonly nextCursor?: string | undefined
  /** How many sessions were not wholly indexed yet: what is missing of them was not looked into. */
  readonly waiting: number
  /** What could not be indexed or read; all else was. */
  readonly problems: readonly { readonly name: string; readonly message: string }[]
}

/** `window`: how many of the index's hits lie before the window in which the next page begins; `skip`: how many hits of it were given. */
const cursorSchema = z.object({ window: z.int().min(0), skip: z.int().min(0) })

/** Ranked entries of all sessions, each with the checkpoint to read it in. */
export async function searchEntries(environment: Environment, query: SearchQuery): Promise<SearchPage> {
  const index = requireSearchIndex(environment)
  const limit = limitWithin(query.limit, limits)
  const characters = wholeNumber('snippetCharacters', query.snippetCharacters) ?? snippetDefault
  const updateMs = wholeNumber('updateMs', query.updateMs) ?? updateDefaultMs
  const written = parseSearchQuery(query.query, environment.now())
  const parsed = narrowed(written, query)
  const cursor = query.cursor === undefined ? { window: 0, skip: 0 } : parseCursor(query.cursor)
  // It asks storage at once what changed, as the index does.
  const entries = foundEntries(environment, query)
  const { waiting, problems } = await brought(environment, updateMs, query)
  if (isOfSignsAlone(written)) return { hits: [], waiting, problems }
  const request = { ...parsed, sessions: wantedSessions(environment, query), cwd: query.cwd, signal: query.signal }
  const page = pageOf(limit)
  let { window, skip } = cursor
  let ranked: readonly IndexHit[] = []
  let asked = 0
  const isPrecise = window === 0 && hasSigns(parsed.verbatim)
  /** Asks until there are so many, or no more. */
  const fill = async (until: number) => {
    if (ranked.length >= until || ranked.length < asked || asked >= mostAsked) return
    asked = Math.min(mostAsked, Math.max(4 * asked, until))
    ranked = await index.find({ ...request, limit: asked })
  }
  const same = (hits: readonly IndexHit[]) =>
    index.same(
      hits.map((hit) => hit.fingerprint),
      { ...request, limit: mostSame },
    )
  for (;;) {
    await fill(window + windowHits)
    if (isPrecise && window === 0 && ranked.every(holdsPhrase)) await fill(preciseWindowHits)
    if (window >= ranked.length) return { hits: page.hits(), waiting, problems }
    const width = isPrecise && window === 0 ? preciseWidth(ranked) : windowHits
    const inWindow = ranked.slice(window, window + width)
    const shown = await shownHits({ found: entries, same }, inWindow, parsed, characters)
    for (const hit of shown.slice(skip)) {
      if (!page.take(hit)) return { hits: page.hits(), nextCursor: writeCursor({ window, skip }), waiting, problems }
      skip += 1
    }
    window += inWindow.length
    skip = 0
    // Whether more follows than was asked for is found out by who asks for it.
    const mayFollow = window < ranked.length || (ranked.length >= asked && asked < mostAsked)
    if ((page.isFull() || window - cursor.window >= mostLooked) && mayFollow)
      return { hits: page.hits(), nextCursor: writeCursor({ window, skip }), waiting, problems }
  }
}

/** As many as hold the words one behind the other, within bounds. */
function preciseWidth(ranked: readonly IndexHit[]): number {
  const count = ranked.findIndex((hit) => !holdsPhrase(hit))
  return Math.min(Math.max(windowHits, count === -1 ? ranked.length : count), preciseWindowHits)
}

function holdsPhrase({ holds }: IndexHit): boolean {
  return holds === 'phrase'
}

/** Takes hits until there are so many; one that says the same as another is counted there. */
function pageOf(limit: number): { take(shown: ShownHit): boolean; isFull(): boolean; hits(): readonly SearchHit[] } {
  const hits: SearchHit[] = []
  const seen = new Map<string, number>()
  return {
    hits: () => hits,
    isFull: () => hits.length === limit,
    take({ hit, sameAs }) {
      const at = seen.get(sameAs)
      const known = at === undefined ? undefined : hits[at]
      if (at !== undefined && known !== undefined) {
        hits[at] = { ...known, duplicates: (known.duplicates ?? 0) + 1 + (hit.duplicates ?? 0) }
        return true
      }
      if (hits.length === limit) return false
      seen.set(sameAs, hits.length)
      hits.push(hit)
      return true
    },
  }
}

/** Indexes what is new. An index that can't be written can still be read. */
async function brought(environment: Environment, updateMs: number, query: SearchQuery): Promise<Pick<SearchPage, 'waiting' | 'problems'>> {
  const { signal, onProgress } = query
  if (updateMs === 0) return { waiting: 0, problems: [] }
  try {
    return await updateSearchIndex(environment, { withinMs: updateMs, first: wantedSessions(environment, query), onProgress, signal })
  } catch (error) {
    signal?.throwIfAborted()
    return { waiting: 0, problems: [{ name: 'search index', message: error instanceof Error ? error.message : String(error) }] }
  }
}

function narrowed(query: ParsedQuery, { agent, role, tool, before, after, dropped }: SearchQuery): ParsedQuery {
  const { filters } = query
  return {
    ...query,
    filters: {
      ...filters,
      ...(agent === undefined ? {} : { agents: [agent] }),
      ...(role === undefined ? {} : { roles: [role] }),
      ...(tool === undefined ? {} : { tools: [tool] }),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(dropped === undefined ? {} : { dropped }),
    },
  }
}

function wantedSessions({ readers }: Environment, { agent, sessionKey }: SearchQuery): readonly Key[] | undefined {
  if (sessionKey === undefined) return undefined
  return (agent === undefined ? readers.map((reader) => reader.agent) : [agent]).map((owner) => sessionName(owner, sessionKey))
}

function writeCursor(cursor: z.infer<typeof cursorSchema>): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

function parseCursor(cursor: string): z.infer<typeof cursorSchema> {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (cause) {
    throw new CheckpointError(
      'ARGUMENT_INVALID',
      'This cursor is none that a search gave. Start again without one.',
      { argument: 'cursor', expected: 'a nextCursor' },
      { cause },
    )
  }
}
