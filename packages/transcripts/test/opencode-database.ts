import { DatabaseSync } from 'node:sqlite'

type Data = Readonly<Record<string, unknown>>

/** The tables of OpenCode 1.18.33 that hold sessions, with the columns that are read. */
const tables = `
CREATE TABLE session (id text PRIMARY KEY, project_id text NOT NULL, parent_id text, slug text NOT NULL, directory text NOT NULL, path text,
  title text NOT NULL, version text NOT NULL, share_url text, metadata text, cost real DEFAULT 0 NOT NULL, tokens_input integer DEFAULT 0 NOT NULL,
  revert text, permission text, agent text, model text, time_created integer NOT NULL, time_updated integer NOT NULL);
CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL, time_created integer NOT NULL,
  time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE todo (session_id text NOT NULL, content text NOT NULL, status text NOT NULL, priority text NOT NULL, position integer NOT NULL,
  time_created integer NOT NULL, time_updated integer NOT NULL, PRIMARY KEY (session_id, position));
CREATE TABLE session_share (session_id text PRIMARY KEY, id text NOT NULL, secret text NOT NULL, url text NOT NULL);
CREATE INDEX message_session_time_created_id_idx ON message (session_id, time_created, id);
CREATE INDEX part_message_id_id_idx ON part (message_id, id);`

/** A database as its agent has it open. */
export interface AgentDatabase {
  readonly database: DatabaseSync
  /** Writes rows of a session in the form that an export has them: its header, messages, parts. A row that is there is replaced. */
  put(rows: readonly Data[], times?: { readonly updatedAt?: number }): void
  close(): void
}

/** Opens a database as OpenCode does, with a write-ahead log, and makes its tables where it is new. */
export function agentDatabase(path: string): AgentDatabase {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 100')
  if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'session'").get() === undefined) database.exec(tables)
  let sessionId = ''
  return {
    database,
    put(rows, { updatedAt = 1 } = {}) {
      for (const row of rows) {
        const [id, data, created] = [String(row['id']), JSON.stringify(row['data']), Number(row['time_created'])]
        if (row['type'] === 'opencode-session') {
          sessionId = id
          database
            .prepare(
              'INSERT OR REPLACE INTO session (id, project_id, slug, directory, title, version, time_created, time_updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
            )
            .run(id, 'p1', String(row['slug']), String(row['directory']), 'A session', String(row['version']), created, updatedAt)
        } else if (row['type'] === 'message') {
          database.prepare('INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?)').run(id, sessionId, created, updatedAt, data)
        } else {
          database
            .prepare('INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)')
            .run(id, String(row['message_id']), sessionId, created, updatedAt, data)
        }
      }
    },
    close: () => database.close(),
  }
}
