import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type AbortOptions, type AgentId, CheckpointError, type ImportResult } from '@palimpsest/core'
import { knownAgents } from './agents.ts'
import { databasesAt, isDatabase, sessionsInDatabase } from './databases.ts'
import type { Host } from './host.ts'
import { inOrder } from './in-order.ts'
import { mainOfSidecar, recognise } from './recognise.ts'
import type { ScanMemory, Seen } from './scan-memory.ts'
import { type FoundFile, listFolder, type Walked, walkFiles } from './walk-files.ts'

/** How many files are looked at side by side, and how many agents' folders are walked: each waits for its disk most of the time. */
const lookedAtOnce = 16
const walkedAtOnce = 4

/** A session's main file, and whose it is. */
export interface FoundTranscript {
  readonly agent: AgentId
  /** Absolute; of a session in a database `<database>#<session id>`, which `files.origin` understands. */
  readonly path: string
  readonly sizeBytes: number
  /** The files of its main part, where they can be told. */
  readonly files?: readonly string[] | undefined
  /** Where this is a copy that its agent made of a session: that session's own file, whether it is still there or not. */
  readonly copyOf?: string | undefined
  /** What stands for its files where only a part of them is this session's: another text as soon as that is written. */
  readonly state?: string | undefined
  /** What an import would say, where an earlier scan knows it: nothing was written since, neither to the files nor to what is kept of the session. */
  readonly imported?: ImportResult | undefined
}

/** A file or folder that can't be looked into, or a named file that is no session. Told from a `FoundTranscript` by `'error' in found`. */
export interface FindProblem {
  /** Absolute, but as it was given where it is no path at all. */
  readonly path: string
  /** `TRANSCRIPT_UNREADABLE`, `TRANSCRIPT_UNRECOGNISED`; `ARGUMENT_INVALID` for an empty path. */
  readonly error: CheckpointError
}

/** Where to look, and for whose sessions. */
export interface FindOptions extends AbortOptions {
  /** Files and folders; none: where the agents keep their sessions. */
  readonly paths?: readonly string[] | undefined
  /** By default all. */
  readonly agents?: readonly string[] | undefined
  /** Another home folder, below which the agents' folders are looked for, whatever the environment says. */
  readonly root?: string | undefined
  /** What earlier scans saw; without it every file is opened. */
  readonly memory?: ScanMemory | undefined
}

/**
 * The session files that are named and that lie below the named folders, each once: paths in the order given, in a folder by name; for a database
 * each of its sessions. Of folders, files that no reader claims are passed over; sidecars are never sessions; nothing but a regular file is ever
 * opened. Copies that an agent made of its sessions say whose they are. A problem never ends the search. Several files, and agents' folders, are looked at
 * side by side; what is found, and in which order, is the same every time. Throws `ARGUMENT_INVALID` for an unknown agent, before anything else.
 */
export async function* findTranscripts(
  host: Pick<Host, 'readers' | 'sessionFolders' | 'databases' | 'files'>,
  options: FindOptions = {},
): AsyncGenerator<FoundTranscript | FindProblem, void, undefined> {
  const wanted = new Set(options.agents ?? host.readers.map(({ agent }) => agent))
  assertKnown(wanted, host)
  const at = options.root === undefined ? host : { ...host, ...knownAgents({}, resolve(options.root)) }
  const seen = new Set<string>()
  const looked = inOrder(candidates(at, wanted, options), lookedAtOnce, async (candidate) => ({
    candidate,
    sessions: 'error' in candidate ? [candidate] : await Array.fromAsync(sessionsAt(candidate, at, wanted, options)),
  }))
  for await (const { candidate, sessions } of looked) {
    options.signal?.throwIfAborted()
    if (!('error' in candidate) && seen.has(candidate.path)) continue
    seen.add(candidate.path)
    for (const session of sessions) {
      const isKnown = !('error' in session) && session.path !== candidate.path && seen.has(session.path)
      seen.add(session.path)
      if (!isKnown) yield session
    }
  }
}

/** The sessions that a file holds: one, or those of a database. */
async function* sessionsAt(
  file: FoundFile,
  host: Pick<Host, 'readers' | 'files'>,
  wanted: ReadonlySet<string>,
  options: FindOptions,
): AsyncGenerator<FoundTranscript | FindProblem, void, undefined> {
  if (!(await isDatabase(file))) {
    const session = await sessionIn(file, host, wanted, options)
    if (session !== undefined) yield 'error' in session ? session : { ...session, ...copiedFrom(session, host) }
    return
  }
  for await (const session of sessionsInDatabase(file, wanted, options.memory)) {
    yield 'error' in session ? session : { ...session, ...(await importedOf(session, options)) }
  }
}

/** Whose session a file is, from the memory where that knows it. */
async function sessionIn(
  file: FoundFile,
  host: Pick<Host, 'readers' | 'files'>,
  wanted: ReadonlySet<string>,
  { memory, signal }: FindOptions,
): Promise<FoundTranscript | FindProblem | undefined> {
  const { path, named } = file
  if (memory === undefined || (await mainOfSidecar(path, host.readers)) !== undefined) return recognise(file, host, wanted, { signal })
  const known = await memory.recall(path, { signal })
  if (known?.is === 'no session' && !named) return undefined
  if (known?.is === 'session' && (wanted.has(known.agent) || !named)) {
    const { agent, sizeBytes, files } = known
    return wanted.has(agent) ? { agent, path, sizeBytes, files, ...importedIn(known) } : undefined
  }
  const state = await memory.stateOf(path, { files: [path] }, { signal })
  const session = await recognise(file, host, wanted, { signal })
  const isNobodys = session === undefined && host.readers.every(({ agent }) => wanted.has(agent))
  if (isNobodys && state !== undefined) await memory.keep(state, { is: 'no session' })
  return session
}

function copiedFrom({ agent, path }: FoundTranscript, { readers }: Pick<Host, 'readers'>): Pick<FoundTranscript, 'copyOf'> {
  const mainName = readers.find((reader) => reader.agent === agent)?.copies?.mainOf(basename(path))
  return mainName === undefined ? {} : { copyOf: join(dirname(path), mainName) }
}

async function importedOf({ path, state }: FoundTranscript, { memory, signal }: FindOptions): Promise<Pick<FoundTranscript, 'imported'>> {
  const known = await memory?.recall(path, { signal, state })
  return known?.is === 'session' ? importedIn(known) : {}
}

function importedIn({ imported }: Seen & { readonly is: 'session' }): Pick<FoundTranscript, 'imported'> {
  return { imported: { ...imported, created: 0, completed: 0, storedBytes: 0 } }
}

function assertKnown(wanted: ReadonlySet<string>, { readers }: Pick<Host, 'readers'>): void {
  const known = readers.map(({ agent }) => agent)
  const unknown = [...wanted].find((agent) => !known.includes(agent))
  if (unknown === undefined) return
  const expected = known.join(', ')
  throw new CheckpointError('ARGUMENT_INVALID', `There is no reader for the agent ${JSON.stringify(unknown)}. Known agents: ${expected}.`, {
    argument: 'agent',
    expected,
  })
}

async function* candidates(
  host: Pick<Host, 'sessionFolders' | 'databases'>,
  wanted: ReadonlySet<string>,
  { paths = [], signal }: FindOptions,
): AsyncGenerator<FoundFile | FindProblem, void, undefined> {
  const visited = new Set<string>()
  for (const path of paths) yield* named(path, visited, signal)
  if (paths.length > 0) return
  // An agent that isn't there has no folder, and that is no problem.
  const folders = [...host.sessionFolders].flatMap(([agent, all]) => (wanted.has(agent) ? all : []))
  const walks = inOrder(folders, walkedAtOnce, (folder) =>
    Array.fromAsync(walkFiles(resolve(folder), { visited: new Set(), signal, mayBeAbsent: true })),
  )
  for await (const walked of walks) yield* notYetVisited(walked, visited)
  for (const [agent, place] of host.databases ?? []) if (wanted.has(agent)) yield* databasesAt(place)
}

/** What a walk came upon in folders in which none of the walks before it has been: as if they had been made one after the other. */
function notYetVisited(walked: readonly Walked[], visited: Set<string>): readonly (FoundFile | FindProblem)[] {
  const left = walked.filter(({ folder }) => folder === undefined || !visited.has(folder))
  for (const { folder } of walked) if (folder !== undefined) visited.add(folder)
  return left.map(({ found }) => found)
}

async function* named(
  given: string,
  visited: Set<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFile | FindProblem, void, undefined> {
  if (given === '') {
    const error = new CheckpointError('ARGUMENT_INVALID', 'A path is empty. Name a file or a folder, or leave it out.', {
      argument: 'path',
    })
    yield { path: given, error }
    return
  }
  const path = resolve(given)
  const status = await stat(path).catch(() => undefined)
  if (status?.isDirectory() === true) {
    for await (const { found } of walkFiles(path, { visited, signal, mayBeAbsent: false })) yield found
  }
  // Whatever is wrong with it otherwise, opening it says.
  else yield { path, siblings: await siblingsOf(path), named: true }
}

async function siblingsOf(path: string): Promise<ReadonlySet<string>> {
  // A folder that may be entered but not listed tells no names; the file itself may still be read.
  const entries = await listFolder(dirname(path)).catch(() => [])
  return new Set(entries.map(({ name }) => name))
}
