import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, installClient, namesIn } from './clients.ts'
import { at, jsonLines, shown, textAt } from './json-value.ts'
import { emptyEnvironment } from './places.ts'
import { type Conversation, converse, lastLines, run } from './processes.ts'
import { type ModelRequest, type ModelStandIn, requestsDuring, responsesStandIn } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

const turnTimeoutMs = 90_000

/** Codex with a throw-away home, a project and a model of its own. */
export interface CodexClient {
  readonly home: string
  readonly codexHome: string
  readonly model: ModelStandIn
  /** What the command and the client share of the environment. */
  readonly env: NodeJS.ProcessEnv
  /** Gives the model one prompt in a process of its own: of a new session, or of the one that `words` name (`resume ID`, `fork ID`). */
  prompt(text: string, ...words: readonly string[]): Promise<{ readonly sessionId: string; readonly requests: readonly ModelRequest[] }>
  /** Speaks to its app-server; `call` gives the result of a method. */
  serve<Result>(act: (call: AppServerCall, server: Conversation) => Promise<Result>): Promise<Result>
  /** Has a session compacted as by hand. */
  compact(sessionId: string): Promise<readonly ModelRequest[]>
  /** The rollout of a session. */
  rollout(sessionId: string): Promise<string>
}

/** Calls a method of the app-server. */
type AppServerCall = (method: string, params: unknown) => Promise<unknown>

/** How a client is set up. */
export interface CodexSetUp {
  /** `OpenAI` has the summary made and encrypted by the API. */
  readonly providerName?: string | undefined
  readonly hooks?: unknown
  /** What of `[features]` is on. */
  readonly features?: readonly string[] | undefined
  /** Whether it says its instructions and surroundings again whenever a session is resumed, as 0.101 does. */
  readonly repeatsContext?: boolean | undefined
}

/** The client, installed, or why it can't be run. */
export async function installCodex(version: string): Promise<{ readonly program: string } | { readonly missing: string }> {
  const client = { name: 'codex', package: '@openai/codex', version, installFlags: ['--ignore-scripts'] }
  const installed = await installClient(client)
  if ('missing' in installed) return installed
  const scope = join(installed.folder, 'node_modules/@openai')
  for (const name of await namesIn(scope)) {
    const vendor = join(scope, name, 'vendor')
    for (const target of await namesIn(vendor)) {
      const programs = ['bin', 'codex'].map((folder) => join(vendor, target, folder, 'codex'))
      for (const program of programs) if (await exists(program)) return runnable(program, version, installed.folder)
    }
  }
  return { missing: `it has no native program for ${process.platform}-${process.arch}` }
}

async function runnable(program: string, version: string, folder: string): Promise<{ program: string } | { missing: string }> {
  const { status, stdout, stderr } = await run([program, '--version'], { cwd: folder, env: emptyEnvironment(folder), timeoutMs: 60_000 })
  if (status === 0 && stdout.toString().includes(version)) return { program }
  return { missing: `its native program does not run here: ${lastLines(stderr)}` }
}

/** Sets the client up in the folder of a scenario. */
export async function codexIn(scenario: Scenario, program: string, setUp: CodexSetUp = {}): Promise<CodexClient> {
  const home = join(scenario.folder, 'home')
  const project = join(scenario.folder, 'project')
  const codexHome = join(home, '.codex')
  await Promise.all([codexHome, project].map((folder) => mkdir(folder, { recursive: true })))
  const model = await responsesStandIn(scenario)
  await writeFile(join(codexHome, 'config.toml'), configuration(model.url, setUp.providerName ?? 'mock', setUp.features ?? []))
  if (setUp.hooks !== undefined) await writeFile(join(codexHome, 'hooks.json'), JSON.stringify({ hooks: setUp.hooks }))
  const shared = { CODEX_HOME: codexHome }
  const options = { cwd: project, env: { ...emptyEnvironment(home), ...shared, GIT_CEILING_DIRECTORIES: scenario.folder } }
  const serve: CodexClient['serve'] = async (act) => {
    const server = converse([program, 'app-server'], options)
    let calls = 0
    const call: AppServerCall = async (method, params) => {
      const id = ++calls
      server.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      const answer: unknown = JSON.parse(await server.line((each) => at(JSON.parse(each), 'id') === id, turnTimeoutMs))
      if (at(answer, 'error') !== undefined) throw new Error(`${method}: ${shown(answer, 600)}`)
      return at(answer, 'result')
    }
    await call('initialize', {
      clientInfo: { name: 'palimpsest-e2e', title: 'palimpsest', version: '0' },
      capabilities: { experimentalApi: true },
    })
    server.write(JSON.stringify({ jsonrpc: '2.0', method: 'initialized' }))
    const result = await act(call, server)
    await server.end(10_000)
    return result
  }
  const trusting = setUp.hooks === undefined ? [] : ['--dangerously-bypass-hook-trust']
  return {
    home,
    codexHome,
    model,
    env: shared,
    async prompt(text, ...words) {
      let sessionId = ''
      const requests = await requestsDuring(model, async () => {
        const [verb, ...rest] = words
        const command = [
          program,
          'exec',
          ...(verb === undefined ? [] : [verb]),
          '--skip-git-repo-check',
          '--json',
          ...trusting,
          ...rest,
          text,
        ]
        const { status, stdout, stderr, timedOut } = await run(command, { ...options, timeoutMs: turnTimeoutMs })
        if (status !== 0) {
          throw new Error(
            `codex exec ${shown(text)} ${timedOut ? 'took too long' : `exited ${status}`}: ${lastLines(stdout)} ${lastLines(stderr)}`,
          )
        }
        sessionId = textAt(
          jsonLines(stdout).find((line) => at(line, 'type') === 'thread.started'),
          'thread_id',
        )
      })
      return { sessionId, requests }
    },
    serve,
    compact: (sessionId) =>
      requestsDuring(model, () =>
        serve(async (call, server) => {
          await call('thread/resume', { threadId: sessionId })
          await call('thread/compact/start', { threadId: sessionId })
          await server.line((line) => at(JSON.parse(line), 'method') === 'turn/completed', turnTimeoutMs)
        }),
      ),
    async rollout(sessionId) {
      const [path] = (await rolloutsBelow(join(codexHome, 'sessions'))).filter((each) => each.endsWith(`${sessionId}.jsonl`))
      if (path === undefined) throw new Error(`codex has written no session ${sessionId}`)
      return path
    },
  }
}

/** The rollouts of a session that was reverted: those behind its first. */
export async function segmentsOf(client: CodexClient, sessionId: string): Promise<readonly string[]> {
  return (await rolloutsBelow(join(client.codexHome, 'sessions'))).filter((path) => path.includes(`${sessionId}_`))
}

/** The `compacted` lines of a rollout, and where each begins. */
export async function boundariesOf(path: string): Promise<readonly number[]> {
  const bytes = await readFile(path)
  const found: number[] = []
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(10, start)
    const end = feed === -1 ? bytes.length : feed
    if (at(JSON.parse(bytes.toString('utf8', start, end)), 'type') === 'compacted') found.push(start)
    start = end + 1
  }
  return found
}

async function rolloutsBelow(folder: string): Promise<readonly string[]> {
  const names = await namesIn(folder)
  const files = names.filter((name) => name.startsWith('rollout-')).map((name) => join(folder, name))
  const folders = names.filter((name) => /^\d+$/.test(name)).map((name) => rolloutsBelow(join(folder, name)))
  return [...files, ...(await Promise.all(folders)).flat()]
}

function configuration(modelUrl: string, providerName: string, features: readonly string[]): string {
  return `model = "mock-model"
model_provider = "mock"
model_context_window = 200000
model_auto_compact_token_limit = 100000
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
plugins = false
apps = false
remote_plugin = false
${features.map((feature) => `${feature} = true\n`).join('')}
[model_providers.mock]
name = "${providerName}"
base_url = "${modelUrl}"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
requires_openai_auth = false
supports_websockets = false
`
}
