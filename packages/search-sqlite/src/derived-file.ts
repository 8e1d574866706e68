import { closeSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** How long SQLite itself waits for another writer of a derived file: it holds the event loop meanwhile. Beyond that we wait between tries. */
export const busyTimeoutMs = 5

/** SQLite's primary result codes for a file that another connection has locked. */
export const busyCodes: ReadonlySet<number> = new Set([5, 6])

/** Makes the file and, where somebody has deleted it, its folder. SQLite gives its side files the mode of the main one. An existing file isn't opened: closing it would drop this process's locks on it. */
export function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

/** Tells a file from another that took its name; `undefined` where there is none. */
export function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}

/** Deletes a database that holds nothing that can't be had again, with its side files. It must not be open here. Idempotent. */
export function deleteDerived(path: string): void {
  // The file itself last: beside an empty new one SQLite ignores what is left of the old.
  for (const suffix of ['-wal', '-shm', '']) unlink(`${path}${suffix}`)
}

function unlink(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** SQLite's primary result code; of anything else that was thrown, 0. */
export function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0
}

const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/** A statement, prepared once for each database: preparing takes as long as running it. */
export function statement(database: DatabaseSync, sql: string): StatementSync {
  const known = prepared.get(database) ?? new Map<string, StatementSync>()
  prepared.set(database, known)
  const found = known.get(sql) ?? database.prepare(sql)
  known.set(sql, found)
  return found
}

/** All of `work` or none of it. */
export function transaction<Value>(database: DatabaseSync, work: () => Value): Value {
  database.exec('BEGIN IMMEDIATE')
  try {
    const value = work()
    database.exec('COMMIT')
    return value
  } catch (error) {
    rollBack(database)
    throw error
  }
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // After some errors SQLite has already rolled back, and the first error is the one that counts.
  }
}
