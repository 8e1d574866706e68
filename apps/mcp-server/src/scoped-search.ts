import type { SearchHit, SearchPage } from '@palimpsest/core'
import type { CallingSession, ToolContext } from './registry.ts'
import { type CheckpointsSource, callerOf, isOf, type ScopeName } from './scope.ts'

/** What is looked for, and how much of it is wanted. */
interface ScopedSearchQuery {
  readonly query: string
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
  readonly dropped?: boolean | undefined
  readonly limit: number
  readonly snippetCharacters: number
  /** The `next` of the page before. */
  readonly place?: SearchPlace | undefined
}

/** Where a page goes on, among the calling session's hits and among the others; absent where there are none left. */
export interface SearchPlace {
  readonly own?: Continuation | undefined
  readonly others?: Continuation | undefined
}

interface Continuation {
  readonly cursor?: string | undefined
}

/** What a scope shows of what was found: the calling session's hits first. */
export interface ScopedHits {
  readonly hits: readonly (SearchHit & { readonly isOwn: boolean })[]
  readonly next?: SearchPlace | undefined
  /** Sessions that are not wholly indexed yet. */
  readonly waiting: number
  readonly problems: SearchPage['problems']
}

export type ScopedSearch = (query: ScopedSearchQuery, context: ToolContext) => Promise<ScopedHits>

/** The calling session takes so much of a page while others have hits too. */
const ownShare = 2 / 3
/** Pages of core's that are looked through for hits of others than the calling session. */
const mostRounds = 10

/** Search in what a client may see: a hit outside of it does not exist. `projectFolder` is absolute. */
export function scopedSearch(name: ScopeName, source: CheckpointsSource, projectFolder: string): ScopedSearch {
  return async (query, context) => {
    const caller = name === 'session' ? callerOf(context) : query.sessionKey === undefined ? context.callingSession : undefined
    const begin = { own: caller !== undefined && mayHold(caller, query) ? {} : undefined, others: name === 'session' ? undefined : {} }
    const { own, others } = query.place ?? begin
    const filter = { dropped: query.dropped, ...(name === 'project' ? { cwd: projectFolder } : {}) }
    const page = pageBuilder(await source(), query, filter, visible(name, source, projectFolder), context)
    const whole = query.limit
    let nextOwn = own
    if (own !== undefined && caller !== undefined) {
      const wanted = others === undefined ? whole : Math.ceil(whole * ownShare)
      nextOwn = await page.take(own, { agent: query.agent ?? caller.agent, sessionKey: caller.id }, wanted, () => true)
    }
    let nextOthers = others
    for (let round = 0; nextOthers !== undefined && page.size() < whole && round < mostRounds; round += 1) {
      const isOther = (hit: SearchHit) => caller === undefined || !isOf(hit, caller)
      nextOthers = await page.take(nextOthers, { agent: query.agent, sessionKey: query.sessionKey }, whole - page.size(), isOther)
    }
    if (nextOwn !== undefined && caller !== undefined && page.size() < whole) {
      nextOwn = await page.take(nextOwn, { agent: query.agent ?? caller.agent, sessionKey: caller.id }, whole - page.size(), () => true)
    }
    const isLast = nextOwn === undefined && nextOthers === undefined
    const hits = page.hits().map((hit) => ({ ...hit, isOwn: context.callingSession !== undefined && isOf(hit, context.callingSession) }))
    const inOrder = [...hits.filter((hit) => hit.isOwn), ...hits.filter((hit) => !hit.isOwn)]
    return { hits: inOrder, ...(isLast ? {} : { next: { own: nextOwn, others: nextOthers } }), ...page.state() }
  }
}

interface PageBuilder {
  /** Adds at most `limit` hits that are wanted, and gives where to go on. */
  take(
    from: Continuation,
    session: { readonly agent?: string | undefined; readonly sessionKey?: string | undefined },
    limit: number,
    isWanted: (hit: SearchHit) => boolean,
  ): Promise<Continuation | undefined>
  size(): number
  hits(): readonly SearchHit[]
  state(): Pick<ScopedHits, 'waiting' | 'problems'>
}

function pageBuilder(
  checkpoints: Awaited<ReturnType<CheckpointsSource>>,
  { query, snippetCharacters, place }: ScopedSearchQuery,
  filter: { readonly dropped: boolean | undefined; readonly cwd?: string },
  sees: (hit: SearchHit, context: ToolContext) => Promise<boolean>,
  context: ToolContext,
): PageBuilder {
  const hits: SearchHit[] = []
  // A page that goes on is not indexed for again: it would come in another order.
  let first: SearchPage | undefined = place === undefined ? undefined : { hits: [], waiting: 0, problems: [] }
  return {
    async take({ cursor }, session, limit, isWanted) {
      const page = await checkpoints.search({
        ...filter,
        ...session,
        query,
        cursor,
        limit,
        snippetCharacters,
        signal: context.signal,
        ...(first === undefined ? { onProgress: context.onProgress } : { updateMs: 0 }),
      })
      first ??= page
      for (const hit of page.hits) if (isWanted(hit) && (await sees(hit, context))) hits.push(hit)
      return page.nextCursor === undefined ? undefined : { cursor: page.nextCursor }
    },
    size: () => hits.length,
    hits: () => hits,
    state: () => ({ waiting: first?.waiting ?? 0, problems: first?.problems ?? [] }),
  }
}

/** Whether a hit lies within the scope: what the index says of a session's folder is not enough. */
function visible(name: ScopeName, source: CheckpointsSource, projectFolder: string) {
  const folders = new Map<string, string | undefined>()
  return async (hit: SearchHit, context: ToolContext): Promise<boolean> => {
    switch (name) {
      case 'all':
        return true
      case 'session':
        return isOf(hit, callerOf(context))
      case 'project': {
        const { checkpointId, agent, sessionKey } = hit
        if (!folders.has(checkpointId)) {
          const checkpoint = await (await source()).get(checkpointId, { agent, sessionKey, signal: context.signal })
          folders.set(checkpointId, checkpoint.cwd)
        }
        return folders.get(checkpointId) === projectFolder
      }
    }
  }
}

/** Whether the filters leave anything of the calling session. */
function mayHold(caller: CallingSession, { agent, sessionKey }: ScopedSearchQuery): boolean {
  const isOther = (asked: string | undefined, callers: string | undefined) =>
    asked !== undefined && callers !== undefined && asked !== callers
  return !isOther(agent, caller.agent) && !isOther(sessionKey, caller.id)
}
