import type { DatabaseSync } from 'node:sqlite'
import { integerOf } from './columns.ts'
import { transaction } from './derived-file.ts'

/** Another version is begun anew: everything can be indexed again from what is stored. */
export const schemaVersion = 3

/*
 * Numbers of entries go up in the order in which they were added. A `run` is what one batch added: entries of one stream, one behind the other. An
 * entry of several pieces takes as many numbers as it has pieces; only its first is in `entry`. A number is the rowid of a row in `words`, but of what
 * a client wrote down of its own state and repeats word for word in a stream only the first one, the `original`, has a row there, and of one that says more
 than the one before it, which it `continued`, only what is new.
 */
const tables = `
  CREATE TABLE progress (token TEXT, waiting TEXT NOT NULL, merged INTEGER NOT NULL) STRICT;
  INSERT INTO progress VALUES (NULL, '[]', 0);
  CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    sessionKey TEXT NOT NULL,
    cwd TEXT,
    commitId TEXT
  ) STRICT;
  CREATE TABLE stream (
    number INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    part TEXT NOT NULL,
    stream INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    resumeStart INTEGER NOT NULL,
    resumeLine INTEGER NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (session, part, stream)
  ) STRICT;
  CREATE TABLE run (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, stream INTEGER NOT NULL, start INTEGER NOT NULL) STRICT;
  CREATE INDEX runByStream ON run (stream, start);
  CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    pieces INTEGER NOT NULL,
    start INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL,
    line INTEGER NOT NULL,
    id ANY NOT NULL,
    shape INTEGER NOT NULL,
    tool INTEGER,
    createdAt INTEGER,
    fingerprint BLOB NOT NULL,
    droppedBy INTEGER,
    note TEXT,
    original INTEGER,
    continued INTEGER
  ) STRICT;
  CREATE INDEX entryByOriginal ON entry (original) WHERE original IS NOT NULL;
  CREATE INDEX entryByContinued ON entry (continued) WHERE continued IS NOT NULL;
  CREATE TABLE original (stream INTEGER, fingerprint BLOB, entry INTEGER NOT NULL, PRIMARY KEY (stream, fingerprint)) STRICT, WITHOUT ROWID;
  CREATE TABLE tool (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE copy (
    stream INTEGER NOT NULL,
    start INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL,
    line INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (stream, start)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX copyByEntry ON copy (entry);
  CREATE TABLE compaction (
    number INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    checkpointId TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (session, checkpointId)
  ) STRICT;
  CREATE TABLE droppedAgain (entry INTEGER NOT NULL, compaction INTEGER NOT NULL, PRIMARY KEY (entry, compaction)) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE words USING fts5(
    text, stems, parts, grams, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
  );
  INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);
  INSERT INTO words (words, rank) VALUES ('automerge', 16);
  INSERT INTO words (words, rank) VALUES ('rank', 'bm25(1.0, 0.7, 0.7, 1.0)');
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
