import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type AbortOptions, CheckpointError } from '@palimpsest/core'
import { errorCode, unreadable } from '../files/file-errors.ts'
import { openRegularFile } from '../files/regular-file.ts'
import { asCount, asRecord } from '../json-fields.ts'
import { dataOf, headerOf, type SnapshotParts, type StoredMessage, type StoredRow, writeSnapshot } from './snapshot-writer.ts'

/** An export of a session in files, and whether these are still as they were read. */
export interface StoreExport extends SnapshotParts {
  unchanged(): Promise<boolean>
}

/**
 * The export of a session that OpenCode 1.1 and earlier kept as one JSON file a row: `session/<project>/<session>.json`, `message/<session>/`,
 * `part/<message>/`. It has the lines that a database with the same rows has, but for the columns that the files don't know. A file that
 * holds no JSON object is kept as text. Throws `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`.
 */
export async function exportFromStore(sessionFile: string, options: AbortOptions): Promise<StoreExport> {
  const storage = dirname(dirname(dirname(sessionFile)))
  const seen = new Map<string, string>()
  const session = asRecord(dataOf(await textOf(sessionFile, seen)))
  const sessionId = basename(sessionFile, '.json')
  if (session === undefined || session['id'] !== sessionId) throw unrecognised(sessionFile, sessionId)
  const snapshot = await writeSnapshot({
    header: headerOf(sessionId, {
      slug: session['slug'],
      parentId: session['parentID'],
      directory: session['directory'],
      version: session['version'],
      created: asRecord(session['time'])?.['created'],
    }),
    changing: { info: session, todo: await todoOf(join(storage, 'todo', `${sessionId}.json`), seen) },
    messages: messagesOf(storage, sessionId, seen, options),
  })
  return {
    ...snapshot,
    async unchanged() {
      for (const [path, state] of seen) if ((await stateOf(path)) !== state) return false
      return true
    },
  }
}

async function* messagesOf(
  storage: string,
  sessionId: string,
  seen: Map<string, string>,
  { signal }: AbortOptions,
): AsyncGenerator<StoredMessage> {
  const messages: { readonly message: StoredRow; readonly createdAt: number }[] = []
  for (const path of await jsonFilesIn(join(storage, 'message', sessionId))) {
    signal?.throwIfAborted()
    const message = rowOf(path, await textOf(path, seen))
    messages.push({ message, createdAt: asCount(message.columns['time_created']) ?? 0 })
  }
  messages.sort((one, other) => one.createdAt - other.createdAt || (one.message.id < other.message.id ? -1 : 1))
  for (const { message } of messages) {
    const parts: StoredRow[] = []
    for (const path of await jsonFilesIn(join(storage, 'part', message.id))) {
      signal?.throwIfAborted()
      const part = rowOf(path, await textOf(path, seen))
      parts.push({ ...part, columns: { message_id: message.id } })
    }
    yield { message, parts }
  }
}

function rowOf(path: string, text: string): StoredRow {
  const data = dataOf(text)
  const id = basename(path, '.json')
  if (typeof data === 'string') return { id, columns: {}, data }
  const { id: _id, sessionID: _sessionId, messageID: _messageId, ...rest } = data
  const createdAt = asCount(asRecord(data['time'])?.['created'])
  return { id, columns: createdAt === undefined ? {} : { time_created: createdAt }, data: rest }
}

async function todoOf(path: string, seen: Map<string, string>): Promise<readonly unknown[]> {
  try {
    const list: unknown = JSON.parse(await textOf(path, seen))
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}

async function jsonFilesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw unreadable(folder, error)
  })
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name))
}

async function textOf(path: string, seen: Map<string, string>): Promise<string> {
  const { handle } = await openRegularFile(path, { followLinks: false })
  try {
    seen.set(path, (await stateOf(path)) ?? '')
    return await readFile(handle, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await handle.close()
  }
}

async function stateOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined)
  return stats === undefined ? undefined : [stats.ino, stats.size, stats.mtimeNs].join(' ')
}

function unrecognised(path: string, sessionId: string): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${path} is no session of OpenCode: it is not the JSON object of the session ${sessionId}. Name a file in its storage/session folder.`,
    { path },
  )
}
