import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSqliteSearchIndex } from '@palimpsest/search-sqlite'
import { afterAll, expect, test } from 'vitest'
// @boundaries-ignore sessions made by hand are written once, beside the readers that read them
import { chained, uuid } from '../../../transcripts/test/claude-code-session.ts'
import { removeFolders } from '../service/support/folders.ts'
import { jsonl } from '../service/support/sessions.ts'
import { openMemoryStore } from '../service/support/stores.ts'
import { of, openWorkshop } from '../service/support/workshop.ts'

afterAll(removeFolders)

async function openSearch() {
  const workshop = await openWorkshop(openMemoryStore)
  const folder = join(workshop.folder, 'cache')
  const index = createSqliteSearchIndex({ folder, sqlite: () => process.getBuiltinModule('node:sqlite') })
  return { workshop, index, path: join(folder, 'search-3.sqlite'), service: workshop.service({ searchIndex: index }) }
}

const timeOf = (number: number) => 1_700_000_000_000 + number * 1000

/** A line in which Claude Code wrote down its own state. */
function progress(number: number, data: object): Uint8Array {
  return jsonl([chained(number, null, { type: 'progress', data })])
}

test('what a client writes down again and again is one hit; by its time each of them is found', async () => {
  const { workshop, service, path, index } = await openSearch()
  const file = await workshop.claudeCode()
  await file.turn('a question')
  const hook = { type: 'hook_progress', command: '/opt/hooks/pelican-watch.sh clear' }
  for (const number of [9001, 9002, 9003]) await file.append(progress(number, hook))
  await service.capture({ ...of(file), reason: 'session-end' })
  expect((await service.search({ query: 'pelican-watch' })).hits).toMatchObject([{ entryId: uuid(9003), duplicates: 2 }])
  // Some more, indexed later.
  for (const number of [9004, 9005]) await file.append(progress(number, hook))
  await service.capture({ ...of(file), reason: 'session-end' })
  expect((await service.search({ query: 'pelican-watch' })).hits).toMatchObject([{ entryId: uuid(9005), duplicates: 4 }])
  expect((await service.search({ query: 'pelican-watch', before: timeOf(9003) })).hits).toMatchObject([
    { entryId: uuid(9002), duplicates: 1 },
  ])
  expect((await service.search({ query: 'pelican-watch', after: timeOf(9001), before: timeOf(9003) })).hits).toMatchObject([
    { entryId: uuid(9002), snippet: expect.stringContaining('pelican-watch.sh') },
  ])
  expect((await service.search({ query: 'pelican-watch', before: timeOf(9001) })).hits).toEqual([])
  index.close()
  const database = new DatabaseSync(path)
  expect(database.prepare("SELECT count(*) AS count FROM words WHERE words MATCH 'pelican'").get()).toEqual({ count: 1 })
  database.close()
})

test('of output that grows each part is found, and what lies across two of them', async () => {
  const { workshop, service } = await openSearch()
  const file = await workshop.claudeCode()
  await file.turn('a question')
  const lines = Array.from({ length: 40 }, (_, number) => `line ${number} says walrus${number} and more of it\n`)
  for (let count = 10; count <= lines.length; count += 10) {
    await file.append(progress(9000 + count, { type: 'bash_progress', fullOutput: lines.slice(0, count).join('') }))
  }
  await service.capture({ ...of(file), reason: 'session-end' })
  for (const number of [0, 9, 10, 19, 20, 39]) {
    const { hits } = await service.search({ query: `walrus${number}` })
    expect(hits[0]?.snippet, `walrus${number}`).toContain(`walrus${number}`)
  }
  const { hits } = await service.search({ query: '"walrus9 and more of it line 10 says walrus10"' })
  expect(hits[0]?.snippet).toContain('walrus9 and more of it line 10 says walrus10')
})

test('where the checkpoints of what is found are gone, another session that says the same stands for it', async () => {
  const { workshop, service } = await openSearch()
  const checkpointIds = new Map<string, string>()
  for (const sessionId of ['first', 'second', 'third']) {
    const file = await workshop.pi(sessionId)
    await file.turn('the pelican said it')
    checkpointIds.set(sessionId, (await service.capture({ ...of(file), reason: 'manual' })).checkpoint.id)
  }
  await service.index()
  // The index is not told what is deleted meanwhile.
  const search = async () => (await service.search({ query: 'pelican role:user', updateMs: 0 })).hits.map(({ sessionKey }) => sessionKey)
  for (let left = checkpointIds.size; left > 0; left -= 1) {
    const found = await search()
    expect(found).toHaveLength(1)
    const id = checkpointIds.get(found[0] ?? '')
    expect(id).toBeDefined()
    await service.delete([id ?? ''], { force: true })
    checkpointIds.delete(found[0] ?? '')
  }
  expect(await search()).toEqual([])
})

test('segments are merged once a quarter of them is new, and the same is found', async () => {
  const { workshop, service, path, index } = await openSearch()
  const file = await workshop.pi()
  for (let round = 0; round < 6; round += 1) {
    for (let number = 0; number < 100; number += 1) await file.turn(`otter${round} number${number}`)
    await service.capture({ ...of(file), reason: 'manual' })
    await service.index()
  }
  expect((await service.search({ query: 'otter0 number7' })).hits[0]?.snippet).toContain('otter0 number7')
  expect((await service.search({ query: 'otter5 number99' })).hits[0]?.snippet).toContain('otter5 number99')
  index.close()
  const database = new DatabaseSync(path)
  // What stood there when there were a thousand entries, and what came behind.
  expect(database.prepare('SELECT count(DISTINCT segid) AS count FROM words_idx').get()).toEqual({ count: 2 })
  expect(database.prepare("INSERT INTO words (words) VALUES ('integrity-check')").run()).toBeDefined()
  database.close()
})
