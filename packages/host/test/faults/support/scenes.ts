import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { type CheckpointStatus, type Checkpoints, parseKey, type Storage, type TranscriptOrigin } from '@palimpsest/core'
import { bytesTranscript } from '@palimpsest/transcripts'
import { claudeCodeFile, piFile, type SessionFile } from '../../service/support/sessions.ts'
import type { Kept, Snapshot } from './kept.ts'
import { serviceOver } from './service.ts'

/** A checkpoint that an operation changes: how it is before and after; `undefined` where it is not there. */
export interface Touched {
  readonly id: string
  readonly before: { readonly parts: Snapshot; readonly status: CheckpointStatus } | undefined
  readonly after: { readonly parts: Snapshot; readonly status: CheckpointStatus } | undefined
}

/** A store with something in it, and an operation on it that is going to be disturbed. */
export interface Scene {
  /** What the operation has nothing to do with. */
  readonly kept: Kept
  readonly touched: readonly Touched[]
  /** What the new checkpoints hold that the operation makes. */
  readonly made: readonly Snapshot[]
  /** It makes several commits, or does something after one that can fail: what it did so far stays, and it can be done again. */
  readonly goesInSteps?: true
  /** The agent's files, where the operation writes such. */
  readonly files?: SceneFiles | undefined
  run(service: Checkpoints): Promise<unknown>
  /** The same once more, even though the files were written just now; where it can be done twice. */
  runAgain?(service: Checkpoints): Promise<unknown>
  /** A capture of the session as it went on; gives the id and what it is to hold. */
  captureNext(service: Checkpoints): Promise<{ readonly id: string; readonly parts: Snapshot }>
}

/** The agent's files around an operation. */
export interface SceneFiles {
  /** Puts them to what they were. */
  reset(): Promise<void>
  /** Every file below the folder with its text, whatever is hidden; names that an operation makes up are evened out. */
  look(): Promise<Readonly<Record<string, string>>>
}

/** A kind of operation, and how its scene is set. */
export interface Play {
  readonly name: string
  readonly set: (stage: Stage) => Promise<Scene>
}

/** Where a scene is set: a folder of agents and an empty store. */
interface Stage {
  readonly folder: string
  readonly storage: Storage
}

/** Every kind of operation that writes. */
export const plays: readonly Play[] = [
  { name: 'a capture into an empty store', set: (stage) => captureScene(stage, { empty: true }) },
  { name: 'a capture of what was appended', set: (stage) => captureScene(stage, {}) },
  { name: 'a capture of a transcript with sidecars', set: (stage) => captureScene(stage, { agent: 'claude-code' }) },
  { name: 'a capture of a transcript that was rewritten', set: (stage) => captureScene(stage, { rewritten: true }) },
  { name: 'a capture by the tail check', set: tailCaptureScene },
  { name: 'a capture that settles the compaction before', set: settlingCaptureScene },
  { name: 'a completion', set: (stage) => pendingScene(stage, 'complete') },
  { name: 'an abandonment', set: (stage) => pendingScene(stage, 'abandon') },
  { name: 'an import into an empty store', set: (stage) => importScene(stage, { waiting: false }) },
  { name: 'an import that completes a waiting checkpoint', set: (stage) => importScene(stage, { waiting: true }) },
  { name: 'a deletion', set: (stage) => curationScene(stage, 'delete') },
  { name: 'the deletion of a session', set: (stage) => curationScene(stage, 'delete session') },
  { name: 'an undeletion', set: (stage) => curationScene(stage, 'undelete') },
  { name: 'a pin', set: (stage) => curationScene(stage, 'pin') },
  { name: 'a pruning', set: pruningScene },
  { name: 'a branch', set: (stage) => givingBackScene(stage, 'branch') },
  { name: 'a restore that replaces the file', set: (stage) => givingBackScene(stage, 'replace') },
  { name: 'a restore that appends to the file', set: (stage) => givingBackScene(stage, 'append') },
]

type Agent = 'pi' | 'claude-code'
const sidecarName = 'tool-results/x.txt'

/** A session that a test writes into memory; its file is there only for what is done to the file itself. */
interface Session {
  readonly file: SessionFile
  /** What the transcript holds now. */
  parts(): Snapshot
  capture(service: Checkpoints, reason?: 'manual' | 'requested'): ReturnType<Checkpoints['capture']>
  import(service: Checkpoints): ReturnType<Checkpoints['import']>
}

async function newSession(stage: Stage, agent: Agent, name = 'one'): Promise<Session> {
  const file =
    agent === 'pi'
      ? await piFile(join(stage.folder, 'pi-agent', 'sessions', '--home-dev-app--'), `pi-${name}`)
      : await claudeCodeFile(join(stage.folder, 'claude', 'projects', '-home-dev-project'))
  const parts = (): Snapshot => ({
    main: Uint8Array.from(file.bytes()),
    ...(agent === 'pi' ? {} : { [sidecarName]: Buffer.from(`a long result ${file.bytes().length}\n`.repeat(3)) }),
  })
  const transcript = () => bytesTranscript(parts(), { path: file.path })
  return {
    file,
    parts,
    capture: (service, reason = 'requested') => service.capture({ agent, transcript: transcript(), reason }),
    import: (service) => service.import({ agent, transcript: transcript() }),
  }
}

/** A session with three checkpoints: a snapshot, one of a compaction, and a snapshot after it; and another session beside it. */
async function history(stage: Stage, agent: Agent): Promise<{ session: Session; service: Checkpoints; kept: Map<string, Snapshot> }> {
  const service = serviceOver(stage.storage, stage.folder)
  const kept = new Map<string, Snapshot>()
  const other = await newSession(stage, 'pi', 'two')
  await other.file.turn()
  kept.set((await other.capture(service)).checkpoint.id, other.parts())
  const session = await newSession(stage, agent)
  await session.file.turn('the first '.repeat(50))
  kept.set((await session.capture(service)).checkpoint.id, session.parts())
  await session.file.turn()
  const pending = await session.capture(service, 'manual')
  await pending.complete({ summary: 'what was' })
  kept.set(pending.checkpoint.id, session.parts())
  await session.file.compact()
  await session.file.turn()
  kept.set((await session.capture(service)).checkpoint.id, session.parts())
  return { session, service, kept }
}

/** How the session goes on, known before the operation is run, which must not change it. */
async function nextOf(session: Session): Promise<{ now: Snapshot; captureNext: Scene['captureNext'] }> {
  const now = session.parts()
  await session.file.turn('and then')
  const next = session.parts()
  await session.file.rewrite(now['main'] ?? new Uint8Array())
  const { agent, path } = session.file
  return {
    now,
    captureNext: async (service) => {
      const transcript = bytesTranscript(next, { path })
      const { checkpoint } = await service.capture({ agent, transcript, reason: 'requested' })
      return { id: checkpoint.id, parts: next }
    },
  }
}

async function captureScene(stage: Stage, options: { empty?: boolean; agent?: Agent; rewritten?: boolean }): Promise<Scene> {
  const { agent = 'pi' } = options
  const { session, kept } =
    options.empty === true ? { session: await newSession(stage, agent), kept: new Map<string, Snapshot>() } : await history(stage, agent)
  if (options.rewritten === true) {
    const text = Buffer.from(session.file.bytes()).toString()
    await session.file.rewrite(Buffer.from(text.replaceAll('Answer to ask 2', 'Another answer to ask 2')))
  }
  await session.file.turn()
  const { now, captureNext } = await nextOf(session)
  const transcript = bytesTranscript(now, { path: session.file.path })
  const run = (service: Checkpoints) => service.capture({ agent, transcript, reason: 'requested' })
  return { kept, touched: [], made: [now], run, captureNext }
}

/** A capture of a file that is known by its end alone. */
async function tailCaptureScene(stage: Stage): Promise<Scene> {
  const { session, service, kept } = await history(stage, 'pi')
  const identity = (main: Uint8Array = new Uint8Array()) => ({
    ...{ host: 'here', device: '1', inode: '2', modifiedAtMs: 0 },
    sizeBytes: main.byteLength,
  })
  const asFile = (parts: Snapshot): TranscriptOrigin => {
    const origin = bytesTranscript(parts, { path: session.file.path })
    return { ...origin, open: async (options) => ({ ...(await origin.open(options)), identity: identity(parts['main']) }) }
  }
  await session.file.turn()
  const known = await service.capture({ agent: 'pi', transcript: asFile(session.parts()), reason: 'requested' })
  kept.set(known.checkpoint.id, session.parts())
  await session.file.turn()
  const { now, captureNext } = await nextOf(session)
  const run = async (other: Checkpoints) => {
    const { checkpoint } = await other.capture({ agent: 'pi', transcript: asFile(now), reason: 'manual', prefixCheck: 'tail' })
    if (checkpoint.prefixCheck !== 'tail') throw new Error('The tail was not recognised.')
  }
  return { kept, touched: [], made: [now], run, captureNext }
}

async function settlingCaptureScene(stage: Stage): Promise<Scene> {
  const { session, service, kept } = await history(stage, 'claude-code')
  await session.file.turn()
  const { checkpoint } = await session.capture(service, 'manual')
  const before = session.parts()
  await session.file.turn('between the hook and the boundary')
  const after = { ...before, main: Uint8Array.from(session.file.bytes()) }
  await session.file.compact()
  await session.file.turn()
  const { now, captureNext } = await nextOf(session)
  const transcript = bytesTranscript(now, { path: session.file.path })
  const touched: Touched = {
    id: checkpoint.id,
    before: { parts: before, status: 'pending' },
    after: { parts: after, status: 'complete' },
  }
  const run = (other: Checkpoints) => other.capture({ agent: 'claude-code', transcript, reason: 'manual' })
  return { kept, touched: [touched], made: [now], run, captureNext }
}

async function pendingScene(stage: Stage, verb: 'complete' | 'abandon'): Promise<Scene> {
  const { session, service, kept } = await history(stage, 'claude-code')
  await session.file.turn()
  const { checkpoint } = await session.capture(service, 'manual')
  const { now, captureNext } = await nextOf(session)
  const touched: Touched = {
    id: checkpoint.id,
    before: { parts: now, status: 'pending' },
    after: verb === 'complete' ? { parts: now, status: 'complete' } : undefined,
  }
  const run = async (other: Checkpoints): Promise<unknown> =>
    verb === 'complete' ? other.complete(checkpoint.id, { summary: 's', tokensAfter: 7 }) : other.abandon(checkpoint.id)
  return { kept, touched: [touched], made: [], run, captureNext }
}

async function importScene(stage: Stage, options: { waiting: boolean }): Promise<Scene> {
  const service = serviceOver(stage.storage, stage.folder)
  const session = await newSession(stage, 'pi')
  await session.file.turn()
  const made: Snapshot[] = [session.parts()]
  await session.file.compact()
  await session.file.turn()
  const waiting = session.parts()
  const pending = options.waiting ? await session.capture(service, 'manual') : undefined
  await session.file.turn('before the boundary')
  const second = session.parts()
  await session.file.compact()
  await session.file.turn()
  const { now, captureNext } = await nextOf(session)
  const touched: Touched[] =
    pending === undefined
      ? []
      : [
          {
            id: pending.checkpoint.id,
            before: { parts: waiting, status: 'pending' },
            after: { parts: second, status: 'complete' },
          },
        ]
  const transcript = bytesTranscript(now, { path: session.file.path })
  const run = (other: Checkpoints) => other.import({ agent: 'pi', transcript })
  return { kept: new Map(), touched, made: pending === undefined ? [...made, second] : made, run, captureNext }
}

async function curationScene(stage: Stage, verb: 'delete' | 'delete session' | 'undelete' | 'pin'): Promise<Scene> {
  const { session, service, kept } = await history(stage, 'pi')
  const own = new Set((await service.list({ sessionKey: session.file.sessionId })).checkpoints.map(({ id }) => id))
  const ofCompaction = (await service.list()).checkpoints.find(({ status }) => status === 'complete')?.id ?? ''
  const changed = verb === 'delete session' ? [...own] : [ofCompaction]
  if (verb === 'undelete') await service.delete(changed)
  const touched = changed.map((id): Touched => {
    const there = { parts: kept.get(id) ?? {}, status: id === ofCompaction ? ('complete' as const) : ('snapshot' as const) }
    return { id, before: verb === 'undelete' ? undefined : there, after: verb === 'undelete' || verb === 'pin' ? there : undefined }
  })
  const run = async (other: Checkpoints): Promise<unknown> => {
    if (verb === 'delete') return other.delete(changed)
    if (verb === 'undelete') return other.undelete(ofCompaction)
    if (verb === 'pin') return other.pin(ofCompaction)
    return other.deleteSession({ agent: 'pi', sessionKey: session.file.sessionId })
  }
  const { captureNext } = await nextOf(session)
  return { kept: new Map([...kept].filter(([id]) => !changed.includes(id))), touched, made: [], run, captureNext }
}

/** A session of which a checkpoint was deleted and a capture was taken back, and what a crashed capture left beside it. */
async function pruningScene(stage: Stage): Promise<Scene> {
  const { session, service, kept } = await history(stage, 'claude-code')
  const [, , deleted = ''] = kept.keys()
  await service.delete([deleted])
  await session.file.turn()
  await (await session.capture(service, 'manual')).abandon()
  const [ledger] = (await stage.storage.refs.list('sessions/')).items
  if (ledger !== undefined)
    await stage.storage.objects.put(parseKey(`${ledger.name}/0-00000000000000000000`), Buffer.from('left by a crash'))
  const { captureNext } = await nextOf(session)
  kept.delete(deleted)
  return { kept, touched: [], made: [], goesInSteps: true, captureNext, run: (other) => other.prune({ trashMs: 0 }) }
}

async function givingBackScene(stage: Stage, way: 'branch' | 'replace' | 'append'): Promise<Scene> {
  const { session, kept } = await history(stage, way === 'append' ? 'pi' : 'claude-code')
  await session.file.turn('what the restore takes back')
  const { now, captureNext } = await nextOf(session)
  const id = [...kept.keys()].at(-1) ?? ''
  return {
    kept,
    touched: [],
    made: way === 'branch' ? [] : [now],
    goesInSteps: true,
    captureNext,
    files: { reset: () => layOut(stage, session.file.path, now), look: () => filesBelow(stage.folder) },
    run: (service) => (way === 'branch' ? service.branch(id, { to: join(stage.folder, 'to') }) : service.restore(id)),
    runAgain: (service) => (way === 'branch' ? service.branch(id, { to: join(stage.folder, 'to') }) : service.restore(id, { force: true })),
  }
}

/** Writes a session where its agent has it, as if it was last written two minutes ago, and removes all else. */
async function layOut(stage: Stage, path: string, { main, ...sidecars }: Snapshot): Promise<void> {
  for (const name of await readdir(stage.folder)) await rm(join(stage.folder, name), { recursive: true })
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, main ?? '')
  const longAgo = new Date(Date.now() - 120_000)
  await utimes(path, longAgo, longAgo)
  for (const [name, bytes] of Object.entries(sidecars)) {
    const sidecar = join(path.replace(/\.jsonl$/, ''), name)
    await mkdir(dirname(sidecar), { recursive: true })
    await writeFile(sidecar, bytes)
  }
}

async function filesBelow(folder: string): Promise<Readonly<Record<string, string>>> {
  const even = (text: string) => text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[even(relative(folder, path))] = even(await readFile(path, 'utf8'))
    else if (entry.name.startsWith('.')) found[even(relative(folder, path))] = 'a folder'
  }
  return found
}
