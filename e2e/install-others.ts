import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, namesIn } from './clients.ts'
import { codexIn, installCodex } from './codex-client.ts'
import { copilotIn, installCopilot } from './copilot-client.ts'
import { assertSame } from './difference.ts'
import { geminiIn, installGemini } from './gemini-client.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { installOpenCode, openCodeIn } from './opencode-client.ts'
import { type Palimpsest, palimpsestIn } from './palimpsest.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Course, Scenario } from './suite.ts'

/** Codex, OpenCode, Gemini CLI and Copilot CLI with palimpsest installed by its own command. */
export async function installIntoOthers(course: Course): Promise<void> {
  await withClient(course, 'codex', 'mock-openai-responses.mjs', () => installCodex('0.169.0'), intoCodex)
  await withClient(course, 'opencode', 'mock-models.mjs', installOpenCode, intoOpenCode)
  await withClient(course, 'gemini', 'mock-models.mjs', installGemini, intoGemini)
  await withClient(course, 'copilot', 'mock-models.mjs', installCopilot, intoCopilot)
}

async function withClient<Client extends object>(
  course: Course,
  name: string,
  tool: string,
  install: () => Promise<Client | { readonly missing: string }>,
  scenario: (scenario: Scenario, client: Client) => Promise<void>,
): Promise<void> {
  const missing = await missingTool(tool)
  const client = missing === undefined ? await install() : { missing }
  if ('missing' in client) course.skip(name, client.missing)
  else await course.scenario(`${name}, installed`, (each) => scenario(each, client))
}

async function intoCodex(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  // Hooks of nobody, so that the client is started without asking for trust.
  const client = await codexIn(scenario, program, { hooks: {} })
  const config = join(client.codexHome, 'config.toml')
  const before = await readFile(config, 'utf8')
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  await palimpsest.json('install', 'codex', '--yes')
  await scenario.check('doctor says that the hooks are not trusted yet', async () => {
    const trust = listAt(await palimpsest.json('doctor'), 'findings').filter((finding) => at(finding, 'check') === 'trust')
    assertSame(
      ['codex'],
      trust.map((finding) => at(finding, 'mend')),
      'what mends it',
    )
  })
  const { path, requests } = await scenario.check('the client compacts a session within a turn', async () => {
    const { sessionId } = await client.prompt('one\nRUN: echo first\nSAY: ONE')
    const turn = await client.prompt('two\nRUN: echo second\nUSAGE: 150000\nSAY: TWO', 'resume', sessionId)
    return { path: await client.rollout(sessionId), requests: turn.requests }
  })
  const id = await kept(scenario, palimpsest, { agent: 'codex', home: client.home, path })
  await scenario.also('the model is told which checkpoint holds what it forgot', () => told(requests, id))
  await scenario.check('uninstall gives config.toml back byte for byte', async () => {
    await palimpsest.json('uninstall', 'codex', '--yes')
    assertSame(before, await readFile(config, 'utf8'), 'config.toml')
  })
}

async function intoOpenCode(scenario: Scenario, { folder }: { readonly folder: string }): Promise<void> {
  const client = await openCodeIn(scenario, folder)
  const config = join(client.home, '.config/opencode/opencode.json')
  const before = await readFile(config, 'utf8')
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), client)
  await palimpsest.json('install', 'opencode', '--yes')
  const server = await scenario.check('the client serves', () => client.start())
  const path = await scenario.check('the client compacts a session by hand', async () => {
    const sessionId = await server.newSession()
    await server.prompt(sessionId, 'one')
    await server.prompt(sessionId, 'two')
    await server.compact(sessionId)
    return `${client.database}#${sessionId}`
  })
  await kept(scenario, palimpsest, { agent: 'opencode', home: client.home, path })
  await server.stop()
  await scenario.check('uninstall gives opencode.json back byte for byte, and takes the plugin away', async () => {
    await palimpsest.json('uninstall', 'opencode', '--yes')
    assertSame(before, await readFile(config, 'utf8'), 'opencode.json')
    assertSame([], await namesIn(join(client.home, '.config/opencode/plugin')), 'the plugins')
  })
}

async function intoGemini(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  const client = await geminiIn(scenario, program)
  const settings = join(client.home, '.gemini/settings.json')
  const { hooks: _hooks, ...own } = JSON.parse(await readFile(settings, 'utf8'))
  const before = `// by hand\n${JSON.stringify(own, undefined, 4)}\n`
  await writeFile(settings, before)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home })
  await palimpsest.json('install', 'gemini', '--yes')
  const path = await scenario.check('the client compacts a session by itself', async () => {
    await client.prompt('one, hello', [])
    const own = await longest(await client.chats())
    const resume = ['--resume', textAt(jsonLines(await readFile(own))[0], 'sessionId')]
    await client.prompt('two, hello', resume)
    const requests = await client.prompt('three CALL:read_file {"file_path":"notes.txt"} USAGE:700000', resume)
    if (!requests.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
    return own
  })
  await kept(scenario, palimpsest, { agent: 'gemini', home: client.home, path })
  await scenario.check('uninstall leaves nothing in settings.json but what the client itself has made of it', async () => {
    await palimpsest.json('uninstall', 'gemini', '--yes')
    const after = await readFile(settings, 'utf8')
    if (!after.startsWith('// by hand\n') || after.includes('palimpsest')) throw new Error(after)
    const names = Object.keys(JSON.parse(after.slice(after.indexOf('\n'))))
    assertSame(Object.keys(own), names, 'what is set')
  })
}

async function intoCopilot(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  const client = await copilotIn(scenario, program)
  const hooks = join(client.home, '.copilot/hooks')
  await rm(join(hooks, 'capture.json'))
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home })
  await palimpsest.json('install', 'copilot', '--yes')
  const sessionId = randomUUID()
  await scenario.check('the client compacts a session by hand', async () => {
    await client.prompt('one, hello', ['--session-id', sessionId])
    await client.prompt('two, hello', [`--resume=${sessionId}`])
    await client.prompt('/compact', [`--resume=${sessionId}`])
    // `/compact` on the command line runs no other hook; the next prompt does.
    await client.prompt('three, hello', [`--resume=${sessionId}`])
  })
  await kept(scenario, palimpsest, { agent: 'copilot', home: client.home, path: client.events(sessionId) })
  await scenario.check('uninstall takes both files away', async () => {
    await palimpsest.json('uninstall', 'copilot', '--yes')
    assertSame([], await namesIn(hooks), 'the hooks')
    assertSame(false, await exists(join(client.home, '.copilot/mcp-config.json')), 'whether mcp-config.json is there')
  })
}

/** The one checkpoint of a compaction that is there without a scan, complete, and that a scan leaves alone. */
async function kept(
  scenario: Scenario,
  palimpsest: Palimpsest,
  { agent, home, path }: { readonly agent: string; readonly home: string; readonly path: string },
): Promise<string> {
  const log = join(home, '.local/state/palimpsest/hook.log')
  await scenario.also('no hook has logged a problem', async () => {
    if (await exists(log)) throw new Error(await readFile(log, 'utf8'))
  })
  const ofCompactions = async (): Promise<readonly unknown[]> =>
    listAt(await palimpsest.json('list', '--agent', agent), 'checkpoints').filter(
      (checkpoint) => at(checkpoint, 'status') === 'complete' && at(checkpoint, 'reason') !== 'session-end',
    )
  const id = await scenario.check('the checkpoint is there without a scan, captured by the hook, complete', async () => {
    // What an agent runs beside its answer may still be under way.
    let found = await ofCompactions()
    for (let tries = 0; found.length === 0 && tries < 20; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 250))
      found = await ofCompactions()
    }
    if (found.length !== 1)
      throw new Error(`expected one checkpoint, found ${shown(await palimpsest.json('list', '--agent', agent), 1500)}`)
    assertSame('capture', at(found[0], 'origin'), 'origin')
    return textAt(found[0], 'id')
  })
  await scenario.check('a scan finds the same, and adds nothing', async () => {
    const found = await palimpsest.json('scan', path)
    assertSame([id], listAt(listAt(found, 'sessions')[0], 'checkpoints'), 'the checkpoints of the scan')
    assertSame(
      [id],
      (await ofCompactions()).map((checkpoint) => at(checkpoint, 'id')),
      'the checkpoints',
    )
  })
  return id
}

function told(requests: readonly ModelRequest[], id: string): void {
  if (!JSON.stringify(requests).includes(`checkpoint ${id}`)) throw new Error('no request names the checkpoint')
}

/** Of the session files in a folder the longest: a resumed session leaves stubs. */
async function longest(folder: string): Promise<string> {
  const files = (await namesIn(folder)).filter((name) => name.endsWith('.jsonl')).map((name) => join(folder, name))
  const sizes = await Promise.all(files.map(async (file) => ({ file, bytes: (await readFile(file)).length })))
  return sizes.toSorted((a, b) => b.bytes - a.bytes)[0]?.file ?? ''
}
