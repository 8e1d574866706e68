import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InstalledClient, installClient } from './clients.ts'
import { at, isRecord, listAt, textAt } from './json-value.ts'
import { emptyEnvironment } from './places.ts'
import { type Conversation, converse, lastLines, run } from './processes.ts'
import { chatStandIn, type ModelRequest, type ModelStandIn, requestsDuring } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

const packageName = '@mariozechner/pi-coding-agent'

/** What the real client says of an open session. */
export interface PiState {
  readonly file: string
  readonly sessionId: string
  readonly leafId: string
  readonly entryIds: readonly unknown[]
  /** Entry ids and their labels. */
  readonly labels: readonly unknown[]
  /** The messages that it would send, the model and the thinking level. */
  readonly context: unknown
  /** The messages alone. */
  readonly messages: readonly unknown[]
}

/** pi's SessionManager with one session open in it. */
export interface PiSession {
  /** Calls a method of the SessionManager; gives the id of the entry that it appended. */
  append(method: string, ...values: readonly unknown[]): Promise<string>
  /** Moves the leaf without writing a byte. */
  moveTo(entryId: string): Promise<void>
  user(text: string): Promise<string>
  assistant(text: string): Promise<string>
  /** A call of a tool and its result; gives the id of the result. */
  tool(name: string, result: string): Promise<string>
  /** Opens the session's own file anew, after something else has written to it. */
  reopen(): Promise<void>
  state(): Promise<PiState>
}

/** Installs pi; gives its package folder. */
export async function installPi(): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const installed: InstalledClient = await installClient({
    name: 'pi',
    package: packageName,
    version: '0.73.1',
    installFlags: ['--ignore-scripts', '--omit=optional'],
  })
  return 'missing' in installed ? installed : { folder: join(installed.folder, 'node_modules', packageName) }
}

/** Begins a session in `project`, with its file in the folder `sessions` of the scenario. */
export async function createPiSession(scenario: Scenario, client: string, project: string): Promise<PiSession> {
  const sessions = join(scenario.folder, 'sessions')
  await Promise.all([sessions, project].map((folder) => mkdir(folder, { recursive: true })))
  const talk = sessionManager(scenario, client)
  await call(talk, 'create', project, sessions)
  return sessionOf(talk)
}

/** Opens a copy of a session, since opening may rewrite the file; fails where it does, or where the structure is broken. */
export async function openPiSession(scenario: Scenario, client: string, path: string): Promise<PiSession> {
  const copy = await copyOf(scenario, path)
  const talk = sessionManager(scenario, client)
  if (at(await call(talk, 'open', copy), 'rewritten') !== false) throw new Error('the client rewrote the file when it opened it')
  const session = sessionOf(talk)
  await session.state()
  return session
}

/** What the client makes of a file of an older format: it rewrites its copy. */
export async function migratedPiState(scenario: Scenario, client: string, path: string): Promise<PiState> {
  const copy = await copyOf(scenario, path)
  const talk = sessionManager(scenario, client)
  await call(talk, 'open', copy)
  return await sessionOf(talk).state()
}

/** The whole client with a throw-away home, a project and a model of its own. */
export interface PiProgram {
  readonly home: string
  readonly project: string
  readonly model: ModelStandIn
  /** What the command and the client share of the environment. */
  readonly env: NodeJS.ProcessEnv
  /** Gives the model one prompt; `words` come before it. Gives what the model was sent. */
  prompt(text: string, words: readonly string[]): Promise<readonly ModelRequest[]>
  /** Compacts a session as `/compact` does. */
  compact(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<readonly ModelRequest[]>
  /** Writes the client's settings. */
  configure(settings: unknown): Promise<void>
}

/** Sets the whole client up in the folder of a scenario. */
export async function piProgramIn(scenario: Scenario, client: string): Promise<PiProgram> {
  const home = join(scenario.folder, 'home')
  const project = join(scenario.folder, 'project')
  const configFolder = join(home, '.pi/agent')
  await Promise.all([configFolder, project].map((folder) => mkdir(folder, { recursive: true })))
  const model = await chatStandIn(scenario)
  const models = [{ id: 'mock-model', contextWindow: 200_000, maxTokens: 8000 }]
  const providers = { mock: { baseUrl: model.url, api: 'openai-completions', apiKey: 'none', models } }
  await writeFile(join(configFolder, 'models.json'), JSON.stringify({ providers }))
  const shared = { PI_CODING_AGENT_DIR: configFolder }
  const env = { ...emptyEnvironment(home), ...shared, PI_OFFLINE: '1', PI_TELEMETRY: '0' }
  const command = [process.execPath, join(client, 'dist/cli.js'), '--provider', 'mock', '--model', 'mock-model', '--no-context-files']
  return {
    home,
    project,
    model,
    env: shared,
    configure: (settings) => writeFile(join(configFolder, 'settings.json'), JSON.stringify(settings)),
    prompt: (text, words) =>
      requestsDuring(model, async () => {
        const { status, stderr, timedOut } = await run([...command, ...words, '-p', text], { cwd: project, env, timeoutMs: 60_000 })
        if (status !== 0) throw new Error(`pi -p ${timedOut ? 'took too long' : `exited ${status}`}: ${lastLines(stderr)}`)
      }),
    compact: (words, more) =>
      requestsDuring(model, async () => {
        const talk = converse([...command, ...words, '--mode', 'rpc'], { cwd: project, env: { ...env, ...more } })
        talk.write(JSON.stringify({ type: 'compact', id: 'c' }))
        const line = await talk.line((candidate) => candidate.includes('"command":"compact"'), 60_000)
        await talk.end(10_000)
        if (at(JSON.parse(line), 'success') !== true) throw new Error(`pi did not compact: ${line}`)
      }),
  }
}

function sessionManager(scenario: Scenario, client: string): Conversation {
  const script = fileURLToPath(new URL('./pi-session-manager.ts', import.meta.url))
  const talk = converse([process.execPath, script, join(client, 'dist/core/session-manager.js')], {
    cwd: scenario.folder,
    env: emptyEnvironment(scenario.folder),
  })
  scenario.afterwards(() => talk.end(5000))
  return talk
}

async function call(talk: Conversation, method: string, ...values: readonly unknown[]): Promise<unknown> {
  talk.write(JSON.stringify({ call: method, with: values }))
  const answer: unknown = JSON.parse(await talk.line((line) => line.startsWith('{'), 30_000))
  if (isRecord(answer) && 'gave' in answer) return answer['gave']
  throw new Error(`${method}: ${textAt(answer, 'failed')}`)
}

function sessionOf(talk: Conversation): PiSession {
  let calls = 0
  const append = async (method: string, ...values: readonly unknown[]): Promise<string> => {
    const id = await call(talk, method, ...values)
    if (typeof id !== 'string') throw new Error(`${method} gave no id`)
    return id
  }
  const said = (content: readonly unknown[], stopReason: string) =>
    append('appendMessage', {
      role: 'assistant',
      content,
      api: 'openai-completions',
      provider: 'mock',
      model: 'mock-model',
      usage: {
        input: 900,
        output: 20,
        cacheRead: 0,
        cacheWrite: 0,
        totalTokens: 920,
        cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
      },
      stopReason,
      timestamp: Date.now(),
    })
  return {
    append,
    moveTo: async (entryId) => {
      await call(talk, 'branch', entryId)
    },
    user: (text) => append('appendMessage', { role: 'user', content: [{ type: 'text', text }], timestamp: Date.now() }),
    assistant: (text) => said([{ type: 'text', text }], 'stop'),
    tool: async (name, result) => {
      const toolCallId = `call-${++calls}`
      await said([{ type: 'toolCall', id: toolCallId, name, arguments: { command: name } }], 'toolUse')
      const content = [{ type: 'text', text: result }]
      return await append('appendMessage', {
        role: 'toolResult',
        toolCallId,
        toolName: name,
        content,
        isError: false,
        timestamp: Date.now(),
      })
    },
    reopen: async () => {
      await call(talk, 'open', textAt(await call(talk, 'state'), 'file'))
    },
    state: async () => {
      const state = await call(talk, 'state')
      if (at(state, 'dangling') !== 0) throw new Error(`${String(at(state, 'dangling'))} entries have a parent that does not exist`)
      if (at(state, 'distinctIds') !== at(state, 'entries')) throw new Error('two entries have one id')
      return {
        file: textAt(state, 'file'),
        sessionId: textAt(state, 'sessionId'),
        leafId: textAt(state, 'leafId'),
        entryIds: listAt(state, 'ids'),
        labels: listAt(state, 'labels'),
        context: at(state, 'context'),
        messages: listAt(state, 'context', 'messages'),
      }
    },
  }
}

async function copyOf(scenario: Scenario, path: string): Promise<string> {
  const folder = join(scenario.folder, 'opened', String(process.hrtime.bigint()))
  await mkdir(folder, { recursive: true })
  const copy = join(folder, basename(path))
  await copyFile(path, copy)
  return copy
}
