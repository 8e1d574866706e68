import type { ChildProcess } from 'node:child_process'
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import type { SearchHit, SearchPage } from '@palimpsest/core'
import { expect, test } from 'vitest'
// @boundaries-ignore sessions made by hand are written once
import { claudeCodeSession } from '../../../packages/host/test/support/sessions.ts'
import { commandLine } from './command-line.ts'
import { checkpointWith, fakeHost, now } from './fake-host.ts'
import { piSession } from './pi-session.ts'
import { startProgram } from './process.ts'
import { createStore, scannedStore } from './store.ts'

const error = 'error[E0432]: unresolved import `tokio_util::codec`'
const texts = ['why does the import fail?', error, 'I will add the feature codec', 'thanks']
const session = { textOf: (index: number) => texts[index] ?? '' }

const hit: SearchHit = {
  checkpointId: '01989a3e-5c00-7abc-9def-0123456789ab',
  agent: 'pi',
  sessionKey: 'session-one',
  sessionId: 'session-one',
  entryId: 'e1',
  part: 'main',
  line: 3,
  start: 10,
  end: 90,
  kind: 'message',
  role: 'tool',
  tool: 'bash',
  createdAt: now - 3_600_000,
  dropped: true,
  snippet: '…it said ENOENT: no such file…',
  marks: [[9, 15]],
  score: 4,
}
const page = (fields: Partial<SearchPage> = {}): SearchPage => ({ hits: [hit], waiting: 0, problems: [], ...fields })
const kept = { page: { checkpoints: [checkpointWith()], problems: [] } }

test('a hit says where it stands and what, and the command below it reads around it', async () => {
  const { store } = await scannedStore(session)
  await using _ = store
  const { status, stdout, stderr } = await store.run(['search', 'unresolved', 'import'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const [head = '', snippet, command = ''] = stdout.split('\n')
  expect(head).toMatch(/^[0-9a-f]{8} · pi · session 0b0c0d0e-0000-4000-8000-0000000000\d\d · .* · assistant · entry 10000001 · dropped$/)
  expect(snippet).toBe(`  ${error}`)
  expect(command).toMatch(/^ {2}palimpsest read [0-9a-f]{8} --around 10000001$/)
  const read = await store.run(command.trim().split(' ').slice(1))
  expect(read.stdout).toContain(error)
  expect(read.stdout).toContain('why does the import fail?')
})

test('words are one query, and a dash before a word leaves out what holds it', async () => {
  const { store } = await scannedStore(session)
  await using _ = store
  const snippets = async (...words: string[]) => ((await store.json('search', ...words)) as SearchPage).hits.map(({ snippet }) => snippet)
  expect((await snippets('import', '--limit', '9')).sort()).toEqual([error, 'why does the import fail?'])
  expect(await snippets('import', '-tokio')).toEqual(['why does the import fail?'])
  expect(await snippets('"import fail"')).toEqual(['why does the import fail?'])
  expect(await snippets('import', 'role:user')).toEqual(['why does the import fail?'])
  const behindDashes = await store.run(['search', '--json', '--', 'import', '-tokio'])
  expect(behindDashes.json()).toMatchObject({ hits: [{ snippet: 'why does the import fail?' }] })
})

test('an option that there is not is a mistake, and how to look for it is said', async () => {
  const { status, stderr } = await commandLine(['search', 'commit', '--no-verify', '--store', 's'], { host: fakeHost() })
  expect(status).toBe(2)
  expect(stderr).toBe('palimpsest: search has no option --no-verify. To look for it: palimpsest search --store s -- commit --no-verify\n')
  const host = fakeHost({ found: page() })
  expect((await commandLine(['search', '--limit', '2', '--', 'commit', '--no-verify'], { host })).status).toBe(0)
  expect(host.calls[0]).toMatchObject({ operation: 'search', args: [{ query: 'commit --no-verify', limit: 2 }] })
})

test('the match is coloured on a terminal alone, and nothing steers it', async () => {
  const evil = page({
    hits: [{ ...hit, entryId: 'e\x1b[2J', tool: 'b\x07', sessionKey: 'k\x9b', snippet: 'a \x1b]0;x\x07 ENOENT', marks: [[9, 15]] }],
  })
  const plain = await commandLine(['search', 'ENOENT'], { host: fakeHost({ found: evil }) })
  expect(plain.stdout).not.toContain('\x1b')
  expect(plain.stdout).toContain('  a ]0;x ENOENT\n')
  const colored = await commandLine(['search', 'ENOENT'], { host: fakeHost({ found: page() }), terminal: true })
  expect(colored.stdout).toContain('it said \x1b[33mENOENT\x1b[39m: no such file')
  expect((await commandLine(['search', 'ENOENT'], { host: fakeHost({ found: page() }) })).stdout).toBe(
    [
      '456789ab · pi · session session-one · 1 h ago · tool bash · entry e1 · dropped',
      '  …it said ENOENT: no such file…',
      '  palimpsest read 456789ab --around e1',
      '',
    ].join('\n'),
  )
})

test('the next page is the same command with a cursor, and a hit in a sidecar says in which', async () => {
  const found = page({ hits: [{ ...hit, part: 'subagents/agent-1.jsonl', dropped: false, duplicates: 2 }], nextCursor: 'c2' })
  const { stdout } = await commandLine(['search', 'a b', '-c', '--limit', '1', '--agent', 'pi'], { host: fakeHost({ found }) })
  expect(stdout).toContain(' · kept · and 2 entries alike\n')
  expect(stdout).toContain(' · tool bash · in subagents/agent-1.jsonl · entry e1 · kept')
  expect(stdout).toContain('  palimpsest read 456789ab --part subagents/agent-1.jsonl --around e1\n')
  const inText = page({ hits: [{ ...hit, part: 'tool-results/out.txt', entryId: 'L120', line: 120 }] })
  const text = await commandLine(['search', 'a'], { host: fakeHost({ found: inText }) })
  expect(text.stdout).toContain('  palimpsest read 456789ab --part tool-results/out.txt --from 120 --limit 1000\n')
  expect(stdout).toContain("\nNext page: palimpsest search --limit 1 --agent pi --cursor c2 -- 'a b' -c\n")
})

test('the command below a hit in a sidecar shows it, and the next page stays in that part', async () => {
  await using store = await createStore()
  const sessionId = 'b9f47197-bbbb-4d92-8990-dfe4a393965b'
  await writeFile(join(store.folder, `${sessionId}.jsonl`), claudeCodeSession(sessionId))
  const sidecar = join(store.folder, sessionId, 'subagents')
  await mkdir(sidecar, { recursive: true })
  const lines = Array.from({ length: 60 }, (_, at) =>
    claudeCodeSession(sessionId)
      .replaceAll('11111111-1111', `22222222-00${at + 10}`)
      .replace('"hello"', at === 30 ? '"a pangolin"' : `"step ${at}"`),
  )
  await writeFile(join(sidecar, 'agent-1.jsonl'), lines.join(''))
  await store.json('capture', '--agent', 'claude-code', '--transcript', join(store.folder, `${sessionId}.jsonl`))
  const { stdout } = await store.run(['search', 'pangolin'])
  const [head, , command = ''] = stdout.split('\n')
  expect(head).toContain(' · in subagents/agent-1.jsonl · entry 22222222-0040-')
  expect(command).toMatch(/^ {2}palimpsest read [0-9a-f]{8} --part subagents\/agent-1\.jsonl --around 22222222-0040-/)
  const read = await store.run([...command.trim().split(' ').slice(1), '--limit', '3'])
  expect(read).toMatchObject({ status: 0, stderr: '' })
  expect(read.stdout.match(/^ {2}\S.*$/gm)).toEqual(['  step 29', '  a pangolin', '  step 31'])
  const next = /Next page: palimpsest (.*)\n/.exec(read.stdout)?.[1] ?? ''
  expect((await store.run(next.split(' '))).stdout).toContain('  step 32\n')
})

test('no hits is no error, and says what to try', async () => {
  const none = page({ hits: [] })
  const nothing = await commandLine(['search', 'x'], { host: fakeHost({ found: none, ...kept }) })
  expect(nothing.status).toBe(0)
  expect(nothing.stdout).toMatch(/^Nothing found\.\nTry fewer words.*\n.*palimpsest scan .*palimpsest index --rebuild\n$/)
  const empty = await commandLine(['search', 'x'], { host: fakeHost({ found: none, page: { checkpoints: [], problems: [] } }) })
  expect(empty.stdout).toBe('Nothing is kept yet. Run: palimpsest scan\n')
  expect((await commandLine(['search', 'x', '--cursor', 'c'], { host: fakeHost({ found: none }) })).stdout).toBe('No more hits.\n')
})

test('what was not looked into is said beside the hits', async () => {
  const found = page({ waiting: 3, problems: [{ name: 'sessions/ab-pi', message: 'damaged\x07' }] })
  const { status, stdout, stderr } = await commandLine(['search', 'x'], { host: fakeHost({ found }) })
  expect(status).toBe(0)
  expect(stdout).toContain('456789ab')
  expect(stderr).toBe(
    'noted: 3 sessions are not wholly indexed yet, and what is missing was not looked into. To index all: palimpsest index\nnoted: sessions/ab-pi: damaged\n',
  )
})

test('whatever is looked for is answered; only nothing is refused', async () => {
  const { store } = await scannedStore(session)
  await using _ = store
  for (const query of [
    'the a of to',
    '"unbalanced import',
    'import AND (tokio OR NEAR(codec, 2)) NOT * ^ : {text}',
    '🦀 emoji',
    'שלום עולם',
    '/unres[a-z]+ed\\s(import)?$/',
    'import '.repeat(14_286).slice(0, 100_000),
    '💥'.repeat(20),
    '\u0000import',
    '\ud800 import',
    'role:nobody import',
    'before:never after:2026-99-99 import',
    '!= => ...',
  ]) {
    expect(await store.run(['search', query]), query.slice(0, 40)).toMatchObject({ status: 0, stderr: '' })
  }
  expect(await store.json('search', 'role:nobody', 'import')).toMatchObject({ hits: [{}, {}] })
  expect((await store.run(['search', '!='])).stdout).toMatch(/^Nothing found\./)
  for (const query of ['', '  ', '""']) {
    expect(await store.run(['search', query])).toMatchObject({ status: 2, stderr: expect.stringContaining('The query is empty.') })
  }
  expect((await store.run(['search'])).status).toBe(2)
  for (const limit of ['0', '101', '1000', '-1', '1.5', 'many']) {
    const refused = await store.run(['search', 'x', '--limit', limit])
    expect(refused).toMatchObject({ status: 2, stderr: `palimpsest: --limit is "${limit}"; it must be a whole number from 1 to 100.\n` })
  }
  for (const cursor of ['nonsense', '', 'eyJ3aW5kb3ciOi0xLCJza2lwIjowfQ']) {
    const refused = await store.run(['search', 'x', '--cursor', cursor])
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('This cursor is none that a search gave.') })
  }
})

test('index says what it holds, goes on where it was, and is made anew', async () => {
  const { store } = await scannedStore(session)
  await using _ = store
  const first = await store.json('index')
  const text = piSession(session).beforeCompaction
  expect(first).toMatchObject({ indexed: 0, waiting: 0, problems: [], size: { sessions: 1, transcriptBytes: text.length } })
  const rebuilt = (await store.run(['index', '--rebuild'])).stdout
  expect(rebuilt).toMatch(/^1 session indexed\.\n1 session · \d+ entries · \S+ KiB, \d+ % of \S+ B of transcripts\n$/)
  expect((await store.run(['index'])).stdout).toMatch(/^The index was up to date\.\n/)
})

test('a scan indexes what it kept, says so, and leaves it on request', async () => {
  await using store = await createStore()
  await writeFile(join(store.folder, 's1.jsonl'), piSession({ number: 1, ...session }).text)
  expect(await store.json('scan', '.')).toMatchObject({ index: { indexed: 1, waiting: 0, problems: [] } })
  const again = await store.run(['scan', '.'])
  expect(again.stderr).toBe('')
  await writeFile(join(store.folder, 's2.jsonl'), piSession({ number: 2, ...session }).text)
  expect(await store.json('scan', '.', '--no-index')).not.toHaveProperty('index')
  expect((await store.run(['scan', '.'])).stderr).toBe('1 session indexed for search.\n')
})

test('over an index that is damaged, of another version or gone, search answers as before', async () => {
  const { store } = await scannedStore(session)
  await using _ = store
  const expected = await store.json('search', 'codec')
  expect(expected).toMatchObject({ hits: [{ dropped: true }, { dropped: true }], problems: [] })
  const file = await indexFile(store.folder)
  await truncate(file, 3000)
  expect(await store.json('search', 'codec')).toEqual(expected)
  await writeFile(file, 'no database at all, though it has the name of one'.repeat(50))
  expect(await store.json('search', 'codec')).toEqual(expected)
  const database = new DatabaseSync(file)
  database.exec('PRAGMA user_version = 99')
  database.close()
  expect(await store.json('search', 'codec')).toEqual(expected)
})

test('an index that can not be used is an error that says what to do, and a scan goes on without it', async () => {
  const { store } = await scannedStore(session)
  await using _ = store
  const file = await indexFile(store.folder)
  await rm(file)
  await mkdir(join(file, 'in-its-place'), { recursive: true })
  for (const command of [['search', 'codec'], ['index'], ['index', '--rebuild']]) {
    const refused = await store.run(command)
    expect(refused, command.join(' ')).toMatchObject({ status: 7, stdout: '' })
    expect(refused.stderr).toMatch(/^palimpsest: \S+, where the search index belongs, is a folder\..* then: palimpsest index --rebuild\n$/)
  }
  await writeFile(join(store.folder, 'work', 's2.jsonl'), piSession({ number: 2, ...session }).text)
  const scanned = await store.run(['scan', 'work'])
  expect(scanned).toMatchObject({ status: 0, stdout: expect.stringContaining('2 compactions kept (1 new)') })
  expect(scanned.stderr).toMatch(/^not indexed: .*is a folder/)
  expect(await store.json('scan', 'work')).toMatchObject({ index: { error: { code: 'STORAGE_REFUSED' } } })
  await rm(file, { recursive: true })
  expect(await store.json('search', 'codec')).toMatchObject({ hits: [{}, {}], problems: [] })
})

test('Ctrl-C while it indexes ends it at once, and the next search goes on', { timeout: 30_000 }, async () => {
  await using store = await createStore()
  const words = Array.from({ length: 400 }, (_, index) => `word${index}`).join(' ')
  for (let number = 1; number <= 30; number += 1) {
    const { text } = piSession({ number, messages: 200, textOf: (index) => `${words} needle${number}x${index}` })
    await writeFile(join(store.folder, `s${number}.jsonl`), text)
  }
  await store.json('scan', '.', '--no-index')
  const { child, finished } = startProgram(store.folder, ['index'])
  await interruptWhen(child, () => indexFile(store.folder).then(() => true))
  const { status, stdout } = await finished
  expect(status).toBe(130)
  expect(stdout).toBe('')
  expect(await store.json('search', 'needle30x7')).toMatchObject({ hits: [{ snippet: expect.stringContaining('needle30x7') }], waiting: 0 })
})

test('Ctrl-C in the middle of one long session keeps what is indexed of it, and the next search goes on', { timeout: 30_000 }, async () => {
  await using store = await createStore()
  const words = Array.from({ length: 2_000 }, (_, index) => `word${index * 7919}`).join(' ')
  const { text } = piSession({ messages: 600, textOf: (index) => `needle${index} ${words} x${index}` })
  await writeFile(join(store.folder, 's.jsonl'), text)
  await store.json('scan', '.', '--no-index')
  const { child, finished } = startProgram(store.folder, ['index'])
  await interruptWhen(child, async () => (await entriesIn(store.folder)) > 0)
  const { status, stdout } = await finished
  expect({ status, stdout }).toEqual({ status: 130, stdout: '' })
  const kept = await entriesIn(store.folder)
  expect(kept).toBeGreaterThan(0)
  expect(kept).toBeLessThan(600)
  expect(await store.json('search', 'needle599')).toMatchObject({ hits: [{ entryId: (0x10000000 + 599).toString(16) }], waiting: 0 })
  // The header and every message, each once.
  expect(await entriesIn(store.folder)).toBe(601)
})

/** Sends one Ctrl-C, since a second one kills, as soon as something is so. What can't be found out yet is not so. */
async function interruptWhen(child: ChildProcess, isSo: () => Promise<boolean>): Promise<void> {
  while (child.exitCode === null && !(await isSo().catch(() => false))) await wait(10)
  child.kill('SIGINT')
}

/** How many entries the index has that another process writes. */
async function entriesIn(folder: string): Promise<number> {
  const database = new DatabaseSync(await indexFile(folder), { readOnly: true })
  try {
    return Number(database.prepare('SELECT count(*) AS entries FROM entry').get()?.['entries'])
  } finally {
    database.close()
  }
}

async function indexFile(folder: string): Promise<string> {
  const cache = join(folder, '.cache', 'palimpsest')
  for (const name of await readdir(cache, { recursive: true })) {
    if (/search-\d+\.sqlite$/.test(name)) return join(cache, name)
  }
  throw new Error('There is no index.')
}
