import type { DatabaseSync } from 'node:sqlite'
import type { SearchRequest } from '@palimpsest/core'
import { integerOf, optionalIntegerOf, textOf } from './columns.ts'
import { statement } from './derived-file.ts'
import type { EntryRow, EntryRows } from './entry-rows.ts'
import { shapesOf } from './entry-shape.ts'

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

/** What SQLite can tell of an entry by its row; of what has no role only that, since a repeat of it may pass where it doesn't. `null` narrows nothing. */
export interface RowFilter {
  /** JSON: shapes, and numbers of tools. */
  readonly shapes: string | null
  readonly tools: string | null
  readonly after: number | null
  readonly before: number | null
  readonly dropped: number | null
}

/** What every entry that passes the filter passes, too, and is had without looking at each. */
export function rowFilter(database: DatabaseSync, { filters }: Pick<SearchRequest, 'filters'>): RowFilter {
  const { roles, tools, after, before, dropped } = filters
  const names = new Set(tools.map((tool) => tool.toLowerCase()))
  const rows = names.size === 0 ? [] : statement(database, 'SELECT number, name FROM tool').all()
  const numbers = rows.filter((row) => names.has(textOf(row, 'name').toLowerCase())).map((row) => integerOf(row, 'number'))
  return {
    shapes: roles.length === 0 ? null : JSON.stringify(shapesOf(roles)),
    tools: names.size === 0 ? null : JSON.stringify(numbers),
    after: after ?? null,
    before: before ?? null,
    dropped: dropped === undefined ? null : Number(dropped),
  }
}

/** The same as a condition of SQL on `e`, an entry. */
export const rowCondition = `
  (:shapes IS NULL OR e.shape IN (SELECT value FROM json_each(:shapes))) AND (:tools IS NULL OR e.tool IN (SELECT value FROM json_each(:tools)))
  AND (e.shape IN (SELECT value FROM json_each('${JSON.stringify(shapesOf([undefined]))}')) OR (
    (:after IS NULL OR e.createdAt > :after) AND (:before IS NULL OR e.createdAt < :before) AND (:dropped IS NULL OR (e.droppedBy IS NOT NULL) = :dropped)))`

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
