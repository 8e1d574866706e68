import { existsSync } from 'node:fs'
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { type Checkpoints, fingerprintOf, type SearchIndex, searchableText } from '@palimpsest/core'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { newFolder, removeFolders } from '../service/support/folders.ts'
import { openFsStore, openMemoryStore } from '../service/support/stores.ts'
import { of, openWorkshop, type Workshop } from '../service/support/workshop.ts'

afterAll(removeFolders)

const sqlite = () => process.getBuiltinModule('node:sqlite')

async function openSearch(openStore = openMemoryStore) {
  const workshop = await openWorkshop(openStore)
  const folder = join(workshop.folder, 'cache')
  const openIndex = () => createSqliteSearchIndex({ folder, sqlite, busyMs: 300 })
  const index = openIndex()
  return { workshop, folder, file: join(folder, 'search-3.sqlite'), index, openIndex, service: workshop.service({ searchIndex: index }) }
}

const found = async (service: Checkpoints, query: string) => (await service.search({ query })).hits
const said = async (service: Checkpoints, query: string) => (await found(service, query)).map(({ snippet }) => snippet)

/** A pi session with three turns before a compaction and one behind it. */
async function compactedSession(workshop: Workshop, service: Checkpoints, sessionId = 'pi-session') {
  const file = await workshop.pi(sessionId)
  await file.turn('please look at the flux capacitor')
  await file.turn('ENOENT: no such file or directory, open /srv/app/config.json')
  await file.turn('the kept question about zebras')
  const pending = await service.capture({ ...of(file), reason: 'manual' })
  await file.compact()
  await file.turn('what came after')
  const { checkpointIds } = await service.import(of(file))
  return { file, id: pending.checkpoint.id, checkpointIds }
}

describe.each([
  ['in memory', openMemoryStore],
  ['in a folder', openFsStore],
])('search over a store %s', (_name, openStore) => {
  test('finds what a compaction dropped, with the checkpoint to read it in and where it lies', async () => {
    const { workshop, service } = await openSearch(openStore)
    const { id, file } = await compactedSession(workshop, service)
    const [hit, ...others] = await found(service, 'flux capacitor')
    expect(others.every(({ snippet }) => snippet.includes('flux'))).toBe(true)
    expect(hit).toMatchObject({ checkpointId: id, agent: 'pi', sessionKey: file.sessionId, dropped: true, role: 'user', part: 'main' })
    expect(hit?.snippet).toContain('flux capacitor')
    const [[start, end] = [0, 0]] = hit?.marks ?? []
    expect(hit?.snippet.slice(start, end)).toBe('flux capacitor')
    const around = await service.read(hit?.checkpointId ?? '', { view: 'raw', around: hit?.entryId, limit: 1 })
    expect(around.entries[0]?.text).toContain('flux capacitor')
    const bytes = file.bytes().slice(hit?.start, hit?.end)
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ id: hit?.entryId })
  })

  test('finds an error line as it stands, signs and all, quoted or not', async () => {
    const { workshop, service } = await openSearch(openStore)
    await compactedSession(workshop, service)
    const line = 'ENOENT: no such file or directory, open /srv/app/config.json'
    for (const query of [line, `"${line}"`, 'path:config.json', 'path:/srv/app ENOENT']) {
      expect((await said(service, query))[0], query).toContain(line)
    }
  })

  test('an entry is indexed once, however many checkpoints hold it', async () => {
    const { workshop, service, index } = await openSearch(openStore)
    const { file } = await compactedSession(workshop, service)
    await service.capture({ ...of(file), reason: 'manual' })
    await service.index()
    const { entries } = await index.size()
    for (let turn = 0; turn < 3; turn += 1) await service.capture({ ...of(file), reason: 'manual' })
    expect((await service.list()).checkpoints.length).toBeGreaterThan(1)
    await service.index()
    expect((await index.size()).entries).toBe(entries)
    expect((await found(service, 'zebras')).length).toBe(2)
  })

  test('what is stored later is found by the next search, and only that is read', async () => {
    const { workshop, service } = await openSearch(openStore)
    const { file } = await compactedSession(workshop, service)
    expect(await found(service, 'pangolin')).toEqual([])
    await file.turn('a pangolin appeared')
    await service.capture({ ...of(file), reason: 'manual' })
    expect((await said(service, 'pangolin'))[0]).toContain('a pangolin appeared')
  })

  test('nothing comes from a deleted checkpoint, and what another one holds comes from there', async () => {
    const { workshop, service } = await openSearch(openStore)
    const { file, id, checkpointIds } = await compactedSession(workshop, service)
    const later = (await service.capture({ ...of(file), reason: 'manual' })).checkpoint.id
    expect((await found(service, 'flux'))[0]).toMatchObject({ checkpointId: id, dropped: true })
    await service.delete([id], { force: true })
    const [hit] = await found(service, 'flux')
    expect(hit).toMatchObject({ checkpointId: later, dropped: false })
    expect((await service.search({ query: 'flux dropped:true', updateMs: 0 })).hits.map(({ checkpointId }) => checkpointId)).not.toContain(
      id,
    )
    await service.delete(
      [...new Set([later, ...checkpointIds])].filter((other) => other !== id),
      { force: true },
    )
    expect(await found(service, 'flux')).toEqual([])
    expect((await service.search({ query: 'flux', updateMs: 0 })).hits).toEqual([])
    await service.undelete(id)
    expect((await found(service, 'flux'))[0]).toMatchObject({ checkpointId: id, dropped: true })
  })

  test('nothing comes from a deleted session, whether that was indexed since or not, and what is undeleted is found again', async () => {
    const { workshop, service } = await openSearch(openStore)
    const { file, id } = await compactedSession(workshop, service)
    const other = await workshop.pi('other-session')
    await other.turn('another flux')
    await service.capture({ ...of(other), reason: 'manual' })
    const sessions = async (more = {}) =>
      new Set((await service.search({ query: 'flux', ...more })).hits.map(({ sessionKey }) => sessionKey))
    expect(await sessions()).toEqual(new Set(['pi-session', 'other-session']))
    await service.deleteSession({ agent: 'pi', sessionKey: file.sessionId })
    expect(await sessions({ updateMs: 0 })).toEqual(new Set(['other-session']))
    expect(await sessions()).toEqual(new Set(['other-session']))
    await service.undelete(id)
    expect(await sessions()).toEqual(new Set(['pi-session', 'other-session']))
    expect((await found(service, 'flux capacitor'))[0]).toMatchObject({ checkpointId: id, dropped: true })
  })

  test('dropped:true gives exactly the entries that are in the context before and not in that after', async () => {
    const { workshop, service } = await openSearch(openStore)
    const { id } = await compactedSession(workshop, service)
    const dropped = await service.read(id, { view: 'context', dropped: true, limit: 1000 })
    const hits = (await service.search({ query: 'dropped:true', limit: 100 })).hits
    expect(hits.map(({ entryId }) => entryId).sort()).toEqual(dropped.entries.map((entry) => entry.id).sort())
    expect(hits.length).toBeGreaterThan(0)
  })

  test('a rewritten transcript has what it shares once, and both versions of the rest', async () => {
    const { workshop, service, index } = await openSearch(openStore)
    const file = await workshop.pi()
    await file.turn('shared beginning')
    await file.turn('first ending about otters')
    await service.capture({ ...of(file), reason: 'manual' })
    await service.index()
    const before = (await index.size()).entries
    await file.rewrite(Buffer.from(Buffer.from(file.bytes()).toString().replaceAll('about otters', 'about badgers')))
    const second = (await service.capture({ ...of(file), reason: 'manual' })).checkpoint.id
    expect((await said(service, 'badgers'))[0]).toContain('about badgers')
    expect((await said(service, 'otters'))[0]).toContain('about otters')
    expect((await found(service, 'shared beginning'))[0]).toMatchObject({ checkpointId: second })
    expect((await index.size()).entries - before).toBe(2)
  })

  test('filters narrow by role, agent, session, time and folder', async () => {
    const { workshop, service } = await openSearch(openStore)
    const { file } = await compactedSession(workshop, service)
    const other = await workshop.claudeCode()
    await other.turn('zebras of another agent')
    await service.capture({ ...of(other), reason: 'manual' })
    const agentsOf = async (query: string, more = {}) => new Set((await service.search({ query, ...more })).hits.map(({ agent }) => agent))
    expect(await agentsOf('zebras')).toEqual(new Set(['pi', 'claude-code']))
    expect(await agentsOf('zebras agent:pi')).toEqual(new Set(['pi']))
    expect(await agentsOf('zebras', { agent: 'claude-code' })).toEqual(new Set(['claude-code']))
    expect(await agentsOf('zebras', { sessionKey: file.sessionId })).toEqual(new Set(['pi']))
    expect(await agentsOf('zebras', { cwd: '/nowhere' })).toEqual(new Set())
    expect((await found(service, 'zebras role:assistant')).every(({ role }) => role === 'assistant')).toBe(true)
    expect(await found(service, 'zebras before:2001-01-01')).toEqual([])
    expect((await found(service, 'zebras after:2001-01-01')).length).toBeGreaterThan(0)
    expect((await found(service, 'zebras -agent -another')).every(({ agent }) => agent === 'pi')).toBe(true)
  })

  test('what many sessions say in the same words is one hit, and hides nothing', async () => {
    const { workshop, service } = await openSearch(openStore)
    for (let number = 0; number < 30; number += 1) {
      const file = await workshop.pi(`pi-session-${number}`)
      await file.turn('pelican pelican')
      if (number === 7) await file.turn('a word about one other pelican among many other words')
      await service.capture({ ...of(file), reason: 'manual' })
    }
    const hits = await found(service, 'pelican role:user')
    expect(hits.map(({ snippet, duplicates }) => [snippet, duplicates])).toEqual([
      ['pelican pelican', 29],
      ['a word about one other pelican among many other words', undefined],
    ])
  })

  test('pages give every hit once', async () => {
    const { workshop, service } = await openSearch(openStore)
    const file = await workshop.pi()
    const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve', 'thirteen']
    for (const word of words) await file.turn(`walrus ${word} and ${word}`)
    await service.capture({ ...of(file), reason: 'manual' })
    const whole = (await service.search({ query: 'walrus', limit: 100 })).hits.map(({ entryId }) => entryId)
    const paged: string[] = []
    let cursor: string | undefined
    do {
      const page = await service.search({ query: 'walrus', limit: 4, cursor })
      paged.push(...page.hits.map(({ entryId }) => entryId))
      cursor = page.nextCursor
    } while (cursor !== undefined && paged.length < 200)
    expect(paged).toEqual(whole)
    expect(new Set(paged).size).toBe(2 * words.length)
  })
})

describe('what cannot be a query', () => {
  test('only an empty one is refused; everything else is answered', async () => {
    const { workshop, service } = await openSearch()
    await compactedSession(workshop, service)
    for (const query of ['', '   ', '""', '-', '"""']) {
      await expect(service.search({ query }), JSON.stringify(query)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    }
    const answered = [
      'the and of to',
      '"unbalanced quote',
      'foo AND OR NOT',
      'NEAR(a b, 3)',
      'text:flux',
      '{text} : flux',
      'a* ^b',
      '(((',
      '***',
      "'; DROP TABLE words; --",
      '🎉',
      'שלום עולם',
      'مرحبا',
      '.*error\\s+(?:in|at)',
      '日本語',
      '\0\u0001',
      'x'.repeat(100_000),
      'word '.repeat(20_000),
      '-only -negated',
      'role:nobody',
      'before:never',
      '\ud800',
    ]
    for (const query of answered) await expect(service.search({ query }), query.slice(0, 40)).resolves.toMatchObject({ problems: [] })
  })

  test('signs alone can not be looked up, and find nothing, not everything', async () => {
    const { workshop, service } = await openSearch()
    await compactedSession(workshop, service)
    for (const query of ['!=', '=>', '...', '\ud800', '\0\u0001', '"()"']) {
      expect(await service.search({ query }), JSON.stringify(query)).toMatchObject({ hits: [], problems: [] })
      expect(await service.search({ query, agent: 'pi' }), JSON.stringify(query)).toMatchObject({ hits: [] })
    }
    expect((await service.search({ query: 'role:user !=' })).hits.length).toBeGreaterThan(0)
  })

  test('a cursor that no search gave is refused', async () => {
    const { service } = await openSearch()
    await expect(service.search({ query: 'x', cursor: 'nonsense' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })

  test('without an index search says so', async () => {
    const workshop = await openWorkshop(openMemoryStore)
    await expect(workshop.service().search({ query: 'x' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })
})

describe('the file of the index', () => {
  test('is for its owner alone, and holds none of the text', async () => {
    const { workshop, service, folder, file, index } = await openSearch()
    await compactedSession(workshop, service)
    await found(service, 'flux')
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    index.close()
    expect((await readFile(file)).includes('look at the flux capacitor')).toBe(false)
  })

  test.each(['deleted', 'truncated', 'overwritten', 'of another version'])(
    '%s, it is begun again and everything is found',
    async (damage) => {
      const { workshop, service, file, index, openIndex } = await openSearch(openFsStore)
      await compactedSession(workshop, service)
      await found(service, 'flux')
      index.close()
      if (damage === 'deleted') await rm(file)
      if (damage === 'truncated') await truncate(file, 5_000)
      if (damage === 'overwritten') await writeFile(file, 'not a database at all'.repeat(500))
      if (damage === 'of another version') {
        const database = new DatabaseSync(file)
        database.exec('PRAGMA user_version = 99')
        database.close()
      }
      const again = openIndex()
      expect((await said(workshop.service({ searchIndex: again }), 'flux'))[0]).toContain('flux capacitor')
      again.close()
    },
  )

  test('takes the place of what an older version left', async () => {
    const { folder, file, service } = await openSearch()
    await mkdir(folder)
    for (const suffix of ['', '-wal', '-shm']) await writeFile(`${join(folder, 'search-1.sqlite')}${suffix}`, 'of an older version')
    await service.index()
    const names = (await readdir(folder)).filter((name) => name.startsWith('search-'))
    expect(names.filter((name) => !name.startsWith(basename(file)))).toEqual([])
  })

  test('can be rebuilt, and gives the same hits', async () => {
    const { workshop, service } = await openSearch(openFsStore)
    await compactedSession(workshop, service)
    const before = await found(service, 'flux or zebras')
    expect(await service.index({ rebuild: true })).toMatchObject({ indexed: 1, waiting: 0, problems: [] })
    expect(await found(service, 'flux or zebras')).toEqual(before)
  })

  test('locked by another process, search answers from what is indexed, and says what to do', async () => {
    const { workshop, service, file } = await openSearch(openFsStore)
    const { file: session } = await compactedSession(workshop, service)
    await found(service, 'flux')
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    await session.turn('new words')
    await service.capture({ ...of(session), reason: 'manual' })
    const page = await service.search({ query: 'flux' })
    expect(page.hits[0]?.snippet).toContain('flux')
    expect(page.problems[0]?.message).toContain('palimpsest index --rebuild')
    other.exec('ROLLBACK')
    other.close()
    expect((await found(service, 'new words')).length).toBeGreaterThan(0)
  })

  test.skipIf(process.getuid?.() === 0)('in a folder that cannot be written, search says what to do', async () => {
    const { workshop, folder, service } = await openSearch()
    await compactedSession(workshop, service)
    await chmod(workshop.folder, 0o500)
    await expect(service.search({ query: 'flux' })).rejects.toMatchObject({ code: 'STORAGE_REFUSED' })
    await chmod(workshop.folder, 0o700)
    expect(existsSync(folder)).toBe(false)
  })

  test('on a full disk indexing says so, search answers from what is there, and nothing is lost', async () => {
    const { workshop, service, folder, index, openIndex } = await openSearch(openFsStore)
    const { file } = await compactedSession(workshop, service)
    await service.index()
    index.close()
    class FullDatabase extends DatabaseSync {
      constructor(path: string) {
        super(path)
        this.exec('PRAGMA max_page_count = 1')
      }
    }
    const full = createSqliteSearchIndex({ folder, sqlite: () => ({ ...sqlite(), DatabaseSync: FullDatabase }) })
    await file.turn(Array.from({ length: 20_000 }, (_, at) => `word${at}`).join(' '))
    await service.capture({ ...of(file), reason: 'manual' })
    const onFullDisk = workshop.service({ searchIndex: full })
    await expect(onFullDisk.index()).rejects.toMatchObject({ code: 'STORAGE_REFUSED', message: expect.stringContaining('index --rebuild') })
    const page = await onFullDisk.search({ query: 'flux' })
    expect(page.hits[0]?.snippet).toContain('flux')
    expect(page.problems[0]?.message).toContain('full')
    full.close()
    const again = openIndex()
    expect((await found(workshop.service({ searchIndex: again }), 'word19999')).length).toBeGreaterThan(0)
    again.close()
  })

  test('two processes may index the same store at once: each entry is there once', async () => {
    const { workshop, service, openIndex, index } = await openSearch(openFsStore)
    for (let number = 0; number < 6; number += 1) await compactedSession(workshop, service, `pi-session-${number}`)
    const other = openIndex()
    await Promise.all([service.index(), workshop.service({ searchIndex: other }).index()])
    const { entries } = await index.size()
    await service.index({ rebuild: true })
    expect((await index.size()).entries).toBe(entries)
    other.close()
  })
})

describe('indexing that is interrupted', () => {
  /** An index that fails at its n-th write, as a process that is killed there would. */
  function killedAt(index: SearchIndex, write: number): SearchIndex {
    let left = write
    const counted =
      <Args extends readonly unknown[], Value>(work: (...args: Args) => Promise<Value>) =>
      async (...args: Args): Promise<Value> => {
        left -= 1
        if (left < 0) throw new Error('killed')
        return work(...args)
      }
    return {
      ...index,
      advance: counted(index.advance),
      add: counted(index.add),
      dropped: counted(index.dropped),
      complete: counted(index.complete),
      settled: counted(index.settled),
    }
  }

  test('goes on from where it was, and ends with the same index', async () => {
    const { workshop, service, index, openIndex } = await openSearch(openFsStore)
    for (let number = 0; number < 3; number += 1) await compactedSession(workshop, service, `pi-session-${number}`)
    await service.index()
    const whole = await index.size()
    const hits = (await service.search({ query: 'dropped:true', limit: 100 })).hits
    for (let write = 0; write < 12; write += 1) {
      await index.clear()
      const killed = workshop.service({ searchIndex: killedAt(openIndex(), write) })
      await killed.index().catch(() => undefined)
      await service.index()
      expect((await index.size()).entries, `killed at write ${write}`).toBe(whole.entries)
      expect((await service.search({ query: 'dropped:true', limit: 100 })).hits).toEqual(hits)
    }
  })

  test('stops when its time is over, says how many sessions wait, and a search of what is there is answered', async () => {
    const { workshop, service } = await openSearch()
    for (let number = 0; number < 3; number += 1) await compactedSession(workshop, service, `pi-session-${number}`)
    expect(await service.index({ withinMs: 0 })).toMatchObject({ indexed: 1, waiting: 2 })
    expect((await service.search({ query: 'flux', updateMs: 1 })).hits.length).toBeGreaterThan(0)
    await wait(1)
    expect(await service.index()).toMatchObject({ waiting: 0 })
  })
})

describe('a session that grows, or goes, while it is indexed', () => {
  /** A session of some batches, and a service that does `meanwhile` once, behind the first of them. */
  async function indexedMeanwhile(meanwhile: (service: Checkpoints) => Promise<void>) {
    const { workshop, index } = await openSearch(openFsStore)
    const file = await workshop.pi()
    for (let turn = 0; turn < 60; turn += 1) await file.turn(`turn${turn} ${'the quick brown fox jumps over the lazy dog '.repeat(500)}`)
    const starts: string[] = []
    let isFirst = true
    const service: Checkpoints = workshop.service({
      searchIndex: {
        ...index,
        async add(batch) {
          const isAdded = await index.add(batch)
          if (isAdded) starts.push(...batch.entries.map(({ stream, start }) => `${stream} ${start}`))
          if (isFirst) {
            isFirst = false
            await meanwhile(service)
          }
          return isAdded
        },
      },
    })
    const first = (await service.capture({ ...of(file), reason: 'manual' })).checkpoint.id
    return { file, service, first, starts }
  }

  test('what it grew by is found by the next search, and nothing is indexed twice', async () => {
    const { file, service, starts } = await indexedMeanwhile(async (running) => {
      await file.turn('a pangolin that came meanwhile')
      await running.capture({ ...of(file), reason: 'manual' })
    })
    expect(await service.index()).toMatchObject({ indexed: 1, problems: [] })
    expect((await service.search({ query: 'pangolin role:user' })).hits).toHaveLength(1)
    expect((await service.search({ query: 'turn59 role:user', updateMs: 0 })).hits).toHaveLength(1)
    expect(new Set(starts).size).toBe(starts.length)
  })

  test('what was rewritten meanwhile is found as it is now, and as the older checkpoint has it', async () => {
    const { file, service } = await indexedMeanwhile(async (running) => {
      await file.rewrite(Buffer.from(Buffer.from(file.bytes()).toString().replaceAll('turn59 ', 'otter59 ')))
      await running.capture({ ...of(file), reason: 'manual' })
    })
    await service.index()
    for (const query of ['otter59 role:user', 'turn59 role:user']) expect((await service.search({ query })).hits, query).toHaveLength(1)
  })

  test('what was deleted meanwhile is not found', async () => {
    const { service, first } = await indexedMeanwhile((running) => running.delete([first], { force: true }).then(() => undefined))
    await service.index()
    expect((await service.search({ query: 'turn1', updateMs: 0 })).hits).toEqual([])
    expect((await service.search({ query: 'turn1' })).hits).toEqual([])
  })
})

test('what stands in a sidecar is still found after its stream was cut, since the older checkpoint holds it', async () => {
  const { workshop, service } = await openSearch(openFsStore)
  const file = await workshop.claudeCode()
  await file.turn('what stands in the main part')
  const path = join(file.path.replace(/\.jsonl$/, ''), 'tool-results', 'out.txt')
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `the quokka\n${'x'.repeat(2_000)}\n`)
  await service.capture({ ...of(file), reason: 'manual' })
  await appendFile(path, `the numbat\n${'y'.repeat(2_000)}\n`)
  const later = (await service.capture({ ...of(file), reason: 'manual' })).checkpoint.id
  for (const word of ['quokka', 'numbat']) expect(await found(service, word), word).toMatchObject([{ part: 'tool-results/out.txt' }])
  await service.delete([later], { force: true })
  await service.prune({ trashMs: 0 })
  expect(await found(service, 'quokka')).toMatchObject([{ part: 'tool-results/out.txt' }])
  expect(await found(service, 'numbat')).toEqual([])
})

describe('long entries', () => {
  test('both ends of an entry of 5 MB are found, and its middle', async () => {
    const { workshop, service } = await openSearch()
    const file = await workshop.pi()
    const filler = Array.from({ length: 400_000 }, (_, at) => `w${at % 5_000}`)
    filler[0] = 'aardvark'
    filler[200_000] = 'manatee'
    filler.push('zyzzyva')
    await file.turn(filler.join(' '))
    await service.capture({ ...of(file), reason: 'manual' })
    for (const word of ['aardvark', 'manatee', 'zyzzyva']) {
      const page = await service.search({ query: word })
      expect(page.hits[0]?.snippet).toContain(word)
      // However long an entry is, what is said of it isn't.
      expect(JSON.stringify(page).length).toBeLessThan(1_500)
    }
    expect((await found(service, '"w123 w124 w125"')).length).toBeGreaterThan(0)
  })
})

test('the fingerprint of a text comes back from an index as it went in', async () => {
  const folder = await newFolder()
  const index = createSqliteSearchIndex({ folder, sqlite })
  const text = searchableText({ role: 'user', text: 'anything' })
  expect(Buffer.from(Buffer.from(fingerprintOf(text), 'base64url')).toString('base64url')).toBe(fingerprintOf(text))
  index.close()
})
