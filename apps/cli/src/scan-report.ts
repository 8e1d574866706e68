import type { CheckpointError, CheckpointErrorCode, ImportResult } from '@palimpsest/core'
import { byteSize } from './byte-size.ts'
import { sessionKeyWidth } from './checkpoint-table.ts'
import type { Block } from './output.ts'
import type { ScannedFile, ScanResult } from './scan-files.ts'
import { counted, shortened, shortenedPath, styled, type Text } from './text.ts'
import { tokenCount } from './token-count.ts'

/** What went wrong in a file, as `--json` prints it. */
interface ScanProblem {
  readonly code: CheckpointErrorCode
  readonly line?: number | undefined
  readonly message: string
}

/** A session as `--json` prints it. A file that could not be imported has no `sessionKey`. */
interface ScannedSession {
  readonly agent: string
  readonly sessionKey?: string
  readonly sessionId?: string
  readonly cwd?: string | undefined
  readonly path: string
  /** The session's own file, where this is a copy that the agent made of it. */
  readonly copyOf?: string
  readonly checkpoints: readonly string[]
  readonly created?: number
  readonly completed?: number
  readonly storedBytes?: number
  readonly sizeBytes: number
  readonly tokens?: number
  readonly totalStoredBytes?: number
  readonly problems: readonly ScanProblem[]
  readonly problemCount: number
  readonly unknownEntries?: number
  /** No compaction could be found in a transcript of this kind. */
  readonly recordsNoCompactions?: boolean
}

/** What `scan --json` prints; `error` is that of the first file named on the command line that is no session. */
export interface ScanReport {
  readonly sessions: readonly ScannedSession[]
  /** Files and folders that could not be looked into. */
  readonly problems: readonly (ScanProblem & { readonly path: string })[]
  readonly error?: { readonly code: string; readonly message: string; readonly details: object }
}

export function scanReport(result: ScanResult): ScanReport {
  const [failed] = result.namedFailures
  return {
    sessions: result.files.map(scannedSession),
    problems: result.unread.map(({ path, error }) => ({ path, ...scanProblem(error) })),
    ...(failed === undefined ? {} : { error: failed.error.toJSON() }),
  }
}

function scannedSession(file: ScannedFile): ScannedSession {
  const { agent, path, sizeBytes } = file
  const copyOf = file.copyOf === undefined ? {} : { copyOf: file.copyOf }
  if (file.imported === undefined)
    return { agent, path, ...copyOf, sizeBytes, checkpoints: [], problems: [scanProblem(file.failure)], problemCount: 1 }
  const {
    sessionKey,
    sessionId,
    cwd,
    checkpointIds,
    created,
    completed,
    storedBytes,
    totalStoredBytes,
    tokensBefore,
    problems,
    problemCount,
    unknownEntries,
    recordsNoCompactions,
  } = file.imported
  return {
    agent,
    sessionKey,
    sessionId,
    ...(cwd === undefined ? {} : { cwd }),
    path,
    ...copyOf,
    checkpoints: checkpointIds,
    created,
    completed,
    storedBytes,
    sizeBytes,
    tokens: tokensBefore,
    totalStoredBytes,
    problems,
    problemCount,
    unknownEntries,
    ...(recordsNoCompactions === true ? { recordsNoCompactions } : {}),
  }
}

function scanProblem(error: CheckpointError): ScanProblem {
  const { details } = error
  const line = 'line' in details && details.line !== undefined ? { line: details.line } : {}
  return { code: error.code, ...line, message: error.message }
}

/** What `scan` prints for people: the sessions that were compacted, then what all of them add up to. */
export function scanBlocks(result: ScanResult, hints: { readonly list: string; readonly scanFolder: string }): readonly Block[] {
  const { files } = result
  if (files.length === 0) return [`No sessions found. Name a folder or a file: ${hints.scanFolder}`]
  const compacted = files.filter((file) => (file.imported?.checkpointIds.length ?? 0) > 0 && !isInAnother(file, files))
  if (compacted.length === 0) return [`${counted(sessionCount(files), 'session')} found, none with a compaction in it yet.`]
  return [scanTable(compacted), '', totals(files), [styled('dim', 'See them: '), hints.list]]
}

/** Whether a file is a copy of a session, and all that it has is in another file of that session too. */
function isInAnother({ copyOf, imported }: ScannedFile, files: readonly ScannedFile[]): boolean {
  if (copyOf === undefined || imported === undefined) return false
  return files.some((other) => {
    const ids = other.imported?.checkpointIds ?? []
    if (other.copyOf !== copyOf && other.path !== copyOf) return false
    return ids.length > imported.checkpointIds.length && imported.checkpointIds.every((id) => ids.includes(id))
  })
}

/** Copies are of a session that counts already. */
function sessionCount(files: readonly ScannedFile[]): number {
  return new Set(files.map(({ path, copyOf }) => copyOf ?? path)).size
}

function scanTable(files: readonly ScannedFile[]): Block {
  return {
    columns: [
      { title: 'agent' },
      { title: 'project' },
      { title: 'session' },
      { title: 'compactions', align: 'right' },
      { title: 'tokens', align: 'right' },
      { title: 'bytes', align: 'right' },
      { title: 'stored', align: 'right' },
    ],
    rows: files.flatMap((file) => (file.imported === undefined ? [] : [scanRow(file, file.imported)])),
  }
}

function scanRow({ agent, sizeBytes }: ScannedFile, imported: ImportResult): readonly Text[] {
  return [
    agent,
    shortenedPath(imported.cwd ?? '', 40),
    shortened(imported.sessionKey, sessionKeyWidth),
    String(imported.checkpointIds.length),
    imported.tokensBefore === 0 ? '' : tokenCount(imported.tokensBefore),
    byteSize(sizeBytes),
    byteSize(imported.totalStoredBytes),
  ]
}

function totals(files: readonly ScannedFile[]): Text {
  // Copies of a session in several files hold the same compactions.
  const compactions = new Set<string>()
  const tokensBySession = new Map<string, number>()
  let added = 0
  let sizeBytes = 0
  let storedBytes = 0
  for (const file of files) {
    if (file.imported === undefined) continue
    const { agent, sessionKey, checkpointIds, created, completed, tokensBefore } = file.imported
    for (const id of checkpointIds) compactions.add(id)
    const session = JSON.stringify([agent, sessionKey])
    tokensBySession.set(session, Math.max(tokensBefore, tokensBySession.get(session) ?? 0))
    added += created + completed
    storedBytes += file.imported.storedBytes
    sizeBytes += file.sizeBytes
  }
  const tokens = [...tokensBySession.values()].reduce((sum, count) => sum + count, 0)
  const facts = [
    counted(sessionCount(files), 'session'),
    `${counted(compactions.size, 'compaction')} kept (${added === 0 ? 'none' : added.toLocaleString('en-US')} new)`,
    tokens === 0 ? '' : `${tokenCount(tokens)} tokens`,
    `${byteSize(sizeBytes)} of transcripts, ${byteSize(storedBytes)} newly stored`,
  ]
  return styled('bold', facts.filter((fact) => fact !== '').join(' · '))
}

/** What could not be scanned, a line each, for standard error. */
export function scanNotes(result: ScanResult): readonly Text[] {
  const named = new Set(result.namedFailures.map(({ path }) => path))
  const failures = result.files.flatMap((file) => ('failure' in file ? [{ path: file.path, error: file.failure }] : []))
  const skipped = [...result.unread, ...failures].filter(({ path }) => !named.has(path))
  const malformed = result.files.flatMap(({ path, imported }) =>
    (imported?.problemCount ?? 0) > 0 ? [{ path, count: imported?.problemCount ?? 0 }] : [],
  )
  return [
    ...malformed.map(
      ({ path, count }): Text => [styled('yellow', 'noted:'), ` ${path}: ${counted(count, 'line')} kept as bytes, not understood`],
    ),
    ...result.files.flatMap(laterVersion),
    ...silent(result.files),
    ...skipped.map(({ path, error }): Text => [styled('yellow', 'skipped:'), ` ${path}: ${error.message}`]),
  ]
}

/** One line for all of them: an old home has many. */
function silent(files: readonly ScannedFile[]): readonly Text[] {
  const found = files.filter(({ imported }) => imported?.recordsNoCompactions === true)
  const [first] = found
  if (first === undefined) return []
  const others = found.length === 1 ? '' : ` and ${counted(found.length - 1, 'more file')}`
  const what = `older ${first.agent} sessions don't record their compactions, so that none can be found in them; palimpsest capture keeps one as it is now`
  return [[styled('yellow', 'noted:'), ` ${first.path}${others}: ${what}`]]
}

function laterVersion({ path, agent, imported }: ScannedFile): readonly Text[] {
  const count = imported?.unknownEntries ?? 0
  if (count === 0) return []
  const found = `${counted(count, 'record')} of a kind that is not known here, kept byte for byte`
  return [[styled('yellow', 'noted:'), ` ${path}: ${found}; ${agent} may be of a later version than those that were tested`]]
}
