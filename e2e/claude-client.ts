import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, type InstalledClient, installClient, namesIn } from './clients.ts'
import { at, shown } from './json-value.ts'
import { emptyEnvironment } from './places.ts'
import { converse, lastLines, run } from './processes.ts'
import { anthropicStandIn, type ModelRequest, type ModelStandIn, requestsDuring } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

const turnTimeoutMs = 90_000

/** Claude Code with a throw-away home, a project and a model of its own. */
export interface ClaudeClient {
  readonly home: string
  readonly project: string
  readonly model: ModelStandIn
  /** What the command and the client share of the environment. */
  readonly env: NodeJS.ProcessEnv
  /** Gives the model one prompt, in a process of its own; `words` go to the client after the prompt. Gives what the model was sent. */
  prompt(text: string, words: readonly string[], env?: NodeJS.ProcessEnv): Promise<readonly ModelRequest[]>
  /** Gives it several prompts in one process. */
  prompts(texts: readonly string[], words: readonly string[]): Promise<readonly ModelRequest[]>
  /** The file of a session. */
  transcript(sessionId: string): Promise<string>
}

/** A line of a transcript and where it begins. */
export interface TranscriptLine {
  readonly start: number
  readonly value: unknown
}

/** The client, installed, or why it can't be run. */
export async function installClaudeCode(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const client = { name: 'claude-code', package: '@anthropic-ai/claude-code', version: '2.1.330', installFlags: ['--ignore-scripts'] }
  const installed: InstalledClient = await installClient(client)
  if ('missing' in installed) return installed
  const scope = join(installed.folder, 'node_modules/@anthropic-ai')
  for (const name of await namesIn(scope)) {
    const program = join(scope, name, 'claude')
    if (!name.startsWith('claude-code-') || !(await exists(program))) continue
    const { status, stdout, stderr } = await run([program, '--version'], {
      cwd: installed.folder,
      env: emptyEnvironment(installed.folder),
      timeoutMs: 60_000,
    })
    if (status === 0 && stdout.toString().startsWith(client.version)) return { program }
    return { missing: `its native program does not run here: ${lastLines(stderr)}` }
  }
  return { missing: `it has no native program for ${process.platform}-${process.arch}` }
}

/** Sets the client up in the folder of a scenario; `settings` are its `settings.json`. */
export async function claudeIn(scenario: Scenario, program: string, settings: unknown = {}): Promise<ClaudeClient> {
  const home = join(scenario.folder, 'home')
  const project = join(scenario.folder, 'project')
  const configFolder = join(home, '.claude')
  await Promise.all([configFolder, join(home, 'tmp'), project].map((folder) => mkdir(folder, { recursive: true })))
  await writeFile(join(configFolder, 'settings.json'), JSON.stringify(settings))
  await writeFile(join(project, 'notes.txt'), 'The answer stands here: forty-two.\n')
  const model = await anthropicStandIn(scenario)
  const shared = { CLAUDE_CONFIG_DIR: configFolder }
  const env = {
    ...emptyEnvironment(home),
    ...shared,
    CLAUDE_CODE_TMPDIR: join(home, 'tmp'),
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'none',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    // The project lies inside this repository, whose own state is not to get into the session.
    GIT_CEILING_DIRECTORIES: scenario.folder,
  }
  const tools = ['--allowedTools', 'Bash Read Write']
  return {
    home,
    project,
    model,
    env: shared,
    prompt: (text, words, more) =>
      requestsDuring(model, async () => {
        const command = [program, '-p', text, ...words, '--output-format', 'json', ...tools]
        const { status, stdout, stderr, timedOut } = await run(command, {
          cwd: project,
          env: { ...env, ...more },
          timeoutMs: turnTimeoutMs,
        })
        if (status === 0 && at(JSON.parse(stdout.toString()), 'is_error') === false) return
        throw new Error(
          `claude -p ${shown(text)} ${timedOut ? 'took too long' : `exited ${status}`}: ${lastLines(stdout)} ${lastLines(stderr)}`,
        )
      }),
    prompts: (texts, words) =>
      requestsDuring(model, async () => {
        const formats = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']
        const talk = converse([program, '-p', ...words, ...formats, ...tools], { cwd: project, env })
        for (const text of texts) {
          talk.write(JSON.stringify({ type: 'user', message: { role: 'user', content: text } }))
          const line = await talk.line((candidate) => candidate.includes('"type":"result"'), turnTimeoutMs)
          if (at(JSON.parse(line), 'is_error') !== false) throw new Error(`claude answered ${shown(text)} with ${shown(line, 600)}`)
        }
        const { status, stderr } = await talk.end(turnTimeoutMs)
        if (status !== 0) throw new Error(`claude exited ${status}: ${lastLines(stderr)}`)
      }),
    transcript: async (sessionId) => {
      for (const folder of await namesIn(join(configFolder, 'projects'))) {
        const path = join(configFolder, 'projects', folder, `${sessionId}.jsonl`)
        if (await exists(path)) return path
      }
      throw new Error(`claude has written no session ${sessionId}`)
    },
  }
}

/** The lines of a transcript that mark a compaction, and where each begins. */
export async function boundariesOf(path: string): Promise<readonly TranscriptLine[]> {
  const bytes = await readFile(path)
  const found: TranscriptLine[] = []
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(10, start)
    const end = feed === -1 ? bytes.length : feed
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    if (at(value, 'type') === 'system' && at(value, 'subtype') === 'compact_boundary') found.push({ start, value })
    start = end + 1
  }
  return found
}
