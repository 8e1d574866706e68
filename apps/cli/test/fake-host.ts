import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import {
  type BetweenQuery,
  type BranchRoom,
  type Checkpoint,
  type CheckpointDiff,
  CheckpointError,
  type CheckpointPage,
  type Checkpoints,
  type CheckpointsDiff,
  type DiffQuery,
  type EntryPage,
  type ImportResult,
  type IndexReport,
  type LossReport,
  type PruneReport,
  type RecoveredText,
  type SearchIndexSize,
  type SearchPage,
  type SessionPage,
  type TranscriptOrigin,
  type TranscriptReader,
  type VerifyReport,
} from '@palimpsest/core'
import type { Host } from '@palimpsest/host'

export const now = Date.parse('2026-08-10T12:00:00Z')

/** A checkpoint with the given fields over plain ones. */
export function checkpointWith(fields: Partial<Checkpoint> = {}): Checkpoint {
  return {
    id: '01989a3e-5c00-7abc-9def-0123456789ab',
    agent: 'pi',
    sessionKey: 'session-one',
    sessionId: 'session-one',
    createdAt: now - 3 * 60_000,
    reason: 'manual',
    origin: 'capture',
    status: 'complete',
    preCompaction: { sessionId: 'session-one', leafId: 'leaf0001' },
    sizeBytes: 4_200,
    pinned: false,
    badLines: 0,
    parts: [{ name: 'main', stream: 0, bytes: 4_200, lines: 12 }],
    ...fields,
  }
}

interface Call {
  readonly operation: string
  readonly args: readonly unknown[]
}

type IndexAnswer = IndexReport & { readonly size: SearchIndexSize }

/** What the fake service answers; every call is written down. */
export interface FakeAnswers {
  readonly checkpoint?: Checkpoint
  readonly page?: CheckpointPage
  readonly sessions?: SessionPage
  readonly entries?: EntryPage
  readonly raw?: () => AsyncIterable<Uint8Array>
  readonly import?: (path: string, signal?: AbortSignal) => Promise<ImportResult>
  readonly deleted?: readonly string[]
  readonly pruned?: PruneReport
  readonly verified?: VerifyReport
  readonly found?: SearchPage
  readonly indexed?: IndexAnswer
  readonly outcome?: 'captured' | 'unchanged'
  readonly diff?: CheckpointDiff
  readonly between?: CheckpointsDiff
  readonly report?: LossReport
  readonly recovered?: RecoveredText
  readonly warnings?: readonly string[]
  readonly room?: BranchRoom
  /** Thrown by every operation. */
  readonly error?: unknown
}

export interface FakeHost extends Host {
  readonly calls: Call[]
  closed: number
}

export function fakeHost(answers: FakeAnswers = {}): FakeHost {
  const calls: Call[] = []
  const checkpoints = fakeCheckpoints(answers, calls)
  const never = (): never => {
    throw new Error('the command has no business here')
  }
  return {
    calls,
    closed: 0,
    checkpoints,
    storage: {
      traits: { durable: false, sharedBy: 'process', maxObjectBytes: 0 },
      objects: { put: never, get: never, delete: never, list: never },
      refs: { read: never, compareAndSwap: never, list: never },
      open: never,
      close: never,
    },
    storeUrl: 'memory:',
    configuration: {
      store: { kind: 'memory', url: 'memory:' },
      storeSource: 'default',
      retention: {},
      retentionSource: 'default',
      file: '',
      cacheFolder: '',
    },
    readers: [fakeReader()],
    sessionFolders: new Map(),
    files: { origin, create: never, replace: never, append: never },
    async close() {
      this.closed += 1
    },
  }
}

/** A file that can be read, as far as whoever looks for sessions reads it. */
function origin(path: string): TranscriptOrigin {
  return {
    path,
    async open() {
      const bytes = await readFile(path).catch((cause: unknown) => {
        throw new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} can't be read.`, { path }, { cause })
      })
      const source = { sizeBytes: bytes.length, read: async (start: number, end: number) => bytes.subarray(start, end) }
      return {
        path,
        async *parts() {
          yield { name: 'main', source }
        },
        close: async () => undefined,
        unchanged: async () => true,
      }
    },
  }
}

function fakeCheckpoints(answers: FakeAnswers, calls: Call[]): Checkpoints {
  const checkpoint = answers.checkpoint ?? checkpointWith()
  const answer = async <Value>(operation: string, args: readonly unknown[], value: Value | (() => Promise<Value>)): Promise<Value> => {
    calls.push({ operation, args })
    if (answers.error !== undefined) throw answers.error
    return value instanceof Function ? value() : value
  }
  const branched = {
    checkpoint,
    path: '/sessions/new.jsonl',
    sessionId: 'new-session',
    resume: 'pi --session /sessions/new.jsonl',
    resumeArgv: ['pi', '--session', '/sessions/new.jsonl'],
    warnings: answers.warnings ?? [],
    ...(answers.room === undefined ? {} : { room: answers.room }),
  }
  return {
    capture: (...args) =>
      answer('capture', args, {
        outcome: answers.outcome ?? 'captured',
        checkpoint: { ...checkpoint, status: 'pending' },
        storedBytes: 900,
        complete: async () => checkpoint,
        abandon: async () => undefined,
      }),
    around: () => Promise.reject(new Error('not a command')),
    complete: (...args) => answer('complete', args, checkpoint),
    abandon: (...args) => answer('abandon', args, undefined),
    import: (...args) => answer('import', args, () => importAnswer(answers, args[0].transcript.path ?? '', args[0].signal)),
    list: (...args) => answer('list', args, answers.page ?? { checkpoints: [checkpoint], problems: [] }),
    sessions: (...args) => answer('sessions', args, answers.sessions ?? { sessions: [], problems: [] }),
    get: (...args) => answer('get', args, checkpoint),
    read: (...args) =>
      answer(
        'read',
        args,
        answers.entries ?? { checkpointId: checkpoint.id, view: 'context', entries: [], total: 0, from: 0, problems: [] },
      ),
    parts: (...args) => answer('parts', args, []),
    diff: fakeDiff(answer, answers),
    report: (...args) => answer('report', args, answers.report ?? lossReport()),
    recover: (...args) =>
      answer(
        'recover',
        args,
        answers.recovered ?? { checkpointId: checkpoint.id, text: '', tokensEstimated: 0, facts: 0, leftOut: 0, gaps: 0 },
      ),
    async *raw(...args) {
      await answer('raw', args, undefined)
      yield* answers.raw?.() ?? [Buffer.from('{"type":"session"}\n')]
    },
    branch: (...args) => answer('branch', args, branched),
    restore: (...args) => answer('restore', args, { ...branched, undo: '01989a3e-5c00-7abc-9def-ffffffffffff' }),
    pin: (...args) => answer('pin', args, checkpoint),
    label: (...args) => answer('label', args, { ...checkpoint, label: args[1]?.text }),
    delete: (...args) => answer('delete', args, answers.deleted ?? args[0]),
    deleteSession: (...args) => answer('deleteSession', args, answers.deleted ?? [checkpoint.id]),
    undelete: (...args) => answer('undelete', args, checkpoint),
    verify: (...args) => answer('verify', args, answers.verified ?? verifyReport()),
    search: (...args) => answer('search', args, answers.found ?? { hits: [], waiting: 0, problems: [] }),
    index: (...args) => answer('index', args, answers.indexed ?? indexReport()),
    prune: (...args) => answer('prune', args, answers.pruned ?? pruneReport()),
  }
}

async function importAnswer(answers: FakeAnswers, path: string, signal: AbortSignal | undefined): Promise<ImportResult> {
  if (answers.import !== undefined) return answers.import(path, signal)
  return importResult(['01989a3e-5c00-7abc-9def-0123456789ab'])
}

export function importResult(checkpointIds: readonly string[], fields: Partial<ImportResult> = {}): ImportResult {
  return {
    agent: 'pi',
    sessionKey: 'session-one',
    sessionId: 'session-one',
    cwd: '/work/project',
    checkpointIds,
    created: checkpointIds.length,
    tokensBefore: 0,
    totalStoredBytes: 1024,
    unknownEntries: 0,
    completed: 0,
    storedBytes: 1_000,
    problems: [],
    problemCount: 0,
    ...fields,
  }
}

type Answer = <Value>(operation: string, args: readonly unknown[], value: Value) => Promise<Value>

function fakeDiff(answer: Answer, answers: FakeAnswers): Checkpoints['diff'] {
  function diff(id: string, query?: DiffQuery): Promise<CheckpointDiff>
  function diff(fromId: string, toId: string, query?: BetweenQuery): Promise<CheckpointsDiff>
  function diff(...args: readonly unknown[]): Promise<CheckpointDiff | CheckpointsDiff> {
    return typeof args[1] === 'string'
      ? answer('diff', args, answers.between ?? checkpointsDiff())
      : answer('diff', args, answers.diff ?? checkpointDiff())
  }
  return diff
}

export function checkpointDiff(fields: Partial<CheckpointDiff> = {}): CheckpointDiff {
  const none = { entries: 0, textCharacters: 0, tokensEstimated: 0 }
  return {
    checkpointId: '01989a3e-5c00-7abc-9def-0123456789ab',
    agent: 'pi',
    sessionKey: 'session-one',
    kept: none,
    dropped: none,
    summarised: none,
    categories: [],
    forgotten: [],
    survived: [],
    leftOut: 0,
    problems: [],
    gaps: 0,
    ...fields,
  }
}

export function checkpointsDiff(fields: Partial<CheckpointsDiff> = {}): CheckpointsDiff {
  const none = { entries: 0, lineBytes: 0, tokensEstimated: 0 }
  return { fromId: 'a', toId: 'b', both: none, added: { ...none, first: [] }, gone: { ...none, first: [] }, gaps: 0, ...fields }
}

export function lossReport(fields: Partial<LossReport> = {}): LossReport {
  const none = { entries: 0, textCharacters: 0, tokensEstimated: 0 }
  const total = { compactions: 0, kept: none, dropped: none, summarised: none, summaryCharacters: 0, categories: [] }
  return { total, agents: [], forgottenMost: [], skipped: 0, problems: [], problemCount: 0, ...fields }
}

function indexReport(fields: Partial<IndexAnswer> = {}): IndexAnswer {
  const size = { sessions: 0, entries: 0, sizeBytes: 0, transcriptBytes: 0 }
  return { indexed: 0, waiting: 0, problems: [], size, ...fields }
}

export function verifyReport(fields: Partial<VerifyReport> = {}): VerifyReport {
  return { damaged: [], repaired: [], sessions: 1, checkpoints: 2, chunks: 3, bytes: 4_000, ...fields }
}

export function pruneReport(fields: Partial<PruneReport> = {}): PruneReport {
  return {
    sessions: [],
    checkpoints: 0,
    purged: 0,
    freedBytes: 0,
    trashBytes: 0,
    orphanedObjects: 0,
    storedBytes: 0,
    dryRun: false,
    problems: [],
    ...fields,
  }
}

/** Claims files that begin as pi's sessions do; it is asked for nothing else. */
function fakeReader(): TranscriptReader {
  const never = (): never => {
    throw new Error('the command has no business here')
  }
  return {
    agent: 'pi',
    sidecars: () => [],
    detect: (head) => Buffer.from(head).toString().startsWith('{"type":"session"'),
    identify: never,
    entries: never,
    structure: never,
    entry: never,
    compactions: never,
    context: never,
    kept: never,
    rewrite: never,
    place: never,
    inPlace: never,
  }
}
