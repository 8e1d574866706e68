import { createReadStream, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'

let database: DatabaseSync | undefined

/** What a person would write: Claude Code's lines parsed, what the messages say put into one column of FTS5, asked by bm25. */
export const tasks = {
  /** Makes the index anew; timed from the first byte that is read to the last that is written. */
  async build({ folder, path }: { folder: string; path: string }) {
    database?.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
    database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    database.exec("CREATE VIRTUAL TABLE entries USING fts5(text, content='', tokenize='unicode61')")
    const insert = database.prepare('INSERT INTO entries (text) VALUES (?)')
    const start = performance.now()
    let transcriptBytes = 0
    let textBytes = 0
    database.exec('BEGIN')
    for (const name of readdirSync(folder).sort()) {
      const file = join(folder, name)
      transcriptBytes += statSync(file).size
      for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
        const text = said(JSON.parse(line))
        if (text === '') continue
        insert.run(text)
        textBytes += text.length
      }
    }
    database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
    return { ms: performance.now() - start, sizeBytes: statSync(path).size, transcriptBytes, textBytes }
  },

  /** The first 20 entries that match, best first, without their texts. */
  query({ match }: { match: string }) {
    if (database === undefined) throw new TypeError('there is no index')
    const statement = database.prepare('SELECT rowid FROM entries WHERE entries MATCH ? ORDER BY rank LIMIT 20')
    const start = performance.now()
    const found = statement.all(match)
    return { ms: performance.now() - start, count: found.length }
  },

  /** In how many entries something matches. */
  matches({ match }: { match: string }) {
    return { count: Number(database?.prepare('SELECT count(*) AS count FROM entries WHERE entries MATCH ?').get(match)?.['count']) }
  },
}

/** What a line says: the text, thinking, calls and results of its message, a tool's output, a summary. */
function said(line: {
  message?: { content?: unknown }
  data?: { message?: { message?: { content?: unknown } }; output?: unknown }
  content?: unknown
}): string {
  const texts: string[] = []
  for (const value of [line.message?.content, line.data?.message?.message?.content, line.data?.output, line.content]) collect(value, texts)
  return texts.join('\n')
}

function collect(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value)
  else if (Array.isArray(value)) for (const item of value) collect(item, texts)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      if (name === 'input') texts.push(JSON.stringify(field))
      else if (name === 'text' || name === 'thinking' || name === 'content' || name === 'name') collect(field, texts)
    }
  }
}
