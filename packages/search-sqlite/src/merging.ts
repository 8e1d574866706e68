import type { DatabaseSync } from 'node:sqlite'
import { isCheckpointError } from '@palimpsest/core'
import { integerOf, optionalIntegerOf } from './columns.ts'
import { statement, transaction } from './derived-file.ts'
import { cannotBeUsed, type SearchDatabase } from './search-database.ts'

/** Below so many new entries it isn't worth it. */
const fewestAdded = 1_000
/** Pages of one step; SQLite holds the event loop meanwhile. */
const pagesOfStep = 400
const mostMs = 4_000

/**
 * Makes one segment of what FTS5 wrote in many, once a quarter of it is new: a phrase is looked for in each segment, and in one it takes a third of the
 * time. In short steps, and for some seconds: what is left over is done the next time. An index that can't be written stays as it is.
 */
export async function mergeSegments(file: SearchDatabase): Promise<void> {
  try {
    let isBegun = false
    for (const began = performance.now(); performance.now() - began < mostMs; isBegun = true) {
      const isDone = await file.run((database) => transaction(database, () => mergeStep(database, isBegun)))
      if (isDone) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  } catch (error) {
    // Damage is for whoever asks next.
    if (!isCheckpointError(error) || !('operation' in error.details) || error.details.operation !== cannotBeUsed) throw error
  }
}

/** `true` where there is nothing more to merge. */
function mergeStep(database: DatabaseSync, isBegun: boolean): boolean {
  const last = optionalIntegerOf(statement(database, 'SELECT max(last) AS last FROM run').get(), 'last') ?? 0
  const merged = integerOf(statement(database, 'SELECT merged FROM progress').get(), 'merged')
  // Numbers go up again from where those that were forgotten began: then nothing tells what is new.
  const added = merged > last ? last : last - merged
  if (!isBegun && (added < fewestAdded || added * 4 < last)) return true
  const before = changesOf(database)
  // The first number is negative, so that segments of all levels are merged.
  statement(database, `INSERT INTO words (words, rank) VALUES ('merge', ?)`).run(isBegun ? pagesOfStep : -pagesOfStep)
  // FTS5's way to say that nothing was left to do.
  if (changesOf(database) - before >= 2) return false
  statement(database, 'UPDATE progress SET merged = ?').run(last)
  giveBack(database)
  return true
}

function changesOf(database: DatabaseSync): number {
  return integerOf(statement(database, 'SELECT total_changes() AS count').get(), 'count')
}

/** Gives pages back that merging left empty, once there are many. */
function giveBack(database: DatabaseSync): void {
  const free = integerOf(database.prepare('PRAGMA freelist_count').get(), 'freelist_count')
  const all = integerOf(database.prepare('PRAGMA page_count').get(), 'page_count')
  if (free > 64 && free * 8 > all) database.exec('PRAGMA incremental_vacuum')
}
