import type { DatabaseSync } from 'node:sqlite'
import type { SearchRequest } from '@palimpsest/core'
import { optionalIntegerOf } from './columns.ts'
import { statement } from './derived-file.ts'
import type { EntryRow, EntryRows } from './entry-rows.ts'

/** Whether an entry, by its number, is one that was asked for. */
export type EntryFilter = (number: number) => boolean

/** What a request narrows its hits to, paths aside: those are looked up as words. `undefined` where every entry is one. */
export function entryFilter(rows: EntryRows, { filters, sessions, cwd }: SearchRequest): EntryFilter | undefined {
  const names = sessions === undefined ? undefined : new Set<string>(sessions)
  const agents = new Set(filters.agents)
  const tools = new Set(filters.tools.map((tool) => tool.toLowerCase()))
  const roles = new Set(filters.roles)
  const ofSession: EntryFilter = (number) => {
    const session = rows.sessionOf(number)
    return (
      (names?.has(session.name) ?? true) && (cwd === undefined || session.cwd === cwd) && (agents.size === 0 || agents.has(session.agent))
    )
  }
  const { before = Number.POSITIVE_INFINITY, after = Number.NEGATIVE_INFINITY, dropped } = filters
  const hasTime = filters.before !== undefined || filters.after !== undefined
  const isWanted = ({ role, tool, createdAt, droppedBy }: EntryRow): boolean =>
    (roles.size === 0 || (role !== undefined && roles.has(role))) &&
    (tools.size === 0 || (tool !== undefined && tools.has(tool.toLowerCase()))) &&
    (!hasTime || (createdAt !== undefined && createdAt < before && createdAt > after)) &&
    (dropped === undefined || dropped === (droppedBy !== undefined))
  const needsSession = names !== undefined || cwd !== undefined || agents.size > 0
  const needsEntry = roles.size > 0 || tools.size > 0 || hasTime || dropped !== undefined
  if (!needsSession && !needsEntry) return undefined
  return (number) => (!needsSession || ofSession(number)) && (!needsEntry || isWanted(rows.entry(number)))
}

/** Numbers between which all entries of sessions lie, ends included. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** Where the entries lie that were asked for, by their sessions: what stands outside need not be looked at. */
export function numberRange(database: DatabaseSync, { sessions, cwd }: Pick<SearchRequest, 'sessions' | 'cwd'>): NumberRange {
  if (sessions === undefined && cwd === undefined) return { first: 0, last: Number.MAX_SAFE_INTEGER }
  const row = statement(
    database,
    `SELECT min(r.first) AS first, max(r.last) AS last FROM session n JOIN stream s ON s.session = n.number JOIN run r ON r.stream = s.number
     WHERE (?1 IS NULL OR n.name IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR n.cwd = ?2)`,
  ).get(sessions === undefined ? null : JSON.stringify(sessions), cwd ?? null)
  return { first: optionalIntegerOf(row, 'first') ?? 0, last: optionalIntegerOf(row, 'last') ?? -1 }
}
