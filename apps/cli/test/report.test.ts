import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CategoryCount, Fact } from '@palimpsest/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { checkpointDiff, checkpointsDiff, fakeHost, lossReport } from './fake-host.ts'

const id = '01989a3e-5c00-7abc-9def-0123456789ab'
const counts: readonly CategoryCount[] = [
  { category: 'error', facts: 300, whole: 0, part: 1, none: 299, wholeInSummary: 0 },
  { category: 'file-written', facts: 4, whole: 3, part: 1, none: 0, wholeInSummary: 3 },
]
const fact: Fact = {
  category: 'error',
  text: 'Error: gone\nfor good',
  entryId: 'e1',
  survives: 'none',
  mentions: 2,
  isInUsersWords: false,
  importance: 4,
}
const group = (entries: number, textCharacters: number) => ({ entries, textCharacters, tokensEstimated: 1234 })
const losses = {
  compactions: 2,
  kept: group(1, 10),
  dropped: group(200, 1_000_000),
  summarised: group(3, 30),
  summaryCharacters: 5000,
  categories: counts,
}
const report = lossReport({
  total: losses,
  agents: [
    { agent: 'claude-code', ...losses },
    { agent: 'pi', ...losses },
  ],
  forgottenMost: [{ ...fact, checkpointId: id, agent: 'pi' }],
  skipped: 1,
})

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'palimpsest-report-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

describe('report', () => {
  test('draws a bar for each kind of fact, over all agents and for each', async () => {
    const { stdout } = await commandLine(['report'], { host: fakeHost({ report }) })
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      'What 2 compactions lost',
      '1,000,000 characters in 200 entries became 5,000 of summary (1 %); 1 entry kept.',
      '               facts  whole  in part  gone  █ whole ▒ in part · gone   gone',
      'error lines      300      0        1   299  ························  >99 %',
      'files written      4      3        1     0  ██████████████████▒▒▒▒▒▒    0 %',
    ])
    expect(stdout).toContain('\nclaude-code: 2 compactions\n')
    expect(stdout).toContain('1 checkpoint without a completed compaction left out.')
  })

  test('of an empty store says what to do', async () => {
    expect((await commandLine(['report'], { host: fakeHost() })).stdout).toBe('No completed compactions. Run: palimpsest scan\n')
  })

  test('as a page stands by itself, and nothing of a transcript is more than text in it', async () => {
    const cwd = await folder()
    const evil = `</code><script>alert('1')</script><img src=x onerror="x">&amp;\u202e\u001b[2J`
    const hostile = { ...report, forgottenMost: [{ ...fact, text: evil, entryId: evil, checkpointId: id, agent: evil }] }
    const { status, stderr } = await commandLine(['report', '--html', 'r.html'], { host: fakeHost({ report: hostile }), cwd })
    expect({ status, stderr }).toEqual({ status: 0, stderr: `Written: ${join(cwd, 'r.html')}\n` })
    const page = await readFile(join(cwd, 'r.html'), 'utf8')
    expect((await stat(join(cwd, 'r.html'))).mode & 0o777).toBe(0o600)
    expect(page).toContain("default-src 'none'")
    expect(page.match(/<[^>]*>/g)?.join('')).not.toMatch(/script|img|onerror|src=|href=|url\(/)
    expect([page.includes('\u202e'), page.includes('\u001b')]).toEqual([false, false])
    expect(page).toContain('&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;')
    const tags = new Set([...page.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag))
    expect([...tags].toSorted()).toEqual([
      'body',
      'code',
      'div',
      'h1',
      'h2',
      'head',
      'html',
      'i',
      'li',
      'meta',
      'ol',
      'p',
      'section',
      'span',
      'style',
      'table',
      'tbody',
      'td',
      'th',
      'thead',
      'title',
      'tr',
    ])
  })

  test('replaces an older report, and no other file', async () => {
    const cwd = await folder()
    const host = () => fakeHost({ report })
    await writeFile(join(cwd, 'notes.html'), '<p>mine</p>')
    const refused = await commandLine(['report', '--html', 'notes.html', '--json'], { host: host(), cwd })
    expect(refused.status).toBe(6)
    expect(refused.json()).toMatchObject({ error: { code: 'TARGET_REFUSED' } })
    expect(await readFile(join(cwd, 'notes.html'), 'utf8')).toBe('<p>mine</p>')
    expect((await commandLine(['report', '--html', '.'], { host: host(), cwd })).status).toBe(6)
    expect((await commandLine(['report', '--html', 'nowhere/r.html'], { host: host(), cwd })).status).toBe(6)
    for (let time = 0; time < 2; time++) {
      const written = await commandLine(['report', '--html', 'r.html', '--json'], { host: host(), cwd })
      expect(written).toMatchObject({ status: 0, stderr: '' })
      expect(written.json()).toEqual(report)
    }
  })
})

describe('diff and recover for people', () => {
  test('five facts of each kind, each with its entry, and how to see the others', async () => {
    const forgotten = Array.from({ length: 7 }, (_, at): Fact => ({ ...fact, entryId: `e${at}` }))
    const part: Fact = {
      ...fact,
      category: 'file-written',
      text: '/a/b.ts',
      survives: 'part',
      part: 'b.ts',
      standsIn: 'summary',
      mentions: 1,
    }
    const diff = checkpointDiff({
      kept: group(2, 5),
      dropped: group(20, 50),
      categories: counts,
      forgotten: [...forgotten, part],
      leftOut: 3,
    })
    const { stdout } = await commandLine(['diff', 'x'], { host: fakeHost({ diff }) })
    expect(stdout).toContain('dropped          20 entries, about 1,234 tokens (estimated)\n')
    expect(stdout).toContain('Forgotten: error lines (2 more: --category error)\n  Error: gone for good · e0 · 2 times\n')
    expect(stdout).toContain('  /a/b.ts · e1 · of it the summary has: b.ts\n')
    expect(stdout).not.toContain('e5')
    expect(stdout).toContain('3 facts more, mentioned least and longest ago, were not looked at.')
    expect(stdout).toContain('palimpsest read 456789ab --around ENTRY')
    const all = await commandLine(['diff', 'x', '--category', 'error'], { host: fakeHost({ diff }) })
    expect(all.stdout).toContain('e6')
  })

  test('what came and went, a line an entry', async () => {
    const first = [{ entryId: 'e1', kind: 'message', role: 'user', excerpt: 'Hello' }] as const
    const between = checkpointsDiff({ fromId: id, added: { entries: 30, lineBytes: 5, tokensEstimated: 7, first } })
    const { stdout } = await commandLine(['diff', 'x', 'y'], { host: fakeHost({ between }) })
    expect(stdout).toContain('From 456789ab to b\n')
    expect(stdout).toContain('added            30 entries, about 7 tokens (estimated)\n')
    expect(stdout).toContain('\nAdded (the first 1 of 30)\n  user · e1 · Hello\n')
    const refused = await commandLine(['diff', 'x', 'y', '--category', 'error'], { host: fakeHost() })
    expect(refused.status).toBe(2)
    expect((await commandLine(['diff', 'x', '--category', 'errors'], { host: fakeHost() })).stderr).toContain(
      'one of request, decision, error',
    )
  })

  test('the text to recover with is printed alone', async () => {
    const recovered = { checkpointId: id, text: 'Recovered\n- a [e1]', tokensEstimated: 5, facts: 1, leftOut: 0, gaps: 0 }
    expect((await commandLine(['recover', 'x'], { host: fakeHost({ recovered }) })).stdout).toBe('Recovered\n- a [e1]\n')
    expect((await commandLine(['recover', 'x'], { host: fakeHost() })).stdout).toContain('Nothing that could be found was forgotten')
    expect((await commandLine(['recover', 'x', '--tokens', '99'], { host: fakeHost() })).status).toBe(2)
  })
})
