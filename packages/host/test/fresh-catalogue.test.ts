import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checkpoints, createCheckpoints, type Storage, sessionName } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { bytesTranscript, piReader } from '@palimpsest/transcripts'
import { expect, onTestFinished, test } from 'vitest'
import { type OpenCatalogue, openCatalogue } from '../src/catalogue/open-catalogue.ts'
import { piSession } from './support/sessions.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

interface Program {
  readonly checkpoints: Checkpoints
  readonly catalogue: OpenCatalogue
  /** How often each operation on refs was called since it was last asked. */
  calls(): Readonly<Record<string, number>>
}

/** A program on a store, with a cache folder that it shares with others or not. `tells` is whether its storage tells changes. */
async function program(store: string, cache: string, tells = true): Promise<Program> {
  const storage = createFsStorage({ folder: store })
  await storage.open()
  const catalogue = await openCatalogue({ folder: cache })
  if (catalogue === undefined) throw new Error('the catalogue can not be opened')
  onTestFinished(async () => {
    await storage.close()
    catalogue.close()
  })
  const counts: Record<string, number> = {}
  const checkpoints = createCheckpoints({
    storage: { ...storage, refs: countedRefs(storage, counts, tells) },
    readers: [piReader({ agentFolder: cache })],
    catalogue,
  })
  return {
    checkpoints,
    catalogue,
    calls() {
      const now = { ...counts }
      for (const name of Object.keys(counts)) delete counts[name]
      return now
    },
  }
}

function countedRefs({ refs }: Storage, counts: Record<string, number>, tells: boolean): Storage['refs'] {
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return {
    read: (...call) => {
      count('read')
      return refs.read(...call)
    },
    compareAndSwap: (...call) => refs.compareAndSwap(...call),
    list: (...call) => {
      count('list')
      return refs.list(...call)
    },
    ...(tells
      ? {
          changes: async (...call) => {
            count('changes')
            return (await refs.changes?.(...call)) ?? { names: undefined, token: undefined }
          },
        }
      : {}),
  }
}

async function capture({ checkpoints }: Program, sessionKey: string, createdAt: number): Promise<string> {
  const text = `${piSession(sessionKey)}${JSON.stringify({ type: 'custom', id: `c${createdAt}`, parentId: 'aaaaaaaa', timestamp: '2026-01-02T03:04:06.000Z' })}\n`
  const transcript = bytesTranscript({ main: new TextEncoder().encode(text) })
  const pending = await checkpoints.capture({ agent: 'pi', transcript, sessionKey, createdAt, reason: 'manual' })
  return (await pending.complete({ summary: `of ${createdAt}` })).id
}

async function listed({ checkpoints }: Program): Promise<(string | undefined)[]> {
  return (await checkpoints.list()).checkpoints.map(
    ({ sessionKey, createdAt, label }) => `${sessionKey} ${createdAt}${label === undefined ? '' : ` ${label}`}`,
  )
}

async function twoPrograms(): Promise<{ store: string; reader: Program; writer: Program }> {
  const folder = await temporaryFolder()
  const store = join(folder, 'store')
  return { store, reader: await program(store, join(folder, 'cache a')), writer: await program(store, join(folder, 'cache b')) }
}

test('a list learns what programs with another cache folder did to sessions that it knows', async () => {
  const { reader, writer } = await twoPrograms()
  const first = await capture(writer, 'one', 1)
  await capture(writer, 'two', 2)
  expect(await listed(reader)).toEqual(['two 2', 'one 1'])
  const id = await capture(writer, 'one', 3)
  expect((await reader.checkpoints.sessions()).sessions[0]).toMatchObject({ sessionKey: 'one', checkpointCount: 2 })
  expect(await listed(reader)).toEqual(['one 3', 'two 2', 'one 1'])
  expect((await reader.checkpoints.get(id.slice(-8))).id).toBe(id)
  expect((await reader.checkpoints.get('latest')).id).toBe(id)
  await writer.checkpoints.label(id, { text: 'named' })
  await writer.checkpoints.delete([first])
  expect(await listed(reader)).toEqual(['one 3 named', 'two 2'])
  expect((await reader.checkpoints.sessions()).sessions[0]).toMatchObject({ sessionKey: 'one', checkpointCount: 1 })
})

test('where nothing has changed no names are listed and only the ledgers of what is shown are read', async () => {
  const { store, reader, writer } = await twoPrograms()
  for (let session = 0; session < 12; session += 1) await capture(writer, `s${session}`, session)
  expect((await reader.checkpoints.list({ limit: 3 })).checkpoints).toHaveLength(3)
  reader.calls()
  const page = await reader.checkpoints.list({ limit: 3 })
  expect(reader.calls()).toEqual({ changes: 1, read: 3 })
  await reader.checkpoints.get(page.checkpoints[0]?.id.slice(-8) ?? '')
  expect(reader.calls()).toEqual({ changes: 1, read: 1 })
  await capture(writer, 's3', 30)
  expect((await reader.checkpoints.sessions({ limit: 1 })).sessions).toMatchObject([{ sessionKey: 's3' }])
  expect(reader.calls()).toEqual({ changes: 1, read: 1 })
  const next = await program(store, join(store, '../cache a'))
  await next.checkpoints.sessions({ limit: 1 })
  expect(next.calls()).toEqual({ changes: 1, read: 1 })
})

test('a new session whose writer died when its ledger had appeared, and before it told anybody, is listed', async () => {
  const folder = await temporaryFolder()
  const [store, cache] = [join(folder, 'store'), join(folder, 'cache')]
  const reader = await program(store, cache)
  const writer = await program(store, cache)
  await capture(writer, 'one', 1)
  await listed(reader)
  const log = await readFile(join(store, 'changes'))
  const elsewhere = await program(store, join(folder, 'elsewhere'))
  await capture(elsewhere, 'two', 2)
  // What is left of such a writer: its ledger, and its mark.
  await writeFile(join(store, 'changes'), log)
  await writer.catalogue.changing(sessionName('pi', 'two'))
  expect(await listed(reader)).toEqual(['two 2', 'one 1'])
})

test('where the log of changes is lost every ledger is read again', async () => {
  const { store, reader, writer } = await twoPrograms()
  await capture(writer, 'one', 1)
  await capture(writer, 'two', 2)
  await listed(reader)
  await capture(writer, 'one', 3)
  await truncate(join(store, 'changes'), 0)
  expect(await listed(reader)).toEqual(['one 3', 'two 2', 'one 1'])
  await capture(writer, 'two', 4)
  await appendFile(join(store, 'changes'), 'nonsense\n')
  expect(await listed(reader)).toEqual(['two 4', 'one 3', 'two 2', 'one 1'])
})

test('who changes a checkpoint that a list or a look gave him changes nobody else’s', async () => {
  const { writer } = await twoPrograms()
  const id = await capture(writer, 'one', 1)
  const looks = [async () => writer.checkpoints.get(id), async () => (await writer.checkpoints.list()).checkpoints[0]]
  for (const look of [...looks, ...looks]) {
    const checkpoint = await look()
    expect(checkpoint).toMatchObject({ summary: 'of 1', parts: [{ name: 'main' }], preCompaction: { leafId: 'c1' } })
    Object.assign(checkpoint ?? {}, { summary: 'mine' })
    Object.assign(checkpoint?.preCompaction ?? {}, { leafId: 'mine' })
    Object.assign(checkpoint?.parts[0] ?? {}, { name: 'mine' })
  }
})

test('a checkpoint that the catalogue still has and its ledger does not is left out, and the pages behind it are not', async () => {
  const { reader, writer } = await twoPrograms()
  for (let session = 0; session < 5; session += 1) await capture(writer, `s${session}`, session)
  const { checkpoints } = await reader.checkpoints.list()
  const { newest } = reader.catalogue
  const stale = await newest({ limit: 10 })
  await writer.checkpoints.delete([checkpoints[1]?.id ?? ''])
  reader.catalogue.newest = async (query) => {
    const { cursor } = query
    return stale.filter(({ row }) => cursor === undefined || row.createdAt < cursor.createdAt).slice(0, query.limit)
  }
  const shown: number[] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await reader.checkpoints.list({ limit: 2, cursor })
    shown.push(...page.checkpoints.map(({ createdAt }) => createdAt))
    cursor = page.nextCursor
  }
  expect(shown).toEqual([4, 2, 1, 0])
})

test('a storage that tells no changes has unknown sessions found by their names', async () => {
  const folder = await temporaryFolder()
  const [store, cache] = [join(folder, 'store'), join(folder, 'cache')]
  const reader = await program(store, cache, false)
  const writer = await program(store, cache, false)
  await capture(writer, 'one', 1)
  expect(await listed(reader)).toEqual(['one 1'])
  await capture(writer, 'two', 2)
  await capture(writer, 'one', 3)
  expect(await listed(reader)).toEqual(['one 3', 'two 2', 'one 1'])
})

test('a ledger that can not be read is a problem of every list until it can, whatever else changes', async () => {
  const { store, reader, writer } = await twoPrograms()
  await capture(writer, 'one', 1)
  await capture(writer, 'two', 2)
  const name = sessionName('pi', 'two')
  const digest = name.slice('sessions/'.length)
  const generations = join(store, 'refs/se=/sessions+', `${digest.slice(0, 2)}=`, digest)
  const newest = join(generations, (await readdir(generations)).sort().at(-1) ?? '')
  const whole = await readFile(newest)
  await writeFile(newest, whole.subarray(0, 40))
  for (let time = 3; time < 6; time += 1) {
    const { checkpoints, problems } = await reader.checkpoints.list()
    expect(problems).toMatchObject([{ name }])
    expect(checkpoints.map(({ sessionKey }) => sessionKey)).not.toContain('two')
    await capture(writer, 'one', time)
  }
  await writeFile(newest, whole)
  expect((await reader.checkpoints.list()).problems).toEqual([])
  expect(await listed(reader)).toEqual(['one 5', 'one 4', 'one 3', 'two 2', 'one 1'])
  expect(await reader.catalogue.progress()).toMatchObject({ unread: [] })
})
