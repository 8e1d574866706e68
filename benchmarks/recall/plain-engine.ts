import { statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import type { EngineInput, FoundEntry, RecallEngine } from './engine.ts'

/** What a person would write in an afternoon: SQLite's FTS5 with one column, words as `unicode61` cuts them, ranked by bm25. */
export interface PlainEngine extends RecallEngine {
  /** The entries in which the words of a text stand one after the other. */
  phrase(text: string, limit: number): readonly string[]
}

/**
 * The peer. It looks for the query as a phrase first and for any of its words then, which is the best that one column gives: pasted lines are found by
 * the first, questions by the second.
 */
export function openPlainEngine({ sessions, transcriptBytes, folder }: EngineInput): PlainEngine {
  const path = join(folder, 'plain.sqlite')
  const database = new DatabaseSync(path)
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE VIRTUAL TABLE entries USING fts5(text, content='', tokenize='unicode61')",
  )
  const start = performance.now()
  const insert = database.prepare('INSERT INTO entries (rowid, text) VALUES (?, ?)')
  const byRow = sessions.flatMap(({ name, entries }) => [...entries.values()].map((entry) => ({ ...entry, session: name })))
  database.exec('BEGIN')
  for (const [row, { text }] of byRow.entries()) insert.run(row + 1, text)
  database.exec('COMMIT')
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const ms = performance.now() - start
  const query = database.prepare('SELECT rowid AS row FROM entries WHERE entries MATCH ? ORDER BY rank LIMIT ?')
  const found = (match: string, limit: number): readonly FoundEntry[] =>
    query.all(match, limit).flatMap(({ row }) => {
      const entry = byRow[Number(row) - 1]
      return entry === undefined ? [] : [entry]
    })
  const phrase = (text: string, limit: number) => {
    const words = wordsOf(text)
    return words.length === 0 ? [] : found(quoted(words.join(' ')), limit)
  }
  return {
    name: 'plain',
    index: { ms, sizeBytes: statSync(path).size, transcriptBytes },
    phrase: (text, limit) => phrase(text, limit).map(({ key }) => key),
    async search(text, limit) {
      const exact = phrase(text, limit)
      const words = [...new Set(wordsOf(text))]
      const any = words.length < 2 || exact.length === limit ? [] : found(words.map(quoted).join(' OR '), limit)
      return [...new Set([...exact, ...any])].slice(0, limit)
    },
    async close() {
      database.close()
    },
  }
}

/** The words of a query, as `unicode61` would cut them. */
function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}\p{Co}]+/gu) ?? []
}

function quoted(words: string): string {
  return `"${words}"`
}
