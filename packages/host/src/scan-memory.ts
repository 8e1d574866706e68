import { basename } from 'node:path'
import {
  type AbortOptions,
  type Checkpoints,
  type ImportResult,
  sessionName,
  type TranscriptFiles,
  type TranscriptReader,
} from '@palimpsest/core'
import { type OpenCodeSessionPath, openCodeDatabaseFiles } from '@palimpsest/transcripts'
import { z } from 'zod'
import type { OpenCatalogue } from './catalogue/open-catalogue.ts'
import type { ScannedRow } from './catalogue/scanned.ts'

/** Raised when readers find more in the same bytes, or there is another reader, so that everything is looked at once more. */
const version = 2

/** What is known of a path that a scan looked at, as long as its files are what they were. */
export type Seen =
  | { readonly is: 'no session' }
  | { readonly is: 'database'; readonly sessions: readonly OpenCodeSessionPath[] }
  | {
      readonly is: 'session'
      readonly agent: string
      readonly sizeBytes: number
      /** The files of its main part. */
      readonly files: readonly string[]
      readonly imported: ImportResult
    }

/** The files of a main part, and the agent whose rules say what else belongs to it, where one is known. */
export interface SeenFiles {
  readonly agent?: string | undefined
  readonly files: readonly string[]
  /** What stands for them where only a part of them is the session's. */
  readonly state?: string | undefined
}

/** A path with the state of its files before they were read. */
export interface SeenState {
  readonly path: string
  readonly state: string
}

/**
 * What earlier scans saw, so that of an unchanged file only its stats are looked at. Derived: it lies in the catalogue, may be deleted at any time, and
 * is forgotten with another store. What can't be known costs another look.
 */
export interface ScanMemory {
  /** What is known of a path, where its files are unchanged and, of a session, its ledger too; then an import would store nothing and say the same. */
  recall(path: string, options?: AbortOptions & Pick<SeenFiles, 'state'>): Promise<Seen | undefined>
  /** The state of a path now, to be kept with what is then read; `undefined` where it can't be told. */
  stateOf(path: string, seen: SeenFiles, options?: AbortOptions): Promise<SeenState | undefined>
  keep(state: SeenState, seen: Seen): Promise<void>
  /** Writes what was kept last: to be called when a scan ends, however it ends. */
  flush(): Promise<void>
}

const writtenAtOnce = 200

const count = z.int().min(0)
const importedSchema = z.object({
  agent: z.string(),
  sessionKey: z.string(),
  sessionId: z.string(),
  cwd: z.string().optional(),
  checkpointIds: z.array(z.string()),
  created: count,
  completed: count,
  storedBytes: count,
  tokensBefore: count,
  totalStoredBytes: count,
  ledgerCommits: count.optional(),
  problems: z.array(z.object({ code: z.literal('TRANSCRIPT_MALFORMED'), line: count.optional(), message: z.string() })),
  problemCount: count,
  unknownEntries: count,
  recordsNoCompactions: z.boolean().optional(),
})
const rowSchema = z.object({
  version: z.literal(version),
  seen: z.discriminatedUnion('is', [
    z.object({ is: z.literal('no session') }),
    z.object({
      is: z.literal('database'),
      sessions: z.array(z.object({ path: z.string(), sizeBytes: count, state: z.string().optional() })),
    }),
    z.object({
      is: z.literal('session'),
      agent: z.string(),
      sizeBytes: count,
      files: z.array(z.string()),
      imported: importedSchema,
    }),
  ]),
})

/** The memory of one scan: the ledgers of its sessions are looked at once, when it is first asked. */
export function scanMemory(
  catalogue: OpenCatalogue,
  host: { readonly checkpoints: Checkpoints; readonly readers: readonly TranscriptReader[]; readonly files: TranscriptFiles },
): ScanMemory {
  const stateOf = async (path: string, { agent, files, state: own }: SeenFiles, options: AbortOptions = {}) => {
    if (own !== undefined) return { path, state: `own ${own}` }
    const reader = host.readers.find((candidate) => candidate.agent === agent)
    const [main = path] = files
    // A copy is written once: what is said beside it later changes nothing of what was kept.
    const beside = reader?.copies?.mainOf(basename(main)) === undefined ? (reader?.companions ?? []) : []
    const companions = beside.map((name) => `${main.slice(0, main.length - basename(main).length)}${name}`)
    const sidecars = reader?.sidecars(basename(main)) ?? []
    const state = await host.files.state?.([...files, ...companions], { ...options, sidecars })
    return state === undefined ? undefined : { path, state }
  }
  let ledgers: ReturnType<OpenCatalogue['commits']> | undefined
  const ledgersNow = async (options: AbortOptions) => {
    // A list brings the catalogue up to date.
    await host.checkpoints.sessions({ limit: 1, ...options })
    return catalogue.commits()
  }
  const isLedgerUnchanged = async ({ agent, sessionKey, ledgerCommits }: ImportResult, options: AbortOptions) => {
    if (ledgerCommits === undefined) return true
    ledgers ??= ledgersNow(options)
    const known = await ledgers
    const name = sessionName(agent, sessionKey)
    return known !== undefined && !known.changing.has(name) && (known.counts.get(name) ?? 0) === ledgerCommits
  }
  let waiting: ScannedRow[] = []
  const flush = async () => {
    const rows = waiting
    waiting = []
    if (rows.length > 0) await catalogue.writeScanned(rows)
  }
  return {
    stateOf,
    async recall(path, { state, ...options } = {}) {
      const row = await catalogue.scanned(path)
      const seen = row === undefined ? undefined : parsed(row.value)
      if (row === undefined || seen === undefined) return undefined
      const files = seen.is === 'session' ? seen : { files: seen.is === 'database' ? openCodeDatabaseFiles(path) : [path] }
      if ((await stateOf(path, { ...files, state }, options))?.state !== row.state) return undefined
      if (seen.is !== 'session') return seen
      return (await isLedgerUnchanged(seen.imported, options)) ? seen : undefined
    },
    async keep({ path, state }, seen) {
      waiting.push({ path, state, value: JSON.stringify({ version, seen }) })
      if (waiting.length >= writtenAtOnce) await flush()
    },
    flush,
  }
}

function parsed(text: string): Seen | undefined {
  try {
    return rowSchema.parse(JSON.parse(text)).seen
  } catch {
    return undefined
  }
}
