// Plays a small session of pi, which this folder ships, through the whole of Palimpsest, on a home folder of its own. Every line with a ✓ was
// checked; a claim that is false ends the demo with exit status 1.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { createStage, palimpsest, run, runJson, runText, type Stage, sha256 } from './command-line.ts'
import { listAt, textAt } from './json-value.ts'
import { claim, command, printed, say, step, title } from './step.ts'

/** What the session held and both of its summaries forget. */
const forgotten = [
  { what: 'the commit that broke it', text: 'e83b5f0c41d29a7766fe0193c5d8842ab17e90d3' },
  { what: 'the exact error line', text: 'ImportError: SQLITE_BUSY: database is locked (attempt 3/3, waited 5003 ms)' },
  {
    what: 'the command that reproduces it',
    text: 'IMPORT_BATCH=250 IMPORT_WORKERS=4 npm run import -- --month 2026-10 --dry-run --seed 7719',
  },
]

interface Listed {
  readonly id: string
  readonly summary: string
}

const startedAt = performance.now()
const stage = await createStage()
try {
  await play(stage)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`\nAll of it was true, in ${seconds} s. Next: palimpsest scan, for your own sessions; palimpsest --help for the rest.`)
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  await stage.remove()
}

async function play(stage: Stage): Promise<void> {
  title('Palimpsest gives back what compaction makes an agent forget.')
  say('An agent of pi has fixed a flaky import. On the way its context was compacted twice: replaced by a summary.')
  const { path, bytes } = await placeSession(stage)
  const [newer, older] = await keepAndList(stage, path)
  lookAtSummary(newer, older)
  await findAgain(stage)
  await searchFor(stage)
  await compareBytes(stage, bytes)
  await branchBefore(stage, older)
  await askAsAgent(stage)
  claim("pi's own file was never touched", sha256(await readFile(path)) === sha256(bytes))
}

/** Puts the session where pi would have written it. */
async function placeSession(stage: Stage): Promise<{ readonly path: string; readonly bytes: Buffer }> {
  const folder = join(stage.home, '.pi/agent/sessions/--home-ada-ledgerline--')
  const path = join(folder, '2026-11-17T09-02-11-407Z_019a8f3e-52c7-7d1b-9c44-6be0a1d7f208.jsonl')
  const bytes = await readFile(new URL('./session.jsonl', import.meta.url))
  await mkdir(folder, { recursive: true })
  await writeFile(path, bytes)
  return { path, bytes }
}

async function keepAndList(stage: Stage, path: string): Promise<readonly [Listed, Listed]> {
  step('Keep every compaction that is there')
  command('palimpsest scan ~/.pi/agent/sessions')
  printed(stage.shown(await runText(stage, 'scan', join(path, '../..'))))
  step('See what is kept: the state before each compaction')
  command('palimpsest list')
  const [text, json] = await Promise.all([runText(stage, 'list'), runJson(stage, 'list')])
  printed(stage.shown(text))
  const [newer, older, ...others] = listAt(json, 'checkpoints').map((row): Listed => {
    return { id: textAt(row, 'id'), summary: textAt(row, 'summary') }
  })
  claim('both compactions are kept', newer !== undefined && older !== undefined && others.length === 0)
  return [newer, older]
}

function lookAtSummary(newer: Listed, older: Listed): void {
  step('What the agent still knows: its last summary')
  printed(newer.summary)
  say('The user now asks for the commit that broke it, the exact error and the command that reproduces it.')
  for (const { what, text } of forgotten) {
    claim(
      `the summaries have forgotten ${what}`,
      ![newer, older].some(({ summary }) => summary.includes(text) || summary.includes(text.slice(0, 8))),
    )
  }
}

async function findAgain(stage: Stage): Promise<void> {
  step('Read what the first compaction dropped')
  command('palimpsest read latest~1 --dropped')
  const text = await runText(stage, 'read', 'latest~1', '--dropped')
  printed(text, 40)
  for (const { what, text: fact } of forgotten) claim(`found again: ${what}`, text.includes(fact), fact)
}

async function searchFor(stage: Stage): Promise<void> {
  step('Or look for it, as it was written or by a few words')
  const [commit, error] = forgotten
  command(`palimpsest search '"${error?.text}"' --limit 1`)
  printed(await runText(stage, 'search', `"${error?.text}"`, '--limit', '1'), 10)
  const [byLine, byWords] = await Promise.all([
    runJson(stage, 'search', `"${error?.text}"`),
    runJson(stage, 'search', 'commit broke import'),
  ])
  claim('the error line is the first hit', textAt(byLine, 'hits', 0, 'snippet').includes(error?.text ?? '?'))
  const hits = listAt(byWords, 'hits').map((_hit, at) => textAt(byWords, 'hits', at, 'snippet'))
  claim('the commit is among the hits of three words', hits.join(' ').includes(commit?.text.slice(0, 8) ?? '?'))
}

async function compareBytes(stage: Stage, session: Buffer): Promise<void> {
  step('It is the exact transcript, byte for byte')
  command('palimpsest read latest~1 --raw | sha256sum')
  const kept = await run(stage, 'read', 'latest~1', '--raw')
  printed(`${sha256(kept)}  -`)
  // Where the first compaction begins is taken from the file itself, not from what Palimpsest says of it.
  const prefix = session.subarray(0, session.indexOf('\n{"type":"compaction"') + 1)
  command(`head -n ${prefix.toString('utf8').split('\n').length - 1} ~/.pi/…/session.jsonl | sha256sum`)
  printed(`${sha256(prefix)}  -`)
  claim(`all ${prefix.length} bytes up to the compaction are equal`, prefix.length > 0 && sha256(kept) === sha256(prefix))
}

async function branchBefore(stage: Stage, older: Listed): Promise<void> {
  step('Go on from before the compaction, in a new session')
  command('palimpsest branch latest~1')
  const branch = await runJson(stage, 'branch', older.id)
  const [path, resume, sessionId] = [textAt(branch, 'path'), textAt(branch, 'resume'), textAt(branch, 'sessionId')]
  printed(`Open it: ${stage.shown(resume)}`)
  const text = await readFile(path, 'utf8')
  const lines: readonly unknown[] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  claim('the new session is where pi looks for it', path.startsWith(join(stage.home, '.pi/agent/sessions/--home-ada-ledgerline--')))
  claim(
    'it has an id of its own and no compaction in it',
    textAt(lines, 0, 'id') === sessionId && !lines.some((line) => textAt(line, 'type') === 'compaction'),
  )
  claim(
    'it knows everything again',
    forgotten.every(({ text: fact }) => text.includes(fact)),
  )
}

async function askAsAgent(stage: Stage): Promise<void> {
  step('And the agent itself can look it up, over MCP')
  command('palimpsest mcp')
  const client = new Client({ name: 'palimpsest-demo', version: '0.1.0' })
  await client.connect(new StdioClientTransport({ command: palimpsest, args: ['mcp'], env: { ...stage.env }, cwd: stage.home }))
  try {
    const { tools } = await client.listTools()
    printed(tools.map(({ name, title: shownTitle }) => `${name}: ${shownTitle}`).join('\n'))
    const call = async (name: string, args: Readonly<Record<string, unknown>>): Promise<unknown> => {
      command(`${name} ${JSON.stringify(args)}`)
      const result = await client.callTool({ name, arguments: { ...args } })
      claim(`${name} answered`, result.isError !== true, JSON.stringify(result.content))
      return result.structuredContent
    }
    const checkpoints = listAt(await call('list_checkpoints', {}), 'checkpoints')
    claim('it sees the two checkpoints', checkpoints.length === 2)
    const history = textAt(await call('get_checkpoint', { id: 'latest~1', dropped: true, from: 1, limit: 4 }), 'history')
    printed(history, 34)
    for (const { what, text } of forgotten) claim(`the agent has it again: ${what}`, history.includes(text), text)
    const tag = /^<untrusted-[0-9a-f]+>/.exec(history)?.[0] ?? ''
    claim('quoted as untrusted, between tags that are random in every answer', tag !== '' && history.endsWith(tag.replace('<', '</')))
    const restored = await call('restore_checkpoint', { id: 'latest~1' })
    printed(`resume: ${stage.shown(textAt(restored, 'resume'))}`)
    claim(
      'and it can hand the user a session from before the compaction',
      (await readFile(textAt(restored, 'path'), 'utf8')).includes(forgotten[0]?.text ?? '?'),
    )
  } finally {
    await client.close()
  }
}
