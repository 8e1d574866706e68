import { resolve } from 'node:path'
import { type CheckpointError, type ImportResult, isCheckpointError } from '@palimpsest/core'
import type { FindProblem, FoundTranscript, Host, ScanMemory } from '@palimpsest/host'
import pMap from 'p-map'

/** What to scan, and how far it has come. */
export interface ScanRequest {
  /** As they were named; empty: where the agents keep their sessions. */
  readonly paths: readonly string[]
  readonly cwd: string
  readonly agents?: readonly string[]
  /** Another home folder, where the agents' sessions are looked for instead. */
  readonly root?: string
  /** Also what was deleted before; then every file is read, whatever earlier scans saw. */
  readonly again?: boolean
  readonly signal: AbortSignal
  readonly onFound?: (files: number) => void
  readonly onScanned?: (done: number, files: number) => void
}

/** A session file that was looked at: what its import found, or why it could not be. */
export type ScannedFile = FoundTranscript &
  ({ readonly imported: ImportResult } | { readonly imported?: undefined; readonly failure: CheckpointError })

/** All that a scan found, in the order in which the files were. */
export interface ScanResult {
  readonly files: readonly ScannedFile[]
  /** Files and folders that could not be looked into. */
  readonly unread: readonly FindProblem[]
  /** Of `files` and `unread`, those that were named by the user. */
  readonly namedFailures: readonly FindProblem[]
}

/** Files are imported side by side, since each waits for its disk. */
const concurrency = 4

/**
 * Imports every session below the paths. A session that can't be imported is noted and the others go on; a store that fails ends the scan, and
 * so does the signal, in both cases once the imports that had begun have ended.
 */
export async function scanFiles(host: Host, request: ScanRequest): Promise<ScanResult> {
  const memory = host.scanMemory?.()
  try {
    return await scanWith(host, request, memory)
  } finally {
    await memory?.flush()
  }
}

async function scanWith(host: Host, request: ScanRequest, memory: ScanMemory | undefined): Promise<ScanResult> {
  const { found, unread } = await find(host, request, memory)
  const stop: { reason?: unknown } = {}
  const scanned = new Map<FoundTranscript, ScannedFile>()
  let done = 0
  const scanOne = async (file: FoundTranscript) => {
    if (stop.reason !== undefined || request.signal.aborted) return
    try {
      scanned.set(file, await scanFile(host, file, request, memory))
    } catch (error) {
      stop.reason ??= error
    } finally {
      done += 1
      request.onScanned?.(done, found.length)
    }
  }
  const oneByOne = async (files: readonly FoundTranscript[]) => {
    for (const file of files) await scanOne(file)
  }
  await pMap(withCopies(found), oneByOne, { concurrency })
  request.signal.throwIfAborted()
  if (stop.reason !== undefined) throw stop.reason
  const files = found.flatMap((file) => scanned.get(file) ?? [])
  return { files, unread, namedFailures: namedFailures(files, unread, request) }
}

/**
 * The files as they are scanned side by side: each session's own with the copies of it behind, the largest first, so that what a copy has is stored
 * before it, and no two of them write one ledger at once.
 */
function withCopies(found: readonly FoundTranscript[]): readonly (readonly FoundTranscript[])[] {
  const groups = new Map<string, FoundTranscript[]>()
  for (const file of found) {
    const main = file.copyOf ?? file.path
    groups.set(main, [...(groups.get(main) ?? []), file])
  }
  const order = (file: FoundTranscript) => (file.copyOf === undefined ? Number.NEGATIVE_INFINITY : -file.sizeBytes)
  return [...groups.values()].map((files) => files.toSorted((one, other) => order(one) - order(other)))
}

async function find(
  host: Host,
  request: ScanRequest,
  memory: ScanMemory | undefined,
): Promise<{ readonly found: readonly FoundTranscript[]; readonly unread: readonly FindProblem[] }> {
  // Loaded here, so that `scan --help` waits for no storage adapter.
  const { findTranscripts } = await import('@palimpsest/host')
  const { agents, again, root, cwd, signal } = request
  const paths = absolutePaths(request)
  const found = new Map<string, FoundTranscript>()
  const unread: FindProblem[] = []
  const options = {
    ...(paths.length === 0 ? {} : { paths }),
    ...(agents === undefined ? {} : { agents }),
    ...(root === undefined ? {} : { root: resolve(cwd, root) }),
    ...(again === true ? {} : { memory }),
    signal,
  }
  for await (const item of findTranscripts(host, options)) {
    if ('error' in item) unread.push(item)
    // A file in a folder that is also named by itself is looked at once.
    else found.set(item.path, item)
    request.onFound?.(found.size)
  }
  return { found: [...found.values()], unread }
}

async function scanFile(
  host: Host,
  file: FoundTranscript,
  { again, signal }: ScanRequest,
  memory: ScanMemory | undefined,
): Promise<ScannedFile> {
  const { agent, path, sizeBytes, files, copyOf, state: own } = file
  if (file.imported !== undefined) return { ...file, imported: file.imported }
  try {
    const transcript = host.files.origin(path)
    // Asked before it is read: what is written meanwhile makes another state of it.
    const state = files === undefined ? undefined : await memory?.stateOf(path, { agent, files, state: own }, { signal })
    const imported = await host.checkpoints.import({ agent, transcript, signal, ...(again === undefined ? {} : { again }) })
    if (files !== undefined && state !== undefined) await memory?.keep(state, { is: 'session', agent, sizeBytes, files, imported })
    return { agent, path, sizeBytes, copyOf, imported }
  } catch (error) {
    if (isCheckpointError(error) && !isStoreFailure(error)) return { agent, path, sizeBytes, copyOf, failure: error }
    throw error
  }
}

/** Whether an error is the store's, so that no other session would fare better. */
function isStoreFailure(error: CheckpointError): boolean {
  return error.code === 'STORAGE_UNAVAILABLE' || error.code === 'STORAGE_REFUSED' || error.code === 'FORMAT_UNSUPPORTED'
}

/** What findTranscripts makes of a path, so that what it says can be told from what lies in a folder. An empty one stays what it is. */
function absolutePaths({ paths, cwd }: ScanRequest): readonly string[] {
  return paths.map((path) => (path === '' ? path : resolve(cwd, path)))
}

function namedFailures(files: readonly ScannedFile[], unread: readonly FindProblem[], request: ScanRequest): readonly FindProblem[] {
  const named = new Set(absolutePaths(request))
  const failed = files.flatMap((file) => ('failure' in file ? [{ path: file.path, error: file.failure }] : []))
  return [...unread, ...failed].filter(({ path }) => named.has(path))
}
