import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exists, installClient, namesIn } from './clients.ts'
import { shown } from './json-value.ts'
import { palimpsestCommand, storeUrlOf } from './palimpsest.ts'
import { emptyEnvironment, workFolder } from './places.ts'
import { lastLines, run } from './processes.ts'
import { chatStandIn, type ModelRequest, requestsDuring } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

const turnTimeoutMs = 90_000

/** Copilot CLI with a throw-away home, a project and a model of its own; before each compaction it captures. */
export interface CopilotClient {
  readonly home: string
  /** What the hook logged. */
  readonly hookLog: string
  /** Gives the model one prompt, in a process of its own. Gives what the model was sent. */
  prompt(text: string, words: readonly string[]): Promise<readonly ModelRequest[]>
  /** The events of a session. */
  events(sessionId: string): string
}

/** The client, installed, or why it can't be run. */
export async function installCopilot(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const client = { name: 'copilot', package: '@github/copilot', version: '1.0.102', installFlags: ['--ignore-scripts'] }
  const installed = await installClient(client)
  if ('missing' in installed) return installed
  const scope = join(installed.folder, 'node_modules/@github')
  for (const name of await namesIn(scope)) {
    const program = join(scope, name, 'copilot')
    if (name.startsWith('copilot-') && (await exists(program))) return { program }
  }
  return { missing: `it has no native program for ${process.platform}-${process.arch}` }
}

/** Sets the client up in the folder of a scenario. */
export async function copilotIn(scenario: Scenario, program: string): Promise<CopilotClient> {
  const home = join(scenario.folder, 'home')
  const project = join(scenario.folder, 'project')
  const hooks = join(home, '.copilot/hooks')
  const hookLog = join(scenario.folder, 'hook.jsonl')
  await Promise.all([hooks, project].map((folder) => mkdir(folder, { recursive: true })))
  const script = fileURLToPath(new URL('./capture-hook.ts', import.meta.url))
  const words = [process.execPath, script, 'copilot', palimpsestCommand, storeUrlOf(join(scenario.folder, 'store')), hookLog]
  const hook = { type: 'command', bash: words.map((word) => `'${word}'`).join(' '), timeoutSec: 60 }
  await writeFile(join(hooks, 'capture.json'), JSON.stringify({ version: 1, hooks: { preCompact: [hook] } }))
  const model = await chatStandIn(scenario)
  const env = {
    ...emptyEnvironment(home),
    COPILOT_OFFLINE: 'true',
    COPILOT_AUTO_UPDATE: 'false',
    COPILOT_PROVIDER_TYPE: 'openai',
    COPILOT_PROVIDER_BASE_URL: model.url,
    COPILOT_PROVIDER_API_KEY: 'none',
    COPILOT_MODEL: 'mock-model',
    // The program unpacks itself once, not in every home.
    COPILOT_CACHE_HOME: join(workFolder, 'clients', 'copilot-unpacked'),
    GIT_CEILING_DIRECTORIES: scenario.folder,
  }
  return {
    home,
    hookLog,
    events: (sessionId) => join(home, '.copilot/session-state', sessionId, 'events.jsonl'),
    prompt: (text, more) =>
      requestsDuring(model, async () => {
        const command = [program, '-p', text, '--allow-all-tools', ...more]
        const { status, stdout, stderr, timedOut } = await run(command, { cwd: project, env, timeoutMs: turnTimeoutMs })
        if (status === 0) return
        const how = timedOut ? 'took too long' : `exited ${status}`
        throw new Error(`copilot -p ${shown(text)} ${how}: ${lastLines(stdout)} ${lastLines(stderr)}`)
      }),
  }
}
