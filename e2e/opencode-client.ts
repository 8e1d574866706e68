import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InstalledClient, installClient } from './clients.ts'
import { shown, textAt } from './json-value.ts'
import { emptyEnvironment } from './places.ts'
import { converse, lastLines, run } from './processes.ts'
import { chatStandIn, type ModelRequest, type ModelStandIn } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

const version = '1.18.33'

/** The real client. Its binary is in a package of its own for each platform. */
export function installOpenCode(): Promise<InstalledClient> {
  return installClient({ name: 'opencode', package: 'opencode-ai', version, installFlags: ['--ignore-scripts'] })
}

/** The client with a home, a project and a model of its own. */
export interface OpenCode {
  readonly home: string
  readonly project: string
  readonly database: string
  /** The environment that it runs in. */
  readonly env: NodeJS.ProcessEnv
  /** Writes its configuration; what it runs already does not see it. */
  configure(settings: Readonly<Record<string, unknown>>): Promise<void>
  /** Starts its server, which serves until `stop`. */
  start(env?: NodeJS.ProcessEnv): Promise<OpenCodeServer>
  /** Runs a command line of it, in the project. */
  run(words: readonly string[]): Promise<string>
}

/** A server of the client, spoken to as its terminal interface does. */
interface OpenCodeServer {
  newSession(): Promise<string>
  /** Holds a turn; gives what the model was sent meanwhile. */
  prompt(sessionId: string, text: string): Promise<readonly ModelRequest[]>
  compact(sessionId: string): Promise<readonly ModelRequest[]>
  stop(): Promise<void>
}

/** Sets the client up in a scenario's folder. */
export async function openCodeIn(scenario: Scenario, clientFolder: string): Promise<OpenCode> {
  const standIn = await chatStandIn(scenario)
  const home = join(scenario.folder, 'home')
  const project = join(home, 'project')
  const settingsFolder = join(home, '.config/opencode')
  await mkdir(join(settingsFolder, 'plugin'), { recursive: true })
  await mkdir(project)
  await writeFile(join(project, 'hello.txt'), 'hello from a file\n')
  const binary = join(clientFolder, `node_modules/opencode-${process.platform}-${process.arch}/bin/opencode`)
  const env = {
    ...emptyEnvironment(home),
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
  }
  const configure = (settings: Readonly<Record<string, unknown>>) =>
    writeFile(join(settingsFolder, 'opencode.json'), JSON.stringify({ ...settingsFor(standIn), ...settings }))
  await configure({})
  return {
    home,
    project,
    database: join(home, '.local/share/opencode/opencode.db'),
    env,
    configure,
    start: (more) => startServer(scenario, standIn, { binary, project, env: { ...env, ...more } }),
    async run(words) {
      const { status, stdout, stderr, timedOut } = await run([binary, ...words], { cwd: project, env, timeoutMs: 120_000 })
      if (status === 0) return stdout.toString()
      throw new Error(
        `opencode ${words.join(' ')} ${timedOut ? 'took too long' : `exited ${status}`}: ${lastLines(stdout)} ${lastLines(stderr)}`,
      )
    },
  }
}

/** A plugin that captures before each compaction and writes down what came of it. */
export async function installCapturePlugin(client: OpenCode): Promise<void> {
  const source = await readFile(fileURLToPath(new URL('./opencode-compacting-plugin.js', import.meta.url)))
  await writeFile(join(client.home, '.config/opencode/plugin/capture.js'), source)
}

function settingsFor(standIn: ModelStandIn): object {
  const models = { 'mock-model': { name: 'mock', limit: { context: 200_000, output: 8_000 } } }
  const options = { baseURL: standIn.url, apiKey: 'none' }
  return {
    autoupdate: false,
    share: 'disabled',
    model: 'mock/mock-model',
    small_model: 'mock/mock-model',
    permission: 'allow',
    provider: { mock: { npm: '@ai-sdk/openai-compatible', name: 'mock', options, models } },
  }
}

async function startServer(
  scenario: Scenario,
  standIn: ModelStandIn,
  { binary, project, env }: { readonly binary: string; readonly project: string; readonly env: NodeJS.ProcessEnv },
): Promise<OpenCodeServer> {
  const server = converse([binary, 'serve', '--port', '0', '--hostname', '127.0.0.1'], { cwd: project, env })
  scenario.afterwards(() => server.end(0))
  const ready = await server.line((line) => line.includes('listening on'), 90_000)
  const url = /http:\/\/[0-9.:]+/.exec(ready)?.[0]
  if (url === undefined) throw new Error(`the server says ${ready}`)
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(90_000),
    })
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${shown(answer)}`)
    return answer
  }
  const requests = async (act: () => Promise<unknown>): Promise<readonly ModelRequest[]> => {
    const before = (await standIn.requests()).length
    await act()
    return (await standIn.requests()).slice(before).map(({ messages }) => ({ messages, kind: kindOf(messages) }))
  }
  return {
    newSession: async () => textAt(await post('/session', {}), 'id'),
    prompt: (sessionId, text) => requests(() => post(`/session/${sessionId}/message`, { parts: [{ type: 'text', text }] })),
    compact: (sessionId) =>
      requests(() => post(`/session/${sessionId}/summarize`, { providerID: 'mock', modelID: 'mock-model', auto: false })),
    stop: async () => {
      await server.end(0)
    },
  }
}

/** What a request is for, by its system prompt. */
function kindOf(messages: readonly unknown[]): ModelRequest['kind'] {
  const system = shown(messages[0], 400)
  if (system.includes('context summarization')) return 'compact'
  return system.includes('title generator') ? 'other' : 'turn'
}
