import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
/** The command as it is installed. */
export const palimpsest: string = join(repository, 'node_modules/.bin/palimpsest')

/** A machine of its own for the demo: a home folder, and an environment that knows no other. */
export interface Stage {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  /** Paths of this machine as one would write them there: with `~`. */
  shown(text: string): string
  remove(): Promise<void>
}

/** Makes the stage. Nothing of the user's environment gets into it but what starts a program. */
export async function createStage(): Promise<Stage> {
  const home = await mkdtemp(join(tmpdir(), 'palimpsest-demo-'))
  const folders = { XDG_CONFIG_HOME: '.config', XDG_DATA_HOME: '.local/share', XDG_STATE_HOME: '.local/state', XDG_CACHE_HOME: '.cache' }
  const env: Record<string, string> = { HOME: home, USERPROFILE: home, NO_COLOR: '1' }
  for (const [name, folder] of Object.entries(folders)) {
    env[name] = join(home, folder)
    await mkdir(join(home, folder), { recursive: true })
  }
  for (const name of ['LANG', 'TZ']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  // The command runs on the Node that runs the demo.
  env['PATH'] = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
  return {
    home,
    env,
    shown: (text) => text.replaceAll(home, '~'),
    remove: () => rm(home, { recursive: true, force: true }),
  }
}

/** Runs the command and gives the bytes that it printed. Rejects, with what it said, when it fails. */
export function run(stage: Stage, ...argv: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { cwd: stage.home, env: stage.env, encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const
    execFile(palimpsest, [...argv], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') reject(new Error('the command is not built yet; run: pnpm build, then pnpm demo', { cause: error }))
      else reject(new Error(`palimpsest ${argv.join(' ')} failed: ${stderr.toString()}${stdout.toString()}`, { cause: error }))
    })
  })
}

export async function runText(stage: Stage, ...argv: readonly string[]): Promise<string> {
  return (await run(stage, ...argv)).toString('utf8')
}

/** What the command prints with `--json`. */
export async function runJson(stage: Stage, ...argv: readonly string[]): Promise<unknown> {
  return JSON.parse(await runText(stage, ...argv, '--json'))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
