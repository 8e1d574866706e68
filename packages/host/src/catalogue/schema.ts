import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '@palimpsest/search-sqlite'
import { integerOf, textOf } from './columns.ts'

/** Another version, older or newer, is discarded: everything in a catalogue can be read again from the ledgers. */
export const schemaVersion = 3

// A checkpoint's id is turned round in `reversedId`, so that its end can be looked up. `agent` stands in both tables since it never changes.
const tables = `
  CREATE TABLE store (identity TEXT NOT NULL, token TEXT, unread TEXT NOT NULL) STRICT;
  CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    commitCount INTEGER NOT NULL,
    agent TEXT NOT NULL,
    cwd TEXT,
    newestAt INTEGER NOT NULL,
    checkpointCount INTEGER NOT NULL,
    summary TEXT NOT NULL
  ) STRICT;
  CREATE INDEX sessionByNewest ON session (newestAt, name) WHERE checkpointCount > 0;
  CREATE INDEX sessionByCwd ON session (cwd);
  CREATE TABLE checkpoint (
    session INTEGER NOT NULL,
    id TEXT NOT NULL,
    agent TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    reversedId TEXT NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (session, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX checkpointByTime ON checkpoint (createdAt, id);
  CREATE INDEX checkpointByAgent ON checkpoint (agent, createdAt, id);
  CREATE INDEX checkpointByEnd ON checkpoint (reversedId);
  CREATE TABLE mark (
    name TEXT NOT NULL,
    writer TEXT NOT NULL,
    markedAt INTEGER NOT NULL,
    PRIMARY KEY (name, writer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE scanned (path TEXT PRIMARY KEY, state TEXT NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO store VALUES ('', NULL, '[]');
`

/** Which schema the database has; 0 for a new one. */
export function versionOf(database: DatabaseSync): number {
  return integerOf(database.prepare('PRAGMA user_version').get(), 'user_version')
}

/** Makes the tables of a new database. Of several processes at once one does, and the others find them. */
export function createTables(database: DatabaseSync): void {
  transaction(database, () => {
    if (versionOf(database) === 0) database.exec(`${tables} PRAGMA user_version = ${schemaVersion}`)
  })
}

/** Forgets all sessions when they are of another store than `identity`. Marks stay: a writer may be between its commit and its report. */
export function forgetOtherStore(database: DatabaseSync, identity: string): void {
  if (textOf(database.prepare('SELECT identity FROM store').get(), 'identity') === identity) return
  transaction(database, () => {
    database.exec('DELETE FROM checkpoint; DELETE FROM session; DELETE FROM scanned')
    database.prepare('UPDATE store SET identity = ?, token = NULL, unread = ?').run(identity, '[]')
  })
}
