import type { Checkpoint, Checkpoints, ListedCheckpoint, WithinSession } from '@palimpsest/core'
import { oneLine } from './plain-text.ts'
import type { CallingSession, ToolContext } from './registry.ts'
import { isCheckpointError, ToolProblem } from './tool-problem.ts'

/** What a server shows: everything, the sessions of its project folder, or the calling session alone. */
export type ScopeName = 'all' | 'project' | 'session'

/** A page of what a scope shows; `next` goes into the query of the following page. */
interface ScopedPage {
  readonly checkpoints: readonly ListedCheckpoint[]
  readonly next?: ScopedPlace | undefined
}

/** Where a page begins: among the calling session's checkpoints, or among the others. */
interface ScopedPlace {
  readonly among: 'own' | 'others'
  readonly cursor?: string | undefined
}

interface ScopedQuery {
  readonly agent?: string | undefined
  readonly sessionKey?: string | undefined
  readonly limit: number
  readonly place?: ScopedPlace | undefined
}

/** The checkpoints that a client may see. What lies outside does not exist for it. */
export interface Scope {
  /** The calling session's first, then the others; each newest first. */
  list(query: ScopedQuery, context: ToolContext): Promise<ScopedPage>
  /** `latest` and `latest~n` mean the calling session where it has checkpoints. Throws as core's `get` does. */
  get(id: string, within: WithinSession, context: ToolContext): Promise<Checkpoint>
  isOwn(checkpoint: Checkpoint, context: ToolContext): boolean
}

/** How a scope gets at the service: nothing is opened before the first call. */
export type CheckpointsSource = () => Promise<Checkpoints>

/** `projectFolder` is absolute. */
export function scopeOf(name: ScopeName, source: CheckpointsSource, projectFolder: string): Scope {
  const sees = (checkpoint: Checkpoint, context: ToolContext): boolean => {
    switch (name) {
      case 'all':
        return true
      case 'project':
        return checkpoint.cwd === projectFolder
      case 'session':
        return isOf(checkpoint, callerOf(context))
    }
  }
  return {
    isOwn: (checkpoint, { callingSession }) => callingSession !== undefined && isOf(checkpoint, callingSession),
    list: async (query, context) => {
      const caller = name === 'session' ? callerOf(context) : query.sessionKey === undefined ? context.callingSession : undefined
      const checkpoints = await source()
      const filter = name === 'project' ? { cwd: projectFolder } : {}
      const page = await pageOf(checkpoints, { ...query, filter, onlyOwn: name === 'session' }, caller, context.signal)
      // A row whose record is damaged lacks its folder; core has compared the session's own.
      const shown = page.checkpoints.filter((checkpoint) => checkpoint.problem !== undefined || sees(checkpoint, context))
      return { ...page, checkpoints: shown }
    },
    get: async (id, within, context) => {
      if (name === 'session') callerOf(context)
      const checkpoints = await source()
      const isVisible = (checkpoint: Checkpoint) => sees(checkpoint, context)
      const session = await sessionMeant(checkpoints, id, within, isVisible, context)
      const narrowed = { ...within, ...session, signal: context.signal }
      if (name === 'all') return checkpoints.get(id, narrowed)
      const found = await visible(checkpoints, id, narrowed, isVisible, { cwd: name === 'project' ? projectFolder : undefined })
      if (found !== undefined) return found
      throw new ToolProblem('CHECKPOINT_NOT_FOUND', `There is no checkpoint "${oneLine(id, 64)}" in this ${name}.`, [
        'list_checkpoints {} shows the ids there are; this server shows no others.',
      ])
    },
  }
}

/** The session that calls. Throws a `ToolProblem` where nobody knows it. */
export function callerOf(context: ToolContext): CallingSession {
  if (context.callingSession !== undefined) return context.callingSession
  throw new ToolProblem(
    'SESSION_NOT_FOUND',
    'This server shows the calling session alone, and its client does not say which one that is.',
    [
      'tell the user to set CLAUDE_CODE_SESSION_ID to the session id in the environment of `palimpsest mcp`, or to start it with --scope project.',
    ],
  )
}

/** Whether something is of a session. */
export function isOf(checkpoint: Pick<Checkpoint, 'agent' | 'sessionKey' | 'sessionId'>, session: CallingSession): boolean {
  const sameAgent = session.agent === undefined || checkpoint.agent === session.agent
  return sameAgent && (checkpoint.sessionKey === session.id || checkpoint.sessionId === session.id)
}

interface PageRequest extends ScopedQuery {
  readonly filter: { readonly cwd?: string }
  readonly onlyOwn: boolean
}

const mostRounds = 50

async function pageOf(
  checkpoints: Checkpoints,
  request: PageRequest,
  caller: CallingSession | undefined,
  signal: AbortSignal,
): Promise<ScopedPage> {
  const { agent, sessionKey, limit, filter } = request
  const excluded = (asked: string | undefined, callers: string | undefined) =>
    asked !== undefined && callers !== undefined && asked !== callers
  const ownAsked = caller !== undefined && !excluded(agent, caller.agent) && !excluded(sessionKey, caller.id)
  const found: ListedCheckpoint[] = []
  let place: ScopedPlace | undefined = request.place ?? { among: caller === undefined ? 'others' : 'own' }
  // Each round asks for no more than still fits, so that a page always ends where one of core's does.
  for (let round = 0; place !== undefined && found.length < limit && round < mostRounds; round++) {
    signal.throwIfAborted()
    const own: boolean = place.among === 'own'
    const skipped = own ? !ownAsked : request.onlyOwn
    const page: Awaited<ReturnType<Checkpoints['list']>> = skipped
      ? { checkpoints: [], problems: [] }
      : await checkpoints.list({
          ...filter,
          agent: own ? (agent ?? caller?.agent) : agent,
          sessionKey: own ? caller?.id : sessionKey,
          limit: limit - found.length,
          cursor: place.cursor,
          signal,
        })
    found.push(...page.checkpoints.filter((checkpoint) => own || caller === undefined || !isOf(checkpoint, caller)))
    place = page.nextCursor === undefined ? (own ? { among: 'others' } : undefined) : { among: place.among, cursor: page.nextCursor }
  }
  if (place === undefined || (place.among === 'others' && request.onlyOwn)) return { checkpoints: found }
  return { checkpoints: found, next: place }
}

/** The session in which an id is looked up: the one that was named, else for `latest` the caller's, where it has any checkpoint. */
async function sessionMeant(
  checkpoints: Checkpoints,
  id: string,
  within: WithinSession,
  sees: (checkpoint: Checkpoint) => boolean,
  { callingSession, signal }: ToolContext,
): Promise<WithinSession> {
  if (within.sessionKey !== undefined || callingSession === undefined || latestOf(id) === undefined) return {}
  if (within.agent !== undefined && callingSession.agent !== undefined && within.agent !== callingSession.agent) return {}
  const agent = within.agent ?? callingSession.agent
  const [own] = (await checkpoints.list({ agent, sessionKey: callingSession.id, limit: 1, signal })).checkpoints
  return own === undefined || !sees(own) ? {} : { agent: own.agent, sessionKey: own.sessionKey }
}

/** The checkpoint that an id means among those that `sees` lets through; `undefined` when there is none. */
async function visible(
  checkpoints: Checkpoints,
  id: string,
  within: WithinSession,
  sees: (checkpoint: Checkpoint) => boolean,
  filter: { readonly cwd: string | undefined },
): Promise<Checkpoint | undefined> {
  const back = latestOf(id)
  if (back !== undefined && within.sessionKey === undefined) {
    return filter.cwd === undefined ? undefined : nthCompaction(checkpoints, back, { ...within, cwd: filter.cwd })
  }
  try {
    const checkpoint = await checkpoints.get(id, within)
    return sees(checkpoint) ? checkpoint : undefined
  } catch (error) {
    if (isCheckpointError(error, 'CHECKPOINT_NOT_FOUND') || isCheckpointError(error, 'SESSION_NOT_FOUND')) return undefined
    if (isCheckpointError(error, 'CHECKPOINT_AMBIGUOUS')) return onlyVisible(checkpoints, error.details.candidates, within, sees)
    throw error
  }
}

async function onlyVisible(
  checkpoints: Checkpoints,
  candidates: readonly string[],
  within: WithinSession,
  sees: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | undefined> {
  const seen: Checkpoint[] = []
  for (const candidate of candidates) {
    const checkpoint = await checkpoints.get(candidate, within)
    if (sees(checkpoint)) seen.push(checkpoint)
  }
  if (seen.length <= 1) return seen[0]
  throw new ToolProblem('CHECKPOINT_AMBIGUOUS', 'That end of an id names several checkpoints.', [
    `give one of the whole ids: ${seen.map((checkpoint) => checkpoint.id).join(', ')}.`,
  ])
}

/** As core counts: compactions, newest first; where there are none, snapshots. */
async function nthCompaction(
  checkpoints: Checkpoints,
  back: number,
  query: { readonly cwd: string; readonly agent?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Checkpoint | undefined> {
  const { agent, cwd, signal } = query
  const snapshots: Checkpoint[] = []
  let compactions = 0
  let cursor: string | undefined
  do {
    const page = await checkpoints.list({ agent, cwd, signal, cursor, limit: 100 })
    for (const checkpoint of page.checkpoints) {
      if (checkpoint.status === 'snapshot') snapshots.push(checkpoint)
      else if (compactions++ === back) return checkpoint
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return compactions === 0 ? snapshots[back] : undefined
}

/** How many compactions back `latest` or `latest~n` goes; `undefined` for any other id. */
function latestOf(id: string): number | undefined {
  const [, back] = /^latest(?:~(\d{1,6}))?$/.exec(id.trim()) ?? ['', undefined]
  if (id.trim() === 'latest') return 0
  return back === undefined ? undefined : Number(back)
}
