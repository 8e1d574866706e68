import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError, isCheckpointError } from '@palimpsest/core'
import { isOpenCodeDatabaseName, openCodeDatabaseFiles, openCodeSessions } from '@palimpsest/transcripts'
import type { DatabasePlace } from './agents.ts'
import type { FindProblem, FoundTranscript } from './find-transcripts.ts'
import type { ScanMemory } from './scan-memory.ts'
import { type FoundFile, listFolder } from './walk-files.ts'

/** How every SQLite database begins. */
const magic = 'SQLite format 3\0'

/** The databases that an agent has. A folder or a database that isn't there is no problem. */
export async function* databasesAt({ folder, named }: DatabasePlace): AsyncGenerator<FoundFile, void, undefined> {
  const entries = await listFolder(folder).catch(() => [])
  const siblings = new Set(entries.map(({ name }) => name))
  const paths = entries.filter((entry) => entry.isFile() && isOpenCodeDatabaseName(entry.name)).map(({ name }) => join(folder, name))
  if (named !== undefined && !paths.includes(named) && (await isFile(named))) paths.push(named)
  for (const path of paths) yield { path, siblings, named: false }
}

/** Whether a file is an SQLite database. One that can't be opened is none here: whatever is wrong with it, reading it says. */
export async function isDatabase({ path }: FoundFile): Promise<boolean> {
  if (!(await isFile(path))) return false
  const handle = await open(path, 'r').catch(() => undefined)
  try {
    const head = Buffer.alloc(magic.length)
    await handle?.read(head, 0, head.length, 0)
    return head.toString('latin1') === magic
  } finally {
    await handle?.close()
  }
}

/** The sessions of a database, those of OpenCode being the only ones known. Of a database that was not named, one that isn't OpenCode's is passed over. */
export async function* sessionsInDatabase(
  { path, named }: FoundFile,
  wanted: ReadonlySet<string>,
  memory?: ScanMemory,
): AsyncGenerator<FoundTranscript | FindProblem, void, undefined> {
  const agent = 'opencode'
  if (!wanted.has(agent)) {
    if (named) yield { path, error: notWanted(path) }
    return
  }
  try {
    const files = openCodeDatabaseFiles(path)
    const known = await memory?.recall(path)
    if (known?.is === 'database') {
      for (const session of known.sessions) yield { agent, ...session, files }
      return
    }
    const state = await memory?.stateOf(path, { files })
    const sessions = await openCodeSessions(path)
    if (state !== undefined) await memory?.keep(state, { is: 'database', sessions })
    for (const session of sessions) yield { agent, ...session, files }
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    if (named || !isUnrecognised(error)) yield { path, error }
  }
}

function isUnrecognised(error: CheckpointError): boolean {
  return error.code === 'TRANSCRIPT_UNRECOGNISED'
}

function notWanted(path: string): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_UNRECOGNISED',
    `${path} is a database, and no agent that was asked for keeps its sessions in one.`,
    { path },
  )
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}
