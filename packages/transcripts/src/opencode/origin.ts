import { basename, dirname, resolve } from 'node:path'
import type { OpenTranscript, TranscriptOrigin } from '@palimpsest/core'
import { openRegularFile } from '../files/regular-file.ts'
import { databaseSessions, exportFromDatabase } from './database.ts'
import { exportFromStore } from './json-store.ts'
import type { SnapshotParts } from './snapshot-writer.ts'

const sessionIdPattern = /^ses[A-Za-z0-9_-]*$/

/** A session of OpenCode that a path names, and how large it is. */
export interface OpenCodeSessionPath {
  readonly path: string
  readonly sizeBytes: number
  /** Of a session in a database: another text as soon as OpenCode has written a row of it, told without reading what they hold; none where it can't be told. */
  readonly state?: string | undefined
}

/**
 * A session of OpenCode by its path: `<database>#<session id>`, or the session's file in the JSON store of 1.1 and earlier,
 * `storage/session/<project>/<session id>.json`. `undefined` for any other path. Opening exports the session's rows as they are at one
 * moment; the database is read beside its agent, and never written. The export is in memory, a long one in a temporary file that goes with
 * `close`. Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`.
 */
export function openCodeTranscript(path: string): TranscriptOrigin | undefined {
  const inDatabase = databasePath(path)
  if (inDatabase !== undefined) {
    const { database, sessionId } = inDatabase
    return {
      path: `${database}#${sessionId}`,
      open: async (options) => {
        // The handle is closed at once: it says which file this is, and that it is one.
        const { handle, identity } = await openRegularFile(database, { followLinks: true })
        await handle.close()
        const parts = await exportFromDatabase(database, sessionId, options ?? {})
        return transcriptOf(`${database}#${sessionId}`, parts, {
          identity,
          files: openCodeDatabaseFiles(database),
          unchanged: async () => true,
        })
      },
    }
  }
  if (!isOpenCodeSessionFile(path)) return undefined
  const file = resolve(path)
  return {
    path: file,
    open: async (options) => {
      const { handle, identity } = await openRegularFile(file, { followLinks: false })
      await handle.close()
      const exported = await exportFromStore(file, options ?? {})
      return transcriptOf(file, exported, { identity, files: undefined, unchanged: exported.unchanged })
    },
  }
}

/** The files of a database: what is written to it goes into one of them. */
export function openCodeDatabaseFiles(database: string): readonly string[] {
  const path = resolve(database)
  return [path, `${path}-wal`, `${path}-journal`]
}

/** Whether a file is named as OpenCode names its databases, one for each of its channels. */
export function isOpenCodeDatabaseName(name: string): boolean {
  return /^opencode(-[A-Za-z0-9._-]+)?\.db$/.test(name)
}

/** Whether a path is that of a session in the JSON store. */
export function isOpenCodeSessionFile(path: string): boolean {
  const sessionFolder = dirname(dirname(resolve(path)))
  const isSession = path.endsWith('.json') && sessionIdPattern.test(basename(path, '.json'))
  return isSession && basename(sessionFolder) === 'session' && basename(dirname(sessionFolder)) === 'storage'
}

/** The sessions in a database, the oldest first, each by the path that names it. Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`. */
export async function openCodeSessions(database: string): Promise<readonly OpenCodeSessionPath[]> {
  const path = resolve(database)
  const sessions = await databaseSessions(path)
  return sessions.map(({ sessionId, sizeBytes, state }) => ({ path: `${path}#${sessionId}`, sizeBytes, state }))
}

function databasePath(path: string): { readonly database: string; readonly sessionId: string } | undefined {
  const hash = path.lastIndexOf('#')
  const sessionId = path.slice(hash + 1)
  return hash > 0 && sessionIdPattern.test(sessionId) ? { database: resolve(path.slice(0, hash)), sessionId } : undefined
}

function transcriptOf(
  path: string,
  { parts, close }: SnapshotParts,
  { identity, files, unchanged }: Pick<OpenTranscript, 'identity' | 'files' | 'unchanged'>,
): OpenTranscript {
  const sources = parts.map(({ name, spool }) => ({ name, source: spool.source() }))
  return {
    path,
    identity,
    files,
    async *parts() {
      yield* sources
    },
    close,
    unchanged,
  }
}
