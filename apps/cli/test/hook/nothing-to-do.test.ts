import { randomUUID } from 'node:crypto'
import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type CompactionReason, compactionReasons } from '@palimpsest/core'
import { type Host, openHost } from '@palimpsest/host'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { claudeCodeHooks } from '../../src/hook/adapters/claude-code.ts'
import { carryOut } from '../../src/hook/carry-out.ts'
import type { HookRequest } from '../../src/hook/hook-request.ts'
import { isNothingToDo } from '../../src/hook/nothing-to-do.ts'
import { compactionLines, lineOf, sessionId } from './claude-code-lines.ts'

interface World extends AsyncDisposable {
  readonly folder: string
  readonly store: string
  readonly path: string
  readonly host: Host
}

async function createWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-nothing-'))
  const store = join(folder, 'store')
  const host = await openHost({ env: {}, homeFolder: folder, store })
  return {
    folder,
    store,
    path: join(folder, `${sessionId}.jsonl`),
    host,
    async [Symbol.asyncDispose]() {
      await host.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Something that happens to the session, its file or the store. */
type Step =
  | { readonly kind: 'append' | 'compact' | 'rewrite-start' | 'rewrite-end' | 'replace' | 'torn' | 'cut' | 'sidecar' | 'touch' | 'remove' }
  | { readonly kind: 'import' | 'damage-record' | 'damage-ledger' | 'delete' | 'prune' | 'restore-older' }
  | {
      readonly kind: 'capture'
      readonly reason: CompactionReason
      readonly tokens: boolean
      readonly older: boolean
      readonly check: 'tail' | 'whole'
    }
  | { readonly kind: 'curate'; readonly how: 'pin' | 'label' | 'complete' | 'abandon' }
  | { readonly kind: 'hook'; readonly request: 'manual' | 'auto' | 'end' | 'settle' }

/** A file's time of change has the resolution of the kernel's clock: what was written so long ago counts as written before. */
const timeOfChangeMs = 25

const reason = fc.constantFrom(...compactionReasons)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hook' as const), request: fc.constantFrom('manual', 'auto', 'end', 'settle') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('capture' as const),
      reason,
      tokens: fc.boolean(),
      older: fc.boolean(),
      check: fc.constantFrom('tail', 'whole'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('curate' as const), how: fc.constantFrom('pin', 'label', 'complete', 'abandon') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('append', 'compact', 'rewrite-start', 'rewrite-end', 'replace', 'torn', 'cut', 'sidecar', 'touch', 'remove'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('import', 'damage-record', 'damage-ledger', 'delete', 'prune', 'restore-older') }),
  },
)

const requests: readonly ((path: string) => HookRequest)[] = [
  ...compactionReasons.map(
    (each) => (transcript: string) => ({ kind: 'capture', transcript, reason: each, mayBeMissing: each === 'session-end' }) as const,
  ),
  (transcript) => ({ kind: 'capture', transcript, reason: 'manual', tokensBefore: 7, mayBeMissing: false }),
  (transcript) => ({ kind: 'capture', transcript, reason: 'manual', leafId: 'elsewhere', mayBeMissing: false }),
  (transcript) => ({ kind: 'settle', transcript, always: false }),
  (transcript) => ({ kind: 'settle', transcript, always: true }),
]

test('whatever is called nothing to do, the engine leaves the store as it is, without an error', { timeout: 240_000 }, async () => {
  let skipped = 0
  let asked = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 7 }), async (steps) => {
      await using world = await createWorld()
      // Longer than the 64 KiB at the end, so that a rewrite of its start can't be seen there.
      await writeFile(world.path, lineOf('user', 'x'.repeat(70_000)) + lineOf('assistant', 'yes'))
      for (const each of steps) {
        if (each.kind === 'hook' || each.kind === 'capture') await delay(timeOfChangeMs)
        await take(world, each).catch(ignoreRefusals)
      }
      for (const request of requests) {
        asked += 1
        if (!isNothingToDo(world.store, claudeCodeHooks, request(world.path))) continue
        skipped += 1
        const before = await filesOf(world.store)
        await engine(world, request(world.path))
        expect(await filesOf(world.store)).toEqual(before)
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 30_000 },
  )
  // What is never skipped would prove nothing.
  expect(skipped).toBeGreaterThan(asked / 50)
})

test('the start of a session whose transcript has no entry yet is nothing to do, for the engine too', async () => {
  await using world = await createWorld()
  await writeFile(world.path, '')
  const request = { kind: 'settle', transcript: world.path, always: false } as const
  expect(isNothingToDo(world.store, claudeCodeHooks, request)).toBe(true)
  await engine(world, request)
  await expect(engine(world, { ...request, always: true })).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
})

test('the same capture again is nothing to do, at a hook and at the end of the session', async () => {
  await using world = await createWorld()
  await writeFile(world.path, lineOf('user', 'x'.repeat(200_000)) + lineOf('assistant', 'yes'))
  await delay(timeOfChangeMs)
  const request = { kind: 'capture', transcript: world.path, reason: 'auto-threshold', mayBeMissing: false } as const
  expect(isNothingToDo(world.store, claudeCodeHooks, request)).toBe(false)
  await engine(world, request)
  expect(isNothingToDo(world.store, claudeCodeHooks, request)).toBe(true)
  expect(isNothingToDo(world.store, claudeCodeHooks, { ...request, reason: 'session-end' })).toBe(true)
  expect(isNothingToDo(world.store, claudeCodeHooks, { ...request, reason: 'unknown' })).toBe(true)
  expect(isNothingToDo(world.store, claudeCodeHooks, { ...request, tokensBefore: 5 })).toBe(false)
  await appendFile(world.path, lineOf('user', 'more'))
  expect(isNothingToDo(world.store, claudeCodeHooks, request)).toBe(false)
})

test('a rewrite that only a whole comparison sees is never called nothing', async () => {
  await using world = await createWorld()
  await writeFile(world.path, lineOf('user', 'x'.repeat(200_000)) + lineOf('assistant', 'yes'))
  const request = { kind: 'capture', transcript: world.path, reason: 'auto-threshold', mayBeMissing: false } as const
  await delay(timeOfChangeMs)
  await engine(world, request)
  await take(world, { kind: 'rewrite-start' })
  expect(isNothingToDo(world.store, claudeCodeHooks, request)).toBe(false)
  await engine(world, request)
  expect((await world.host.checkpoints.list()).checkpoints).toHaveLength(2)
})

async function engine({ host, folder }: World, request: HookRequest): Promise<void> {
  await carryOut(request, { host, agent: 'claude-code', currentFolder: folder, signal: new AbortController().signal })
}

async function take(world: World, each: Step): Promise<void> {
  const { host, path, store } = world
  const [latest, older] = (await host.checkpoints.list()).checkpoints
  switch (each.kind) {
    case 'append':
      return appendFile(path, lineOf('user', 'more'))
    case 'compact':
      return appendFile(path, compactionLines({ trigger: 'auto', summary: 'Less.' }))
    case 'torn':
      return appendFile(path, '{"type":"us')
    case 'rewrite-start':
      return overwrite(path, 500, 'yyy')
    case 'rewrite-end':
      return overwrite(path, (await stat(path)).size - 4, 'zz')
    case 'replace': {
      const bytes = await readFile(path)
      await rm(path)
      return writeFile(path, bytes)
    }
    case 'cut':
      return writeFile(path, (await readFile(path, 'utf8')).split('\n').slice(0, -2).concat('').join('\n'))
    case 'touch':
      return overwrite(path, 0, '{')
    case 'remove':
      return rm(path)
    case 'sidecar': {
      await mkdir(join(path.replace('.jsonl', ''), 'subagents'), { recursive: true })
      return writeFile(join(path.replace('.jsonl', ''), 'subagents', 'agent-1.jsonl'), lineOf('user', randomUUID()))
    }
    case 'import':
      await host.checkpoints.import({ agent: 'claude-code', transcript: host.files.origin(path) })
      return
    case 'prune':
      await host.checkpoints.prune()
      return
    case 'delete':
      if (latest !== undefined) await host.checkpoints.delete([latest.id], { force: true })
      return
    case 'restore-older':
      if (older !== undefined) await host.checkpoints.restore(older.id, { force: true })
      return
    case 'damage-record':
      return damage(join(store, 'objects'))
    case 'damage-ledger':
      return damage(join(store, 'refs', 'se='))
    case 'capture': {
      const { older: longAgo, check, tokens } = each
      await host.checkpoints.capture({
        agent: 'claude-code',
        transcript: host.files.origin(path),
        reason: each.reason,
        prefixCheck: check,
        ...(longAgo ? { createdAt: Date.UTC(2026, 0) } : {}),
        ...(tokens ? { tokensBefore: 5 } : {}),
      })
      return
    }
    case 'curate':
      if (latest === undefined) return
      if (each.how === 'pin') await host.checkpoints.pin(latest.id)
      if (each.how === 'label') await host.checkpoints.label(latest.id, { text: 'kept' })
      if (each.how === 'complete') await host.checkpoints.complete(latest.id, { summary: 'Less.' })
      if (each.how === 'abandon') await host.checkpoints.abandon(latest.id)
      return
    case 'hook': {
      const request: Record<typeof each.request, HookRequest> = {
        manual: { kind: 'capture', transcript: path, reason: 'manual', mayBeMissing: false },
        auto: { kind: 'capture', transcript: path, reason: 'auto-threshold', mayBeMissing: false },
        end: { kind: 'capture', transcript: path, reason: 'session-end', mayBeMissing: true },
        settle: { kind: 'settle', transcript: path, always: false },
      }
      return engine(world, request[each.request])
    }
  }
}

/** What random steps may ask for in vain. */
function ignoreRefusals(error: unknown): void {
  if (!(error instanceof Error && ('code' in error || 'cause' in error))) throw error
}

async function overwrite(path: string, at: number, text: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(text, at)
  await file.close()
}

/** Flips a byte in the last file of a folder: of the newest record or ledger. */
async function damage(folder: string): Promise<void> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const times = await Promise.all(
    names.map(async (entry) => ({
      path: join(entry.parentPath, entry.name),
      at: (await stat(join(entry.parentPath, entry.name))).mtimeMs,
    })),
  )
  const newest = times.sort((one, other) => other.at - one.at)[0]
  if (newest === undefined) return
  const bytes = await readFile(newest.path)
  if (bytes.length === 0) return
  bytes.writeUInt8((bytes.at(-3) ?? 0) ^ 1, Math.max(0, bytes.length - 3))
  await writeFile(newest.path, bytes)
}

/** Every file of the store with its size and time: what was written shows. */
async function filesOf(store: string): Promise<readonly string[]> {
  const entries = await readdir(store, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      const { size, mtimeMs, ino } = await stat(path)
      return `${path} ${size} ${mtimeMs} ${ino}`
    })
  return (await Promise.all(files)).sort()
}
