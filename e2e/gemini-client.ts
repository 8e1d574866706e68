import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exists, installClient, namesIn } from './clients.ts'
import { shown } from './json-value.ts'
import { palimpsestCommand, storeUrlOf } from './palimpsest.ts'
import { emptyEnvironment } from './places.ts'
import { lastLines, run } from './processes.ts'
import { geminiStandIn, type ModelRequest, requestsDuring } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

const turnTimeoutMs = 120_000

/** Gemini CLI with a throw-away home, a project and a model of its own; at each `PreCompress` it captures. */
export interface GeminiClient {
  readonly home: string
  readonly project: string
  /** What the hook logged. */
  readonly hookLog: string
  /** Gives the model one prompt, in a process of its own. Gives what the model was sent. */
  prompt(text: string, words: readonly string[]): Promise<readonly ModelRequest[]>
  /** The folder in which its sessions of the project lie. */
  chats(): Promise<string>
}

/** The client, installed, or why it can't be run. */
export async function installGemini(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const client = { name: 'gemini', package: '@google/gemini-cli', version: '0.61.0', installFlags: ['--ignore-scripts'] }
  const installed = await installClient(client)
  if ('missing' in installed) return installed
  const program = join(installed.folder, 'node_modules/@google/gemini-cli/bundle/gemini.js')
  return (await exists(program)) ? { program } : { missing: `it has no ${program}` }
}

/** Sets the client up in the folder of a scenario. It is kept from deleting sessions, since it takes those that were resumed for broken. */
export async function geminiIn(scenario: Scenario, program: string): Promise<GeminiClient> {
  const home = join(scenario.folder, 'home')
  const project = join(scenario.folder, 'shop')
  const hookLog = join(scenario.folder, 'hook.jsonl')
  await Promise.all([join(home, '.gemini'), project].map((folder) => mkdir(folder, { recursive: true })))
  const script = fileURLToPath(new URL('./capture-hook.ts', import.meta.url))
  const words = [process.execPath, script, 'gemini', palimpsestCommand, storeUrlOf(join(scenario.folder, 'store')), hookLog]
  const hook = { type: 'command', name: 'capture', command: words.map((word) => `'${word}'`).join(' '), timeout: 60_000 }
  const settings = {
    general: { sessionRetention: { enabled: false }, disableAutoUpdate: true },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    security: { auth: { selectedType: 'gemini-api-key' } },
    hooks: { PreCompress: [{ hooks: [hook] }] },
  }
  await writeFile(join(home, '.gemini/settings.json'), JSON.stringify(settings))
  await writeFile(join(project, 'notes.txt'), 'The answer stands here: forty-two.\n')
  const model = await geminiStandIn(scenario)
  const env = {
    ...emptyEnvironment(home),
    GEMINI_API_KEY: 'none',
    GOOGLE_GEMINI_BASE_URL: model.url,
    GEMINI_CLI_TRUST_WORKSPACE: 'true',
    CI: '1',
    GIT_CEILING_DIRECTORIES: scenario.folder,
  }
  return {
    home,
    project,
    hookLog,
    prompt: (text, more) =>
      requestsDuring(model, async () => {
        const command = [process.execPath, program, '-p', text, '--approval-mode', 'yolo', '-m', 'gemini-2.5-pro', ...more]
        const { status, stdout, stderr, timedOut } = await run(command, { cwd: project, env, timeoutMs: turnTimeoutMs })
        if (status === 0) return
        throw new Error(
          `gemini -p ${shown(text)} ${timedOut ? 'took too long' : `exited ${status}`}: ${lastLines(stdout)} ${lastLines(stderr)}`,
        )
      }),
    chats: async () => {
      for (const name of await namesIn(join(home, '.gemini/tmp'))) {
        const folder = join(home, '.gemini/tmp', name, 'chats')
        if (await exists(folder)) return folder
      }
      throw new Error('gemini has written no session')
    },
  }
}
