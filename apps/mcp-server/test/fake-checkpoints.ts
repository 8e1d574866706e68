import {
  type Checkpoint,
  CheckpointError,
  type CheckpointPage,
  type Checkpoints,
  type EntryPage,
  type ListQuery,
  type ReadEntry,
  type ReadQuery,
  type WithinSession,
} from '@palimpsest/core'

/** A checkpoint with the entries of its transcript. */
export interface Kept {
  readonly checkpoint: Checkpoint
  readonly entries: readonly ReadEntry[]
}

/** What was asked of the fake, for tests of what reaches the service. */
export interface Calls {
  readonly branched: { readonly id: string; readonly dropUnanswered?: boolean | undefined }[]
  readonly restored: string[]
  readonly lists: ListQuery[]
}

const startMs = Date.UTC(2026, 10, 20, 9, 0, 0)

/** The `number`th checkpoint of a session, a minute after the one before. Ids end in 8 digits of the number. */
export function keep(
  number: number,
  fields: Partial<Checkpoint> = {},
  texts: readonly string[] = ['How do I start it?', 'With make run.'],
): Kept {
  const id = `0199aaaa-bbbb-7ccc-8ddd-${String(number).padStart(12, '0')}`
  const checkpoint: Checkpoint = {
    id,
    agent: 'pi',
    sessionKey: 'session-a',
    sessionId: 'session-a',
    cwd: '/home/dev/project',
    createdAt: startMs + number * 60_000,
    reason: 'auto-threshold',
    origin: 'import',
    status: 'complete',
    tokensBefore: 190_000,
    tokensAfter: 12_000,
    summary: `Summary ${number}: the parser was rewritten.`,
    preCompaction: { sessionId: 'session-a', leafId: 'leaf0001' },
    sizeBytes: 4096,
    pinned: false,
    badLines: 0,
    parts: [{ name: 'main', stream: 0, bytes: 4096, lines: 12 }],
    ...fields,
  }
  const entries = texts.map((text, index): ReadEntry => {
    const role = index % 2 === 0 ? 'user' : 'assistant'
    return { id: `entry${index}`, kind: 'message', role, text, line: index + 1, dropped: index % 2 === 0 }
  })
  return { checkpoint, entries }
}

/** A service over `kept` that reads, and notes what would have been written. */
export function fakeCheckpoints(kept: readonly Kept[]): { readonly checkpoints: Checkpoints; readonly calls: Calls } {
  const calls: Calls = { branched: [], restored: [], lists: [] }
  const refuse = () => Promise.reject(new Error('not part of this fake'))
  const checkpoints: Checkpoints = {
    list: async (query = {}) => {
      calls.lists.push(query)
      return listed(kept, query)
    },
    get: async (id, within) => found(kept, id, within).checkpoint,
    read: async (id, query) => readPage(found(kept, id, query), query ?? {}),
    branch: async (id, options) => {
      const { checkpoint } = found(kept, id, options)
      calls.branched.push({ id: checkpoint.id, dropUnanswered: options?.dropUnanswered })
      return branchOf(checkpoint)
    },
    restore: async (id, options) => {
      const { checkpoint } = found(kept, id, options)
      calls.restored.push(checkpoint.id)
      return { ...branchOf(checkpoint), undo: '0199aaaa-bbbb-7ccc-8ddd-0000deadbeef' }
    },
    capture: refuse,
    around: refuse,
    complete: refuse,
    abandon: refuse,
    import: refuse,
    sessions: refuse,
    search: refuse,
    index: refuse,
    parts: refuse,
    raw: () => {
      throw new Error('not part of this fake')
    },
    pin: refuse,
    label: refuse,
    delete: refuse,
    deleteSession: refuse,
    undelete: refuse,
    prune: refuse,
    verify: refuse,
  }
  return { checkpoints, calls }
}

function branchOf(checkpoint: Checkpoint) {
  return {
    checkpoint,
    path: '/home/dev/.pi/agent/sessions/new.jsonl',
    sessionId: 'session-new',
    resume: "pi --session '/home/dev/.pi/agent/sessions/new.jsonl'",
    resumeArgv: ['pi', '--session', '/home/dev/.pi/agent/sessions/new.jsonl'],
    warnings: ['The context is nearly full: pi compacts again at once.'],
  }
}

function listed(kept: readonly Kept[], query: ListQuery): CheckpointPage {
  const { agent, sessionKey, cwd, limit = 50, cursor = '0' } = query
  const start = Number(cursor)
  if (!Number.isInteger(start)) throw new CheckpointError('ARGUMENT_INVALID', 'That is no cursor.', { argument: 'cursor' })
  const fits = kept
    .map(({ checkpoint }) => checkpoint)
    .filter(
      (one) => (agent ?? one.agent) === one.agent && (sessionKey ?? one.sessionKey) === one.sessionKey && (cwd ?? one.cwd) === one.cwd,
    )
    .sort((a, b) => b.createdAt - a.createdAt)
  const next = start + limit
  return { checkpoints: fits.slice(start, next), problems: [], ...(next < fits.length ? { nextCursor: String(next) } : {}) }
}

function found(kept: readonly Kept[], id: string, within: WithinSession | undefined): Kept {
  const { agent, sessionKey } = within ?? {}
  const fits = kept
    .filter(({ checkpoint: one }) => (agent ?? one.agent) === one.agent && (sessionKey ?? one.sessionKey) === one.sessionKey)
    .sort((a, b) => b.checkpoint.createdAt - a.checkpoint.createdAt)
  const back = /^latest(?:~(\d+))?$/.exec(id)
  const matches = back === null ? fits.filter(({ checkpoint }) => checkpoint.id.endsWith(id)) : fits.slice(Number(back[1] ?? 0)).slice(0, 1)
  const [match] = matches
  if (match === undefined) throw new CheckpointError('CHECKPOINT_NOT_FOUND', `There is no checkpoint "${id}".`, { id })
  if (matches.length === 1) return match
  const candidates = matches.map(({ checkpoint }) => checkpoint.id)
  throw new CheckpointError('CHECKPOINT_AMBIGUOUS', `${id} is the end of several: ${candidates.join(', ')}.`, { id, candidates })
}

function readPage({ checkpoint, entries }: Kept, query: ReadQuery): EntryPage {
  const { view = 'context', limit = 50, around, dropped } = query
  const shown = dropped === true ? entries.filter((entry) => entry.dropped === true) : entries
  const centre = around === undefined ? undefined : shown.findIndex((entry) => entry.id === around)
  if (centre === -1) throw new CheckpointError('ARGUMENT_INVALID', 'No entry of this view has that id.', { argument: 'around' })
  const from = centre === undefined ? (query.from ?? 0) : Math.max(0, centre - Math.floor(limit / 2))
  const page = shown.slice(from, from + limit)
  const next = from + limit < shown.length ? { next: from + limit } : {}
  return { checkpointId: checkpoint.id, view, entries: page, total: shown.length, from, ...next, problems: [] }
}
